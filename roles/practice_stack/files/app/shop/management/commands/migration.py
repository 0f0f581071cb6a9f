# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Story table_lock: a migration in the middle of the traffic locks a table, and everything that needs it waits."""

import typing as t

from django.core.management import BaseCommand

from shop.direct import postgresql


class Command(BaseCommand):
    help = __doc__

    def handle(self, *_args: t.Any, **_options: t.Any) -> None:
        with postgresql("shop", application_name="migrate") as db, db.transaction():
            db.execute("LOCK TABLE shop_order IN ACCESS EXCLUSIVE MODE")
            while True:  # in short steps, because a session that works does not notice that its program was ended
                db.execute("SELECT pg_sleep(5)")
