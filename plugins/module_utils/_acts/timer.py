# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The timer that takes an act back: a process of its own on the target, which needs no control node.

It is armed before the act. It ends when its file is gone (the act stays), and takes the act back when its time is up. The file is renamed
before the act is taken back: of the timer and a run that want to do so at the same moment, one does. Whoever reads the file in order to
change it holds a lock meanwhile, so that no time is added to a timer that is over.

The process ends with the machine, its file does not: what it would have taken back is then named by `lost`. A timer that outlived a restart
would have to keep the login that acts, and this code, on the target's disk.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pathlib
import re
import signal
import stat
import time
import typing as t

from .._linux import incarnation
from .act import Refused

POLL_SECONDS = 0.25
#: Pauses before it is tried again to take an act back: a server that is being restarted is there again minutes later.
RETRY_SECONDS = (2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0)
_NAME = re.compile(r"[0-9a-f]{8,64}")

Undo = t.Callable[[], str]
#: What the file of a timer holds: when its time is up, the state to go back to, the plan, and the process that keeps the time.
Kept = dict[str, t.Any]


def folder() -> pathlib.Path:
    """A folder of our user's own."""
    path = pathlib.Path(f"/var/tmp/warroom-respond-{os.geteuid()}")
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700)
    status = os.stat(path, follow_symlinks=False)
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
        raise Refused(f"{path} is no private folder of our user, so no timer can be held here: remove it")
    return path


def file_of(name: str) -> pathlib.Path:
    if not _NAME.fullmatch(name):
        raise Refused("a timer is named by the token of its plan")
    return folder() / f"{name}.json"


@contextlib.contextmanager
def _alone(path: pathlib.Path) -> t.Iterator[None]:
    handle = os.open(path.with_name("lock"), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def arm(name: str, seconds: float, state: t.Mapping[str, t.Any], undo: Undo, plan: t.Optional[t.Mapping[str, t.Any]] = None) -> None:
    """Start the timer; when this returns, it runs. Raises Refused when it does not. `plan`: what a later run needs to take the act back."""
    path = file_of(name)
    _write(path, {"deadline": time.monotonic() + seconds, "state": dict(state), "plan": dict(plan or {})})
    ours, theirs = os.pipe()
    first = os.fork()
    if first == 0:
        _leave(theirs, path, undo)
    os.close(theirs)
    os.waitpid(first, 0)
    with os.fdopen(ours, "rb") as pipe:
        if pipe.read(1) != b"+":
            path.unlink(missing_ok=True)
            raise Refused("the timer that would take the act back could not be started")


def _leave(told: int, path: pathlib.Path, undo: Undo) -> t.NoReturn:
    """In the child: let go of the session and of every file of the module, then keep the time."""
    try:
        os.setsid()
        if os.fork() != 0:
            os._exit(0)
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGPIPE):
            signal.signal(number, signal.SIG_IGN)
        os.chdir("/")
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        os.closerange(3, told)
        os.closerange(told + 1, 4096)
        _write(path, {**(_read(path) or {}), "keeper": incarnation.of(os.getpid())})
        os.write(told, b"+")
        os.close(told)
        _keep(path, undo)
    finally:
        os._exit(1)


def _keep(path: pathlib.Path, undo: Undo) -> None:
    kept = _claimed_in_time(path)
    while kept is None:
        time.sleep(POLL_SECONDS)
        kept = _claimed_in_time(path)
    for pause in (*RETRY_SECONDS, None):
        left = kept
        try:
            said = undo()
        except Exception as error:  # pylint: disable=broad-exception-caught # nobody is left to tell: the file does
            said = f"could not be taken back: {error}" + ("" if pause is None else f"; it is tried again in {pause:g} s")
        else:
            pause, left = None, {}
        _write(path.with_suffix(".done"), {**left, "says": said})
        if pause is None:
            break
        time.sleep(pause)
    os._exit(0)


def _claimed_in_time(path: pathlib.Path) -> t.Optional[Kept]:
    """What the timer is to take back once its time is up; None before. Ends the timer when there is nothing left to do."""
    with _alone(path):
        kept = _read(path)
        if kept is not None and time.monotonic() < float(kept.get("deadline") or 0.0):
            return None
        if kept is None or not _claimed(path):
            os._exit(0)
    return kept


def _claimed(path: pathlib.Path) -> bool:
    """Whether the file was ours to take away: of all who want to at the same moment, one does."""
    mine = path.with_suffix(f".{os.getpid()}")
    try:
        os.rename(path, mine)
    except OSError:
        return False
    mine.unlink(missing_ok=True)
    return True


def claim(name: str) -> t.Optional[Kept]:
    """What was kept of an act that is to be taken back; None when another has claimed it, or the act stays."""
    path = file_of(name)
    if not path.exists() and _is_lost(_read(path.with_suffix(".done"))):
        path = path.with_suffix(".done")
    kept = _read(path)
    return (kept or {}) if _claimed(path) else None


def lost() -> t.Iterator[tuple[pathlib.Path, Kept]]:
    """(file, what was kept) of each act that should be taken back and has no process any more that would do so."""
    with contextlib.suppress(Refused):
        for path in sorted(folder().iterdir()):
            kept = _read(path) if path.suffix in (".json", ".done") and _NAME.fullmatch(path.stem) else None
            if kept is not None and _is_lost(kept):
                yield path, kept


def _is_lost(kept: t.Optional[Kept]) -> bool:
    """A timer of which nothing is kept that a run could go by, such as a damaged file, is none."""
    return bool(kept and isinstance(kept.get("plan"), dict) and kept["plan"] and not incarnation.is_there(kept.get("keeper")))


def ended(name: str) -> str:
    """What came of a timer whose time was up, as it said itself."""
    kept = _read(file_of(name).with_suffix(".done"))
    return str((kept or {}).get("says") or "no timer is running for it")


def stay(name: str) -> bool:
    """The act stays: the timer ends. False when it was over already."""
    return claim(name) is not None


def extend(name: str, seconds: float) -> bool:
    """The act stays for so long from now on. False when the timer is over."""
    path = file_of(name)
    with _alone(path):
        kept = _read(path)
        if kept is None:
            return False
        _write(path, {**kept, "deadline": time.monotonic() + seconds})
    return True


def _read(path: pathlib.Path) -> t.Optional[Kept]:
    """None when there is no such timer. What cannot be read counts as one whose time is up."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


def _write(path: pathlib.Path, kept: t.Mapping[str, t.Any]) -> None:
    """Whole or not at all, and the owner's alone."""
    new = path.with_suffix(f".new{os.getpid()}")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        json.dump(kept, stream)
    os.replace(new, path)
