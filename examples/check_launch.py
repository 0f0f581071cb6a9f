# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The last verdict as a monitoring plugin says it: one line, and exit code 0 ok, 1 warning, 2 critical, 3 unknown.

    python3 check_launch.py /var/lib/launch/launch.json --max-age 900

A check of a fleet takes longer than a monitoring system waits, so cron (or a watch) runs the check and this reads what it
wrote. A report that is older than --max-age is unknown: a check that has stopped running must not stay green. Needs nothing
but Python.
"""

from __future__ import annotations

import argparse
import calendar
import json
import sys
import time

OK, WARNING, CRITICAL, UNKNOWN = range(4)
CODES = {"ok": OK, "warn": WARNING, "fail": CRITICAL, "unknown": UNKNOWN}
WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")


def judged(path: str, max_age: float) -> tuple[int, str]:
    """The exit code and the line."""
    try:
        with open(path, encoding="utf-8") as handle:
            report = json.load(handle)
        code = CODES[report["status"]]
        ended = calendar.timegm(time.strptime(report["started_at"], "%Y-%m-%dT%H:%M:%SZ")) + report["duration_seconds"]
        counts = {name: int(report["counts"].get(name, 0)) for name in ("fail", "unknown", "warn", "ok")}
        said = _said(report)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return UNKNOWN, f"the report {path} cannot be read: {type(error).__name__}: {error}"
    age = time.time() - ended
    numbers = " ".join(f"{name}={count}" for name, count in counts.items()) + f" age={age:.0f}s;;{max_age:.0f}"
    if age > max_age:
        return UNKNOWN, f"the last check ended {age:.0f} s ago, it was {report['verdict']} | {numbers}"
    return code, f"{report['verdict']}{said} | {numbers}"


def _said(report: dict) -> str:
    """What is wrong: the cause, or else the most urgent finding."""
    if report["diagnoses"]:
        text = report["diagnoses"][0]["statement"]
    else:
        urgent = [one for one in report["findings"] if one["status"] == report["status"] and not one["accepted"]]
        if report["status"] == "ok" or not urgent:
            return ""
        text = f"{urgent[0]['host']}: {urgent[0]['finding'] or urgent[0]['question']}"
    # the bar begins the numbers, and a line is one line
    plain = "".join(sign if sign.isprintable() else " " for sign in str(text)).replace("|", "/")
    return ": " + plain[:300]


def main() -> int:
    parser = argparse.ArgumentParser(description="The last verdict of warroom.launch as a monitoring plugin.")
    parser.add_argument("report", help="path of launch.json")
    parser.add_argument("--max-age", type=float, default=900, help="seconds after which a report is unknown (%(default)s)")
    options = parser.parse_args()
    code, line = judged(options.report, options.max_age)
    sys.stdout.write(f"LAUNCH {WORDS[code]} - {line}\n".encode("ascii", "backslashreplace").decode())
    return code


if __name__ == "__main__":
    sys.exit(main())
