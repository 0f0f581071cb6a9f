# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of the module postgresql_stats, whose own file is full of measures (private to this collection)."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  login_host:
    description: Host name or address of the server. Without it and without O(login_unix_socket), V(127.0.0.1).
    type: str
  login_port:
    description: Port, also that of the UNIX socket. Without it 5432.
    type: int
  login_unix_socket:
    description: Folder of the UNIX socket (V(/var/run/postgresql)), or the socket itself.
    type: str
  login_user:
    description:
      - The role to connect as. A member of C(pg_monitor) sees everything that is judged; what a lesser role may not see is unknown, with
        the GRANT that helps.
      - Without it, the system user that runs the module, else V(postgres). Root becomes the server's own user for the time of the
        handshake on a UNIX socket, so that peer authentication works with C(become) alone.
      - Prefer such a role to a superuser. To confirm missing indexes by a plan it needs to read the tables (C(pg_read_all_data)).
    type: str
  login_password:
    description: Password of O(login_user). A C(.pgpass) file of the user on the target works as well.
    type: str
  login_db:
    description:
      - The database to connect to; also the one whose tables are read unless O(databases) says otherwise.
      - Without it V(postgres), and C(pg_stat_statements) is looked for in the busiest databases.
    type: str
  ssl_mode:
    description: As libpq's C(sslmode).
    type: str
    choices: [disable, allow, prefer, require, verify-ca, verify-full]
  ca_cert:
    description: File with the certificate authority that signed the server's certificate.
    type: path
  databases:
    description:
      - The databases whose tables and indexes are read, one after the other; V(all) for up to 20.
      - Without it that of O(login_db), else the five busiest. When connections are nearly exhausted only the one we are connected to.
    type: list
    elements: str
  confirm_by_plan:
    description:
      - Ask for the generic plan of a few statements that seem to miss an index (C(EXPLAIN), never C(ANALYZE)).
      - Only statements without functions of users are planned, as the role that ran them where we may become it.
    type: bool
    default: true
"""
