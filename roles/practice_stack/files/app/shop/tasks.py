# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the shop does after the answer was sent."""

import os
import time

from celery import Celery, shared_task
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")

app = Celery("shop", broker=f"redis://127.0.0.1:{settings.PORTS['redis']}/0")
app.conf.update(task_ignore_result=True, task_send_sent_event=True, broker_connection_retry_on_startup=True, imports=["shop.tasks"])
app.set_default()


class CardDeclined(Exception):
    """The bank said no."""


@shared_task
def send_receipt(order: int) -> None:
    from .models import Order  # pylint: disable=import-outside-toplevel # the registry of models is ready by then

    Order.objects.filter(pk=order).update(paid=True)


@shared_task
def charge_card(order: int) -> None:
    """Slow, and one in four fails: what the story queue_backlog floods the queue with."""
    time.sleep(0.4)
    if order % 4 == 0:
        raise CardDeclined("card declined")
