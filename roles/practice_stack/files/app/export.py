# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Story rogue_client: a nightly export runs long read queries on the primary, in the middle of the launch."""

import threading

from shop.direct import postgresql

# Long because it pauses between the rows, so that the query, not the processor of a small machine, is the symptom.
QUERY = """
SELECT count(*), sum(o.total) FROM shop_order o JOIN shop_customer c ON c.id = o.customer_id,
LATERAL (SELECT pg_sleep(CASE WHEN o.id % 4000 = 0 THEN 0.05 ELSE 0 END)) pause
"""


def export() -> None:
    with postgresql("reporting", application_name="nightly-export") as db:
        while True:
            db.execute(QUERY).fetchone()


if __name__ == "__main__":
    sessions = [threading.Thread(target=export) for _each in range(3)]
    for session in sessions:
        session.start()
    for session in sessions:
        session.join()
