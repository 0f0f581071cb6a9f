# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real browser without a screen: loads a page, runs a probe in it, gives what the probe found and what the console said."""

from __future__ import annotations

import html
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import typing as t

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

LEAST_WIDTH = 500

# No sandbox: the tests may run as root. Nothing may be looked up outside.
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--enable-logging=stderr", "--v=0",
)  # fmt: skip


def _run(page: pathlib.Path, *flags: str) -> subprocess.CompletedProcess[str]:
    with tempfile.TemporaryDirectory(prefix="wr-browser-", ignore_cleanup_errors=True) as profile:
        command = [str(CHROMIUM), *_FLAGS, f"--user-data-dir={profile}", *flags, page.as_uri()]
        return subprocess.run(
            command, check=False, capture_output=True, text=True, errors="replace", timeout=120, env={**os.environ, "HOME": profile}
        )


def console(page: pathlib.Path) -> list[str]:
    """What the page as it is writes to the console: errors, refused requests, violations of its policy."""
    done = _run(page, "--dump-dom", "--virtual-time-budget=2000")
    assert "<h1" in done.stdout, done.stderr[-2000:]
    return [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def frames(page: pathlib.Path, script: str, sizes: t.Sequence[tuple[int, int]], themes: t.Sequence[str]) -> dict[str, t.Any]:
    """What `script` returns in the page at each size and theme (`390x844 dark`), in one browser: a frame for each."""
    names = [(f"{width}x{height} {theme}", width, height, theme) for width, height in sizes for theme in themes]
    collect = f"""<script>const results = {{}}; function collect(name, result) {{ results[name] = result;
      if (Object.keys(results).length === {len(names)}) document.documentElement.dataset.probe = JSON.stringify(results); }}</script>"""
    written = _without_policy(page)
    parts = []
    for name, width, height, theme in names:
        call = f"let result; try {{ result = (function () {{ {script} }})(); }} catch (error) {{ result = String(error); }}"
        run = f'<script>(function () {{ {call} parent.collect("{name}", result); }})();</script>'
        text = _themed(written, theme).replace("</body>", run + "</body>")
        parts.append(f'<iframe width="{width}" height="{height}" srcdoc="{html.escape(text)}" style="border: 0"></iframe>')
    copy = page.with_name("frames.html")
    copy.write_text(f"<!DOCTYPE html><html><body>{collect}{''.join(parts)}</body></html>", encoding="utf-8")
    return t.cast("dict[str, t.Any]", _probed(_run(copy, "--dump-dom", "--virtual-time-budget=5000", "--window-size=2000,1200")))


def _without_policy(page: pathlib.Path) -> str:
    return re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.read_text(encoding="utf-8"))


def _themed(text: str, theme: str) -> str:
    return text.replace('<html lang="en">', f'<html lang="en" data-theme="{theme}">')


def _probed(done: subprocess.CompletedProcess[str]) -> t.Any:
    found = re.search(r'data-probe="([^"]*)"', done.stdout)
    assert found, done.stderr[-2000:]
    return json.loads(html.unescape(found[1]))


def probe(
    page: pathlib.Path,
    script: str,
    width: int = 1600,
    height: int = 1200,
    theme: t.Optional[str] = None,
    library: t.Optional[pathlib.Path] = None,
) -> t.Any:
    """What `script` (a function body) returns in the page, a promise too; its policy is taken out, scripts of strangers would run.

    A browser's window has a least width: a phone's is a frame of that width in a window.
    """
    text = _without_policy(page)
    if theme:
        text = _themed(text, theme)
    before = "<script>window.alerts = []; window.alert = x => alerts.push(x); window.errors = []; onerror = m => errors.push(m);</script>"
    if library is not None:
        before += f'<script src="{library.as_uri()}"></script>'
    tell = "found => { top.document.documentElement.dataset.probe = JSON.stringify(found); }"
    after = f"<script>Promise.resolve((function () {{ {script} }})()).then({tell}, error => ({tell})(String(error)));</script>"
    text = text.replace("<head>", "<head>" + before).replace("</body>", after + "</body>")
    if width < LEAST_WIDTH:
        frame = f'<iframe width="{width}" height="{height}" srcdoc="{html.escape(text)}" style="border: 0"></iframe>'
        text = f"<!DOCTYPE html><html><body>{frame}</body></html>"
    copy = page.with_name("probed.html")
    copy.write_text(text, encoding="utf-8")
    return _probed(_run(copy, "--dump-dom", "--virtual-time-budget=5000", f"--window-size={max(width, LEAST_WIDTH)},{height}"))
