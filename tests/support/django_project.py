# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small Django project that is not ready for a launch, with secrets planted in its settings."""

from __future__ import annotations

import pathlib

KEY = "EXAMPLEPLANTEDKEY-0123456789-abcdefghijklmnopqrstuvwxyz-0123456789"
SETTINGS = f"""
SECRET_KEY = {KEY!r}
DEBUG = True
ALLOWED_HOSTS = ["shop.example.com"]
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.staticfiles", "shop"]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware"]
ROOT_URLCONF = "shop.urls"
TEMPLATES = [{{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}}]
DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": "shop.db", "PASSWORD": "EXAMPLEPLANTED1", "CONN_MAX_AGE": 60}}}}
CACHES = {{"default": {{"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}}}
EMAIL_HOST_PASSWORD = "EXAMPLEPLANTED2"
EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
PAYMENT_KEY = "EXAMPLEPLANTED3"
STATIC_URL = "static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
"""
MODELS = "from django.db import models\nclass Item(models.Model):\n    name = models.CharField(max_length=9)\n"


def write(folder: pathlib.Path) -> pathlib.Path:
    """The project in `folder`, which is its chdir."""
    shop = folder / "shop"
    (shop / "migrations").mkdir(parents=True)
    files = {"__init__": "", "urls": "urlpatterns = []\n", "settings": SETTINGS, "models": MODELS, "migrations/__init__": ""}
    for name, text in files.items():
        (shop / f"{name}.py").write_text(text)
    (folder / "manage.py").write_text('import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")\n')
    return folder
