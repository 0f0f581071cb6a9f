# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parse: counters and answers of the management CLI as plain values, whatever the version."""

from __future__ import annotations

import re
import typing as t

from ..._collect.problem import Problem
from ..._collect.sampling import number
from ..._texts import bounded_json
from ..._texts.redact import clean

Counters = t.Mapping[str, int]


def counters(data: bytes) -> Counters:
    """Counter name → value from the JSON of `varnishstat -j`.

    6.5 and later keep them under `counters`; before, they are flat beside `timestamp`; 3.0 has no `MAIN.` in the
    names. Values stay exact integers: `happy` is a 64-bit history (case V-05).
    """
    try:
        # whatever a wrapper or a linker printed before the document is no part of it
        document = bounded_json.load(data[max(data.find(b"{"), 0) :])
    except (ValueError, RecursionError):
        raise Problem(f"the answer of varnishstat is not complete JSON: {len(data)} bytes, beginning with {clean(data[:40])!r}") from None
    found = document.get("counters", document) if isinstance(document, dict) else {}
    values: dict[str, int] = {}
    for name, entry in found.items() if isinstance(found, dict) else ():
        value = _value(entry)
        if value is not None:
            values[name if "." in name else "MAIN." + name] = value
    if not values:
        raise Problem(f"the answer of varnishstat holds no counters: {clean(data[:60])!r}")
    return values


def _value(entry: t.Any) -> t.Optional[int]:
    """The exact integer of a counter, None for what is none."""
    value = number(entry.get("value")) if isinstance(entry, dict) else None
    return value if isinstance(value, int) and abs(value) < 2**64 else None


_JSON_ANSWER = re.compile(rb"^[ \t]{0,8}\[", re.MULTILINE)


def _answer(data: bytes, command: str) -> t.Any:
    """What follows `[version, [command…], time,` in a JSON answer of the CLI; None when it is text, a Problem when it is neither.

    6.6.1 prints the CLI's status line before the JSON.
    """
    begin = _JSON_ANSWER.search(data)
    if begin is None:
        return None
    try:
        document = bounded_json.load(data[begin.start() :])
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, list) or len(document) < 3 or not isinstance(document[1], list) or document[1][:1] != [command]:
        nothing = " (no VCL is loaded?)" if command == "vcl.list" else ""
        raise Problem(f"the answer of {command} is not complete JSON{nothing}: {clean(data[begin.start() :], 60)!r}")
    return document[3:]


# "active  auto/warm  0 boot" (6.0), "active  auto  warm  0  boot"; a label is "name -> vcl", with "(1 return(vcl))" when a VCL uses it.
_VCL_LINE = re.compile(
    r"^(active|available|discarded)[ \t]+\S+[ \t]+(?:\S+[ \t]+)?\d+[ \t]+(\S+)(?:[ \t]+->[ \t]+(\S+)([^\n]*return\(vcl\))?)?", re.MULTILINE
)


def vcls(data: bytes) -> dict[str, str]:
    """VCL name → status from `vcl.list`, JSON or text. Broken JSON is a Problem (case V-13).

    The status is `active`, `labelled` (requests go there from another VCL, by a label) or `available`. A label itself is no VCL.
    """
    rows = _answer(data, "vcl.list")
    if rows is not None:
        found = [_vcl(row) for row in rows if isinstance(row, dict) and "name" in row]
    else:
        matches = _VCL_LINE.findall(data.decode("utf-8", "replace"))
        found = [(name, status, target or None, bool(used)) for status, name, target, used in matches]
    result = {name: status for name, status, target, _used in found if target is None}
    for _name, status, target, used in found:
        if target in result and result[target] != "active" and (status == "active" or used):
            result[target] = "active" if status == "active" else "labelled"
    return result


def _vcl(row: t.Mapping[str, t.Any]) -> tuple[str, str, t.Optional[str], bool]:
    """(name, status, the VCL behind a label, whether another VCL uses the label) of a row of `vcl.list -j`."""
    label = row.get("label")
    if not isinstance(label, dict) or "name" not in label:
        return str(row["name"]), str(row.get("status")), None, False
    return str(row["name"]), str(row.get("status")), str(label["name"]), bool(label.get("refs"))


_BACKEND_LINE = re.compile(r"^([^\s.]+\.\S+)\s+(probe|healthy|sick|auto)\s+(.*)$", re.MULTILINE)
_PROBED = re.compile(r"(\d{1,20})/(\d{1,20})")


def backends(data: bytes) -> dict[str, dict[str, t.Any]]:
    """`<vcl>.<backend>` → {admin, good, window, health} from `backend.list`, JSON (6.1+) or text (6.0).

    `health` is what Varnish itself says: healthy or sick; a window of 0 means that the backend has no probe.
    """
    answer = _answer(data, "backend.list")
    if answer is not None:
        rows = answer[0] if answer and isinstance(answer[0], dict) else {}
        return {str(name): _backend(row) for name, row in rows.items() if isinstance(row, dict)}
    found = {}
    for name, admin, rest in _BACKEND_LINE.findall(data.decode("utf-8", "replace")):
        probed = _PROBED.search(rest)
        good, window = (int(probed.group(1)), int(probed.group(2))) if probed else (0, 0)
        said = "sick" if admin == "sick" or "sick" in rest.lower() else "healthy"
        found[name] = {"admin": admin, "good": good, "window": window, "health": said}
    return found


def _backend(row: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    message = row.get("probe_message")
    good, window, said = message if isinstance(message, list) and len(message) == 3 else (None, None, None)
    # A director has no probe of its own: "probe_message" is then a text, or counts its backends.
    said = said if isinstance(said, str) else message if isinstance(message, str) else None
    return {
        "admin": clean(row["admin_health"], 20) if isinstance(row.get("admin_health"), str) else None,
        "good": good if isinstance(good, int) and 0 <= good <= 64 else None,
        "window": window if isinstance(window, int) and 0 <= window <= 64 else None,
        "health": "sick" if row.get("admin_health") == "sick" or (said or "").lower() == "sick" else said,
        "type": row.get("type"),
    }


def parameters(data: bytes) -> dict[str, t.Any]:
    """Parameter name → value from `param.show -j`."""
    rows = _answer(data, "param.show") or []
    return {str(row["name"]): row.get("value") for row in rows if isinstance(row, dict) and "name" in row}


_VERSION = re.compile(r"(varnish(?:-plus)?|vinyl(?:-cache)?)-(\d+(?:\.\d+)+\S*)", re.IGNORECASE)


def version(data: bytes) -> tuple[t.Optional[str], t.Optional[str]]:
    """(product, version) of `varnish-7.1.1 revision …` or `vinyl-cache-9.0.1 revision …`; (None, None) without."""
    found = _VERSION.search(data.decode("utf-8", "replace"))
    return (found.group(1).lower(), found.group(2)) if found else (None, None)
