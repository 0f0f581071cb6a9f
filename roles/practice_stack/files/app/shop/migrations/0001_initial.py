# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables as models.py has them."""

import django.db.models.deletion
from django.db import migrations, models

ID = ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"))
NAME = ("name", models.CharField(max_length=80))


class Migration(migrations.Migration):
    initial = True
    dependencies: list[tuple[str, str]] = []
    operations = [
        migrations.CreateModel(name="Customer", fields=[ID, NAME, ("points", models.IntegerField(default=0))]),
        migrations.CreateModel(
            name="OldProduct", fields=[ID, NAME, ("category", models.IntegerField(db_index=True)), ("stock", models.IntegerField())]
        ),
        migrations.CreateModel(
            name="OldAddress", fields=[ID, ("old_number", models.IntegerField(unique=True)), ("target", models.CharField(max_length=80))]
        ),
        migrations.CreateModel(
            name="Order",
            fields=[
                ID,
                ("total", models.DecimalField(decimal_places=2, max_digits=9)),
                ("placed_at", models.DateTimeField(auto_now_add=True)),
                ("paid", models.BooleanField(default=False)),
                ("customer", models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, to="shop.customer")),
            ],
            options={"indexes": [models.Index(fields=["customer"], name="shop_order_customer_idx")]},
        ),
    ]
