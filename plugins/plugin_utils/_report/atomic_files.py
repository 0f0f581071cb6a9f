# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of the report, each written whole or not at all."""

from __future__ import annotations

import json
import os
import pathlib
import tempfile
import typing as t

Pathish = t.Union[str, "os.PathLike[str]"]


def write(path: pathlib.Path, text: str) -> None:
    """Replace the file in one step: who reads it meanwhile sees the old or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as stream:
            stream.write(text)
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def launch_json(report: t.Mapping[str, t.Any]) -> str:
    """The report as strict JSON: small parts readable, one line per host, finding and diagnosis (large fleets stay fast)."""
    parts = []
    for key, value in report.items():
        if isinstance(value, list) and value:
            inside = ",\n".join("  " + _compact(entry) for entry in value)
            parts.append(f" {_compact(key)}: [\n{inside}\n ]")
        elif key == "hosts" and value:
            inside = ",\n".join(f"  {_compact(name)}: {_compact(entry)}" for name, entry in value.items())
            parts.append(f" {_compact(key)}: {{\n{inside}\n }}")
        else:
            parts.append(f" {_compact(key)}: {_compact(value)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _compact(value: t.Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
