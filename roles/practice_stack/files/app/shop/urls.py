# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every kind of page a launch meets."""

from django.urls import path

from . import views

urlpatterns = [
    path("", views.home),
    path("product/<int:number>/", views.product),
    path("stock/<int:category>/", views.stock),
    path("account/", views.account),
    path("order/", views.order),
    path("old/<int:number>/", views.old),
    path("report/", views.report),
]
