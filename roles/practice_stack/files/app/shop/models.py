# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Customers and their orders in PostgreSQL; the old catalogue and its addresses in MariaDB, where there is one."""

import typing as t

from django.db import models

LEGACY = {"oldproduct", "oldaddress"}


class LegacyRouter:
    """What came with the old site stays in its MariaDB."""

    def db_for_read(self, model: type[models.Model], **_hints: t.Any) -> str:
        return "legacy" if model._meta.model_name in LEGACY else "default"

    db_for_write = db_for_read

    def allow_relation(self, *_objects: t.Any, **_hints: t.Any) -> bool:
        return True

    def allow_migrate(self, db: str, _app_label: str, model_name: t.Optional[str] = None, **_hints: t.Any) -> bool:
        return (db == "legacy") == (model_name in LEGACY)


class Customer(models.Model):
    name = models.CharField(max_length=80)
    points = models.IntegerField(default=0)


class Order(models.Model):
    # The index has a name of its own, so that the story missing_index can drop it and healing can bring it back.
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, db_index=False)
    total = models.DecimalField(max_digits=9, decimal_places=2)
    placed_at = models.DateTimeField(auto_now_add=True)
    paid = models.BooleanField(default=False)

    class Meta:
        indexes = [models.Index(fields=["customer"], name="shop_order_customer_idx")]


class OldProduct(models.Model):
    name = models.CharField(max_length=80)
    category = models.IntegerField(db_index=True)
    stock = models.IntegerField()


class OldAddress(models.Model):
    old_number = models.IntegerField(unique=True)
    target = models.CharField(max_length=80)
