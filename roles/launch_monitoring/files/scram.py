# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether PostgreSQL's stored verifier is that of a password, and a new verifier: the password itself reaches no statement, no log.

Reads {password, user, verifier} from stdin, writes {same, verifier}.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import sys
import unicodedata

ROUNDS = 4096


def scram(password, salt, rounds):
    """A SCRAM-SHA-256 verifier, as PostgreSQL stores it."""
    # what SASLprep does to the passwords that people use
    prepared = unicodedata.normalize("NFKC", password).encode()
    salted = hashlib.pbkdf2_hmac("sha256", prepared, salt, rounds)
    client = hmac.new(salted, b"Client Key", "sha256").digest()
    server = hmac.new(salted, b"Server Key", "sha256").digest()
    stored = hashlib.sha256(client).digest()
    salt64, stored64, server64 = (base64.b64encode(part).decode() for part in (salt, stored, server))
    return f"SCRAM-SHA-256${rounds}:{salt64}${stored64}:{server64}"


def same(password, user, verifier):
    if not verifier:
        return False
    if verifier.startswith("md5"):
        return verifier == "md5" + hashlib.md5((password + user).encode()).hexdigest()
    try:
        _name, salted, _keys = verifier.split("$")
        rounds, salt = salted.split(":")
        return verifier == scram(password, base64.b64decode(salt), int(rounds))
    except ValueError:
        return False


def answer(question):
    password = question["password"]
    return {
        "same": same(password, question["user"], question["verifier"]),
        "verifier": scram(password, os.urandom(16), ROUNDS),
    }


if __name__ == "__main__":
    json.dump(answer(json.load(sys.stdin)), sys.stdout)
