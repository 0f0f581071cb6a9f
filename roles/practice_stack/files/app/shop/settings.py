# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings: the role passes the servers' addresses (PRACTICE_CONFIG) and the stories (PRACTICE_STORIES)."""

import hashlib
import json
import os
import pathlib

CONFIG = json.loads(pathlib.Path(os.environ["PRACTICE_CONFIG"]).read_text())
PORTS = CONFIG["ports"]
MODERN = CONFIG["flavour"] == "modern"
STORIES = {story for story in os.environ.get("PRACTICE_STORIES", "").split(",") if story}

SECRET_KEY = hashlib.sha512(CONFIG["password"].encode()).hexdigest()
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# What a site behind TLS has. The rehearsal speaks plain HTTP on loopback, so only the redirect to HTTPS is left out.
SECURE_HSTS_SECONDS = 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
SILENCED_SYSTEM_CHECKS = ["security.W008"]

# The stack's own error pages are part of the rehearsal: every traceback goes to the log, and one a minute to the administrators.
ADMINS = [("the rehearsal", "rehearsal@localhost")]
EMAIL_BACKEND = "shop.mail.Outbox"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"seldom": {"()": "shop.mail.Seldom"}},
    "handlers": {
        "log": {"class": "logging.StreamHandler", "level": "WARNING"},
        "mail": {"class": "django.utils.log.AdminEmailHandler", "level": "ERROR", "filters": ["seldom"]},
    },
    "loggers": {"django": {"handlers": ["log", "mail"], "propagate": False}},
}

DATABASES: dict[str, dict[str, object]] = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "shop",
        "USER": "shop",
        "PASSWORD": CONFIG["password"],
        "HOST": "127.0.0.1",
        "PORT": PORTS["postgresql"],
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
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
        "CONN_HEALTH_CHECKS": True,
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
