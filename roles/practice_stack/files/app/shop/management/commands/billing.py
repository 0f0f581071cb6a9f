# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Story idle_in_transaction: one session leaks a transaction that holds a lock, others of the same program wait for it."""

import threading
import time
import typing as t

from django.core.management import BaseCommand
from django.db import transaction

from shop.models import Customer


class Command(BaseCommand):
    help = __doc__

    def handle(self, *_args: t.Any, **_options: t.Any) -> None:
        with transaction.atomic():
            Customer.objects.filter(pk=1).update(points=1)
            for _each in range(2):
                threading.Thread(target=self.wait, daemon=True).start()
            while True:  # the forgotten commit
                time.sleep(60)

    @staticmethod
    def wait() -> None:
        Customer.objects.filter(pk=1).update(points=2)
