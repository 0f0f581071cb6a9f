# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small shop: what a Django site in front of a launch does, in few lines."""

import pymysql

# Django asks for mysqlclient; PyMySQL speaks the same interface and needs no compiler.
pymysql.version_info = (2, 2, 1, "final", 0)
pymysql.install_as_MySQLdb()
