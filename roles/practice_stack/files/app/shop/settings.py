# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings: the role passes the servers' addresses (PRACTICE_CONFIG) and the stories (PRACTICE_STORIES)."""

import json
import os
import pathlib

CONFIG = json.loads(pathlib.Path(os.environ["PRACTICE_CONFIG"]).read_text())
PORTS = CONFIG["ports"]
MODERN = CONFIG["flavour"] == "modern"
STORIES = {story for story in os.environ.get("PRACTICE_STORIES", "").split(",") if story}

SECRET_KEY = CONFIG["password"]
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
MIDDLEWARE: list[str] = []
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# The stack's own error pages are part of the rehearsal; their tracebacks go to the log only.
LOGGING_CONFIG = None

DATABASES: dict[str, dict[str, object]] = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "shop",
        "USER": "shop",
        "PASSWORD": CONFIG["password"],
        "HOST": "127.0.0.1",
        "PORT": PORTS["postgresql"],
        "CONN_MAX_AGE": 600,
        "OPTIONS": {"application_name": os.environ.get("PRACTICE_PROGRAM", "shop")},
    },
}
if MODERN:
    # PgBouncer gives each transaction another session
    DATABASES["default"] |= {"PORT": PORTS["pgbouncer"], "DISABLE_SERVER_SIDE_CURSORS": True}
else:
    DATABASES["legacy"] = {
        "ENGINE": "django.db.backends.mysql",
        "NAME": "legacy",
        "USER": "shop",
        "PASSWORD": CONFIG["password"],
        "HOST": "127.0.0.1",
        "PORT": PORTS["mariadb"],
        "CONN_MAX_AGE": 600,
    }
    DATABASE_ROUTERS = ["shop.models.LegacyRouter"]

# unbalanced_cache: this client does not know the third server
MEMCACHED = ["memcached_1", "memcached_2"] if "unbalanced_cache" in STORIES else ["memcached_1", "memcached_2", "memcached_3"]
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": f"redis://127.0.0.1:{PORTS['redis']}/1",
        "TIMEOUT": None,
    }
    if MODERN
    else {
        "BACKEND": "shop.cache.KeptOpen",
        "LOCATION": [f"127.0.0.1:{PORTS[name]}" for name in MEMCACHED],
        "TIMEOUT": None,
        # without no_delay every set waits 40 ms for a delayed acknowledgement
        "OPTIONS": {"no_delay": True},
    }
}
