# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""memcached with connections that outlive a request (Django's own backend closes them after each)."""

from django.core.cache.backends.memcached import PyMemcacheCache


class KeptOpen(PyMemcacheCache):
    def close(self, **_kwargs: object) -> None:
        """Stay connected."""
