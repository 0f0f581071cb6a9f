# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Other time zones and languages: for processes by their environment, for servers by their own settings."""

from __future__ import annotations

import contextlib
import itertools
import pathlib
import subprocess
import typing as t

import pytest

#: Languages whose sources the C library's package `locales` has: name → (source, encoding).
SOURCES = {"de_DE.UTF-8": ("de_DE", "UTF-8"), "de_DE.ISO-8859-1": ("de_DE", "ISO-8859-1")}
MISSING = None if pathlib.Path("/usr/share/i18n/locales/de_DE").exists() else "the sources of the languages (package locales) are missing"


def speaking(language: str, folder: pathlib.Path) -> dict[str, str]:
    """An environment in which programs speak the language; it is made in the folder where the C library lacks it."""
    if language in SOURCES and not (folder / language).exists():
        source, encoding = SOURCES[language]
        made = subprocess.run(["localedef", "-i", source, "-f", encoding, folder / language], check=False, capture_output=True)
        assert made.returncode <= 1, made.stderr  # 1: with warnings
    return {"LOCPATH": str(folder), "LC_ALL": language, "LANG": language}


def travels(folder: pathlib.Path) -> t.Iterator[dict[str, str]]:
    """The environments of control nodes, one after the other, for ever."""
    german = speaking("C.UTF-8" if MISSING else "de_DE.UTF-8", folder)
    for zone in itertools.cycle(("America/New_York", "Asia/Kathmandu", "UTC")):
        yield {**german, "TZ": zone} if zone != "UTC" else {"LC_ALL": "C.UTF-8", "LANG": "C.UTF-8", "TZ": zone}


def move_postgresql(port: int, password: str, language: t.Optional[str]) -> None:
    """The server's own zone and language, and proof of both. Ours are those of the environment that it was started in."""
    import psycopg

    spoken = language and pathlib.Path("/usr/share/locale/de/LC_MESSAGES/postgres-15.mo").exists()
    login = f"host=127.0.0.1 port={port} user=postgres password={password} dbname=postgres"
    with psycopg.connect(login, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET timezone = 'America/St_Johns'")
        connection.execute("ALTER SYSTEM SET datestyle = 'German'")
        if language:
            connection.execute(f"ALTER SYSTEM SET lc_messages = '{language}'")
        connection.execute("SELECT pg_reload_conf()")
    with psycopg.connect(login, autocommit=True) as connection:
        row = connection.execute("SHOW timezone").fetchone()
        assert row == ("America/St_Johns",)
        with contextlib.suppress(psycopg.errors.DivisionByZero) if not spoken else pytest.raises(psycopg.Error, match="durch Null"):
            connection.execute("SELECT 1/0")


def move_mariadb(socket: pathlib.Path, password: str) -> None:
    import pymysql

    login = {"unix_socket": str(socket), "user": "root", "password": password}
    with pymysql.connect(**login, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute("SET GLOBAL time_zone = '-03:30'")
        cursor.execute("SET GLOBAL lc_messages = 'de_DE', GLOBAL lc_time_names = 'de_DE'")
