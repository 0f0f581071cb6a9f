# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Story broker_full: a program keeps invoices, which never expire, in the Redis that is also the broker, until it takes no more."""

import itertools
import time
import typing as t

import redis
from django.conf import settings
from django.core.management import BaseCommand

ARCHIVE = "invoice:"


class Command(BaseCommand):
    help = __doc__

    def handle(self, *_args: t.Any, **_options: t.Any) -> None:
        invoice = "x" * 4000
        with redis.Redis(port=settings.PORTS["redis"]) as server:
            for number in itertools.count():
                try:
                    server.set(f"{ARCHIVE}{number}", invoice)
                except redis.ResponseError:  # there is no memory left: try again, as programs do
                    time.sleep(0.2)
