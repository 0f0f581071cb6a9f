# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The launch's traffic: visitors that a cache can answer, members that it cannot, at a rate a small machine can bear."""

import json
import os
import pathlib
import random

from locust import FastHttpUser, constant_throughput, task

STORIES = set(os.environ.get("PRACTICE_STORIES", "").split(","))
MODERN = json.loads(pathlib.Path(os.environ["PRACTICE_CONFIG"]).read_text())["flavour"] == "modern"
# without an accelerator, or with one that passes everything, all of it goes to the application: less is enough
RATE = 2.5 if MODERN else 3.5 if "cold_cache" in STORIES else 8.5
# members who wait for a worker hold up their visits to cached pages: fewer of them keep the accelerator out of the picture
MEMBERS = 4 if "workers_exhausted" in STORIES else 10
MOVED = 60 if "cold_cache" in STORIES else 2


def member() -> dict[str, str]:
    return {"Cookie": f"_ga=GA1.1.42; sessionid=member-{random.randint(1, 20_000)}"}


class Visitor(FastHttpUser):
    """Mostly anonymous, with an analytics cookie that means nothing to the site; now and then logged in.

    One kind of user for both, so that the mix stays as it is when a busy machine slows the traffic down.
    """

    fixed_count = 14
    wait_time = constant_throughput(RATE)
    default_headers = {"Cookie": "_ga=GA1.1.42"}

    @task(40)
    def home(self) -> None:
        self.client.get("/")

    @task(134)
    def product(self) -> None:
        self.client.get(f"/product/{random.randint(1, 40)}/", name="/product/n/")

    @task(3)
    def stock(self) -> None:
        self.client.get(f"/stock/{random.randint(0, 99)}/", name="/stock/n/")

    @task(MOVED)
    def moved(self) -> None:
        self.client.get(f"/old/{random.randint(0, 9)}/", name="/old/n/", allow_redirects=False)

    @task(2)
    def gone(self) -> None:
        with self.client.get(f"/gone/{random.randint(0, 9)}/", name="/gone/n/", catch_response=True) as answer:
            if answer.status_code == 404:
                answer.success()

    @task(MEMBERS)
    def account(self) -> None:
        self.client.get("/account/", headers=member())


class Buyer(FastHttpUser):
    """Orders once a second, so that there is no window without a task: with so few, chance would leave one out."""

    fixed_count = 1
    wait_time = constant_throughput(1)

    @task
    def order(self) -> None:
        self.client.post("/order/", headers=member())


class Analyst(FastHttpUser):
    """Requests the slow page: now and then, or all at once in a story about it."""

    fixed_count = 14 if "workers_exhausted" in STORIES and MODERN else 10 if STORIES & {"workers_exhausted", "pool_too_small"} else 1
    wait_time = constant_throughput(2 if STORIES & {"workers_exhausted", "pool_too_small"} else 0.2)

    @task
    def report(self) -> None:
        self.client.get("/report/", headers={"Cookie": "sessionid=analyst-1"})
