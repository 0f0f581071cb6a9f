-- Copyright (c) 2026, the warroom.launch authors
-- GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
-- SPDX-License-Identifier: GPL-3.0-or-later
-- What the role needs to know of a server, as one JSON document. Settings are those of the files: a change waits there for a restart.
SELECT json_build_object(
  'files', (SELECT json_object_agg(name, setting) FROM
            (SELECT DISTINCT ON (name) name, setting FROM pg_file_settings WHERE name IS NOT NULL ORDER BY name, seqno DESC) AS lines),
  'automatic', (SELECT json_object_agg(name, setting) FROM pg_file_settings WHERE sourcefile ~ '/postgresql[.]auto[.]conf$'),
  'running', (SELECT json_object_agg(name, setting) FROM pg_settings
              WHERE name ~ '^(log_|lc_messages$)' OR name = 'shared_preload_libraries'),
  'replica', pg_is_in_recovery(),
  'account', EXISTS (SELECT FROM pg_roles WHERE rolname = :'account'),
  'member', EXISTS (SELECT FROM pg_auth_members AS m JOIN pg_roles AS g ON g.oid = m.roleid JOIN pg_roles AS u ON u.oid = m.member
                    WHERE g.rolname = 'pg_monitor' AND u.rolname = :'account'));
