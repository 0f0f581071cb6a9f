# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All rooms by service: what `launch_facts` can gather. A new service is added here once."""

from __future__ import annotations

from .celery.room import ROOM as CELERY
from .memcached.room import ROOM as MEMCACHED
from .mysql.room import ROOM as MYSQL
from .postgresql.room import ROOM as POSTGRESQL
from .server.room import ROOM as SERVER
from .uwsgi.room import ROOM as UWSGI
from .varnish.room import ROOM as VARNISH
from .varnish_traffic.room import ROOM as VARNISH_TRAFFIC

ROOMS = {room.service: room for room in (CELERY, MEMCACHED, MYSQL, POSTGRESQL, SERVER, UWSGI, VARNISH, VARNISH_TRAFFIC)}
