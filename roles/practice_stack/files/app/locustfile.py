# Copyright: (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The launch's traffic: visitors that a cache can answer, members that it cannot, at a rate a small machine can bear."""

import os
import random

from locust import FastHttpUser, constant_throughput, task

STORIES = set(os.environ.get("PRACTICE_STORIES", "").split(","))
# an accelerator that passes everything sends all of it to the application: less is enough to show it
RATE = 0.4 if "cold_cache" in STORIES else 1
MOVED = 30 if "cold_cache" in STORIES else 1


class Visitor(FastHttpUser):
    """Anonymous; carries an analytics cookie that means nothing to the site."""

    fixed_count = 10
    wait_time = constant_throughput(11 * RATE)
    default_headers = {"Cookie": "_ga=GA1.1.42"}

    @task(20)
    def home(self) -> None:
        self.client.get("/")

    @task(70)
    def product(self) -> None:
        self.client.get(f"/product/{random.randint(1, 40)}/", name="/product/n/")

    @task(2)
    def stock(self) -> None:
        self.client.get(f"/stock/{random.randint(0, 99)}/", name="/stock/n/")

    @task(MOVED)
    def moved(self) -> None:
        self.client.get(f"/old/{random.randint(0, 29)}/", name="/old/n/", allow_redirects=False)

    @task(1)
    def gone(self) -> None:
        with self.client.get(f"/gone/{random.randint(0, 9)}/", name="/gone/n/", catch_response=True) as answer:
            if answer.status_code == 404:
                answer.success()


class Member(FastHttpUser):
    """Logged in: every answer is for this one alone."""

    fixed_count = 4
    wait_time = constant_throughput(2)


    @task(7)
    def account(self) -> None:
        number = random.randint(1, 20_000)
        self.client.get("/account/", headers={"Cookie": f"_ga=GA1.1.42; sessionid=member-{number}"})

    @task(2)
    def order(self) -> None:
        self.client.post("/order/", headers={"Cookie": "sessionid=member-1"})


class Analyst(FastHttpUser):
    """Asks for the slow page: now and then, or all at once in the story workers_exhausted."""

    fixed_count = 10 if "workers_exhausted" in STORIES else 1
    wait_time = constant_throughput(2 if "workers_exhausted" in STORIES else 0.2)

    @task
    def report(self) -> None:
        self.client.get("/report/", headers={"Cookie": "sessionid=analyst-1"})
