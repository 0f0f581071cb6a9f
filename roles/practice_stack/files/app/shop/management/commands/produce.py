# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Story queue_backlog: enqueue tasks faster than the worker can ever do them."""

import itertools
import time
import typing as t

from django.core.management import BaseCommand

from shop.tasks import charge_card


class Command(BaseCommand):
    help = __doc__

    def handle(self, *_args: t.Any, **_options: t.Any) -> None:
        for number in itertools.count():
            charge_card.delay(number)
            time.sleep(0.05)
