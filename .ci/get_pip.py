# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stands in for pip's bootstrap script where only a package index can be reached: ensurepip, then pip from the index."""

import subprocess
import sys

PYTHON = [sys.executable, "-m"]
# in a process of its own: ensurepip wipes pip's settings from the environment of its process
subprocess.check_call([*PYTHON, "ensurepip", "--default-pip"])
subprocess.check_call([*PYTHON, "pip", "install", *[word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]])
