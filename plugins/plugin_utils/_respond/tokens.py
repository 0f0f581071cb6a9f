# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans and their tokens, kept beside the report: a token is good once, for ten minutes, and only for the plan that it was made of."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import hmac
import json
import os
import pathlib
import secrets
import time
import typing as t

from ...module_utils._linux.incarnation import start_of
from .._report import atomic_files

#: How long a token is good, in seconds.
GOOD_SECONDS = 600.0
LENGTH = 32
FILE, LOCK = "respond-plans.json", ".respond.lock"
#: Plans that are kept, the used ones too: a token is refused as used as long as its plan is there.
MOST_PLANS = 200

Plan = dict[str, t.Any]


class NoToken(Exception):
    """The token is not taken. One sentence."""


def token_of(plan: t.Mapping[str, t.Any]) -> str:
    """A digest of everything that the plan says: act, target, parameters, limits, nonce and time."""
    covered = {name: value for name, value in plan.items() if name not in ("used_at", "by")}
    text = json.dumps(covered, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:LENGTH]


class Plans:
    """The plans in a folder. Every change is made under a lock, and written whole or not at all."""

    def __init__(self, folder: t.Union[str, pathlib.Path], now: t.Callable[[], float] = time.time) -> None:
        self.folder = pathlib.Path(folder).expanduser().absolute()
        self._now = now

    def mint(self, plan: Plan) -> str:
        """Keep the plan and return its token."""
        plan = {**json.loads(json.dumps(plan)), "nonce": secrets.token_hex(16), "made_at": round(self._now(), 3)}
        token = token_of(plan)
        with self._locked() as plans:
            plans[token] = plan
        return token

    def check(self, token: str) -> Plan:
        """The plan of a token that is good; raises NoToken."""
        return self._good(self._read(), token)

    def use(self, token: str, by: Plan) -> Plan:
        """The plan of a token, which is used up by this. `by`: which run does so."""
        with self._locked() as plans:
            plan = self._good(plans, token)
            other = self._acting(plans)
            if other is not None:
                raise NoToken(f"another run acts right now ({other}): wait until it is done")
            plans[token] = {**plan, "used_at": self._now(), "by": by}
            return plan

    def done(self, token: str) -> None:
        """The run that used the token is over."""
        with self._locked() as plans:
            if token in plans:
                plans[token] = {**plans[token], "by": None}

    def is_acting(self) -> bool:
        """Whether a run acts at this moment."""
        return self._acting(self._read()) is not None

    @staticmethod
    def _acting(plans: t.Mapping[str, Plan]) -> t.Optional[str]:
        """The run that acts at this moment, in words. One that was killed acts no more."""
        for plan in plans.values():
            by = plan.get("by")
            if isinstance(by, dict) and by.get("start") is not None and start_of(int(by.get("pid") or 0)) == by["start"]:
                return f"process {by.get('pid')} of {by.get('user')}, for {plan.get('cause')} on {plan.get('host')}"
        return None

    def _good(self, plans: t.Mapping[str, Plan], token: str) -> Plan:
        known = next((each for each in plans if hmac.compare_digest(each.encode(), str(token).strip().encode("utf-8", "replace"))), None)
        if known is None:
            raise NoToken("there is no plan with this token: run launch_respond.yml without a token to get one")
        plan = plans[known]
        if plan.get("used_at") is not None:
            raise NoToken("this token was used: a token is good once; run launch_respond.yml again for a new plan")
        age = self._now() - float(plan.get("made_at") or 0.0)
        if not -1.0 <= age <= GOOD_SECONDS:
            raise NoToken(f"this token is too old: it was good for {GOOD_SECONDS / 60:.0f} minutes; run launch_respond.yml again")
        if token_of(plan) != known:
            raise NoToken("the plan of this token was changed after it was made; run launch_respond.yml again")
        return plan

    def _read(self) -> dict[str, Plan]:
        try:
            # not through a link: what it leads to is another's word
            handle = os.open(self.folder / FILE, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
            with open(handle, encoding="utf-8") as stream:
                plans = json.load(stream)
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as error:
            raise NoToken(f"the plans in {self.folder / FILE} cannot be read ({type(error).__name__}): remove the file") from None
        if not isinstance(plans, dict) or not all(isinstance(plan, dict) for plan in plans.values()):
            raise NoToken(f"{self.folder / FILE} does not hold plans: remove the file")
        return plans

    @contextlib.contextmanager
    def _locked(self) -> t.Iterator[dict[str, Plan]]:
        atomic_files.make_folder(self.folder)
        path = self.folder / LOCK
        atomic_files.claim(path)
        with path.open("r+", encoding="utf-8") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            plans = self._read()
            yield plans
            kept = dict(sorted(plans.items(), key=lambda entry: float(entry[1].get("made_at") or 0.0))[-MOST_PLANS:])
            atomic_files.write(self.folder / FILE, [json.dumps(kept, ensure_ascii=False, indent=1), "\n"])
            os.chmod(self.folder / FILE, atomic_files.PRIVATE)
