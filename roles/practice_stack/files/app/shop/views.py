# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pages: cached by everybody, personal, moved, slow. A page that is missing needs no view."""

import contextlib
import random
import time

from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.db.models import Count, Sum
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponsePermanentRedirect
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import csrf_exempt

from .models import OldAddress, OldProduct, Order
from .tasks import send_receipt

PRODUCTS = 600
CUSTOMERS = 20_000
#: Story → seconds that the external service of the slow page takes; 0.2 in ordinary traffic. With a pool of one connection the six threads
#: of Gunicorn must wait well above the second from which a pooler's queue is a finding.
REPORT_SECONDS = {"workers_exhausted": 1.5, "pool_too_small": 0.6}

public = cache_control(public=True, max_age=600)
personal = cache_control(private=True)


def page(title: str, *lines: object) -> HttpResponse:
    body = "".join(f"<li>{line}</li>" for line in lines)
    return HttpResponse(f"<!doctype html><title>{title}</title><h1>{title}</h1><ul>{body}</ul>")


def products(numbers: list[int]) -> list[str]:
    """From the cache: `prepare` put them there."""
    found = cache.get_many([f"product:{number}" for number in numbers])
    return [str(found.get(f"product:{number}", number)) for number in numbers]


@public
def home(_request: HttpRequest) -> HttpResponse:
    return page("The shop", *products(random.sample(range(PRODUCTS), 20)))


@public
def product(_request: HttpRequest, number: int) -> HttpResponse:
    return page(f"Product {number}", *products([number % PRODUCTS]))


@public
def stock(_request: HttpRequest, category: int) -> HttpResponse:
    """The old catalogue."""
    return page(f"Category {category}", *OldProduct.objects.filter(category=category).values_list("name", flat=True)[:20])


@personal
def account(request: HttpRequest) -> HttpResponse:
    """Personal: only the session's owner may see it, so no cache may keep it."""
    if "bad_release" in settings.STORIES:
        raise KeyError("customer")  # a renamed key
    customer = int(request.COOKIES.get("sessionid", "1").split("-")[-1]) % CUSTOMERS + 1
    orders = Order.objects.filter(customer_id=customer).aggregate(Count("id"), Sum("total"))
    if "unbalanced_cache" in settings.STORIES:
        for _each in range(60):  # one key that every template fetches again
            cache.get("product:0")
    return page("Your account", orders["id__count"], orders["total__sum"], *products(random.sample(range(PRODUCTS), 120)))


@csrf_exempt  # the rehearsal's visitors post without the form
@personal
def order(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    placed = Order.objects.create(customer_id=random.randint(1, CUSTOMERS), total=random.randint(1, 9000) / 100)
    send_receipt.delay(placed.pk)
    return page("Thank you", placed.pk)


def old(_request: HttpRequest, number: int) -> HttpResponse:
    """An address of the old site, computed from its table."""
    return HttpResponsePermanentRedirect(OldAddress.objects.get(old_number=number % 1000).target)


@personal
def report(_request: HttpRequest) -> HttpResponse:
    """Slow because it waits for an external service, not for our CPU or database."""
    # pool_too_small: and in a transaction, which keeps its connection for as long
    with transaction.atomic() if "pool_too_small" in settings.STORIES else contextlib.nullcontext():
        done = Order.objects.filter(customer_id=1, paid=True).count() if "pool_too_small" in settings.STORIES else "done"
        time.sleep(next((seconds for story, seconds in REPORT_SECONDS.items() if story in settings.STORIES), 0.2))
    return page("Report", done)
