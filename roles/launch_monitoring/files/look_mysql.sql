-- Copyright (c) 2026, the warroom.launch authors
-- GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
-- SPDX-License-Identifier: GPL-3.0-or-later
-- What the role needs to know of a server, as one JSON document; the role puts its account's name in.
SELECT JSON_OBJECT(
  'version', VERSION(),
  'read_only', CAST(@@global.read_only AS CHAR) NOT IN ('0', 'OFF'),
  'by_user', (SELECT MIN(plugin_name) FROM information_schema.plugins
              WHERE plugin_name IN ('unix_socket', 'auth_socket') AND plugin_status = 'ACTIVE'),
  'plugin', (SELECT plugin FROM mysql.user WHERE user = 'ACCOUNT' AND host = 'localhost'),
  'account', (SELECT COUNT(*) FROM mysql.user WHERE user = 'ACCOUNT' AND host = 'localhost'),
  'privileges', (SELECT GROUP_CONCAT(privilege_type) FROM information_schema.user_privileges WHERE grantee = '''ACCOUNT''@''localhost'''),
  'performance_schema', (SELECT COUNT(*) FROM information_schema.schema_privileges WHERE grantee = '''ACCOUNT''@''localhost'''
                         AND table_schema = 'performance_schema' AND privilege_type = 'SELECT')) AS facts;
