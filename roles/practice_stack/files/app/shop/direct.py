# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sessions of PostgreSQL under other users than the shop's own, without Django."""

import typing as t

import psycopg

from .settings import CONFIG


def postgresql(user: str, database: str = "shop", **more: t.Any) -> psycopg.Connection[t.Any]:
    place = {"host": "127.0.0.1", "port": CONFIG["ports"]["postgresql"], "password": CONFIG["password"]}
    return psycopg.connect(user=user, dbname=database, autocommit=True, **{**place, **more})
