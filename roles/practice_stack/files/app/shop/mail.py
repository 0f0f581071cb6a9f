# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mail of the rehearsal: delivered to the log, and seldom."""

import logging
import time
from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

_MINUTE = 60.0


class Outbox(BaseEmailBackend):
    """Delivers to the log, which is where the people of the rehearsal look."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for message in email_messages:
            logging.getLogger("shop.mail").warning("to %s: %s", ", ".join(message.to), message.subject)
        return len(email_messages)


class Seldom(logging.Filter):
    """One record a minute: a release that breaks every page must not break the mail as well."""

    def __init__(self) -> None:
        super().__init__()
        self._next = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        now = time.monotonic()
        due = now >= self._next
        if due:
            self._next = now + _MINUTE
        return due
