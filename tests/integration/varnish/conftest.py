# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One Varnish per test module: starting one compiles VCL and costs a second."""

from __future__ import annotations

import typing as t

import pytest

from tests.support.varnish import Backend, Varnish


@pytest.fixture(scope="module")
def backend() -> t.Iterator[Backend]:
    with Backend() as running:
        yield running


@pytest.fixture
def varnish(backend: Backend) -> t.Iterator[Varnish]:
    with Varnish(backend) as running:
        yield running
