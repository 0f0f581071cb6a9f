#!/usr/bin/python
# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: django_stats
short_description: Settings, deployment checks and migrations of a Django project, before the doors open
version_added: 1.1.0
description:
  - Imports the project in a process of its own, with the project's Python, and as the owner of O(chdir) when the module runs as root. Reads
    what C(check --deploy), C(showmigrations), C(makemigrations --check) and its settings say, and whether its databases and caches answer.
  - Importing a project runs its code, which may act. So a project is read only where it is named; no discovery finds one, and C(auto) leaves
    it out.
  - That process has limits of time (four times O(timeout)) and memory (2 GiB), and is ended together with everything it started. Its database sessions
    are read-only. No table, file or cache entry is written.
  - Nothing is set for a session of a database that a pooler would give to its next client. MySQL and MariaDB are read in one transaction that
    is read-only by itself, because ProxySQL hands on C(SET SESSION TRANSACTION READ ONLY). PostgreSQL gets its settings at the login, and
    such a transaction where PgBouncer refuses or ignores them.
  - Of the settings only those documented below leave the process, never a password, key or address; of E(SECRET_KEY) only a digest of 32 bits,
    by which servers can be compared.
  - Environment variables are taken from a running process of the project where one is seen (its working folder is O(chdir)).
author:
  - warroom.launch authors (@warroom-launch)
extends_documentation_fragment:
  - warroom.launch.launch
  - warroom.launch.launch.sampling
requirements:
  - Django 3.2 or later and Python 3.8 or later in the project's virtualenv
options:
  chdir:
    description: The project's folder, in which its C(manage.py) is.
    type: path
  virtualenv:
    description: The project's virtualenv. By default the Python that runs the module.
    type: path
  settings:
    description: The settings module, as E(DJANGO_SETTINGS_MODULE). By default that of the environment, or the one that C(manage.py) names.
    type: str
  environment:
    description: Variables that the project needs, beside those of its running process.
    type: dict
  hosts:
    description: The names under which people reach the site; each must be in C(ALLOWED_HOSTS).
    type: list
    elements: str
"""

EXAMPLES = r"""
- name: Is the project ready for the launch?
  warroom.launch.django_stats:
    chdir: /srv/shop
    virtualenv: /srv/shop/venv
    settings: shop.settings.production
    hosts: [shop.example.com, www.shop.example.com]

- name: A project whose settings come from the environment
  warroom.launch.django_stats:
    chdir: /srv/shop
    virtualenv: /srv/shop/venv
    environment:
      DATABASE_URL: "{{ vault_database_url }}"
"""

RETURN = r"""
ansible_facts:
  description: The facts, under one key.
  returned: always
  type: dict
  contains:
    launch_django:
      description: C(schema) and C(instances).
      type: dict
      contains:
        schema: {type: int, description: Version of the structure of these facts.}
        instances:
          description:
            - One per project.
            - What every instance has beside these measures is documented by M(warroom.launch.launch_facts).
            - Why a measure is null is in RV(ignore:unknown); each is when reading its part of the project broke or took too long.
          type: list
          elements: dict
          contains:
            settings_module: {type: str, description: The settings module.}
            version: {type: str, description: Django's version.}
            release: {type: str, description: 'Which code is in the folder, as M(warroom.launch.launch_facts) tells of servers.'}
            debug: {type: bool, description: C(DEBUG).}
            debug_toolbar: {type: bool, description: Whether the debug toolbar is installed.}
            use_tz: {type: bool, description: C(USE_TZ).}
            time_zone: {type: str, description: C(TIME_ZONE).}
            asgi: {type: bool, description: Whether C(ASGI_APPLICATION) is set.}
            admins_total: {type: int, description: How many C(ADMINS) there are.}
            allowed_hosts:
              description: C(ALLOWED_HOSTS).
              type: dict
              contains:
                total: {type: int, description: How many entries it has.}
                any: {type: bool, description: 'Whether it allows every name, by an asterisk.'}
                refused: {type: list, elements: str, description: Names of O(hosts) that it does not allow.}
                refused_total: {type: int, description: How many these are.}
            security:
              description: Settings of transport and cookies.
              type: dict
              contains:
                secure_ssl_redirect: {type: bool, description: C(SECURE_SSL_REDIRECT).}
                secure_content_type_nosniff: {type: bool, description: C(SECURE_CONTENT_TYPE_NOSNIFF).}
                session_cookie_secure: {type: bool, description: C(SESSION_COOKIE_SECURE).}
                session_cookie_httponly: {type: bool, description: C(SESSION_COOKIE_HTTPONLY).}
                csrf_cookie_secure: {type: bool, description: C(CSRF_COOKIE_SECURE).}
                proxy_ssl_header: {type: bool, description: Whether C(SECURE_PROXY_SSL_HEADER) is set.}
                security_middleware: {type: bool, description: Whether Django's security middleware is used.}
                csrf_middleware: {type: bool, description: Whether Django's CSRF middleware is used.}
                hsts_seconds: {type: int, description: C(SECURE_HSTS_SECONDS).}
            session:
              description: Where sessions are kept.
              type: dict
              contains:
                engine: {type: str, description: C(SESSION_ENGINE).}
                cache: {type: str, description: C(SESSION_CACHE_ALIAS).}
            email:
              description: How mail is sent.
              type: dict
              contains:
                backend: {type: str, description: C(EMAIL_BACKEND).}
                sends: {type: bool, description: 'Whether it sends, rather than prints or drops.'}
                local: {type: bool, description: Whether C(EMAIL_HOST) is this host.}
            error_reports:
              description: Who hears of an exception.
              type: dict
              contains:
                mail: {type: bool, description: Whether C(ADMINS) get a mail.}
                tracker: {type: bool, description: Whether Sentry's client is loaded and active.}
                any: {type: bool, description: Whether one of both is.}
            secret_key:
              description: C(SECRET_KEY).
              type: dict
              contains:
                insecure: {type: bool, description: 'Whether it is short, has few different characters, or is the generated one of a new project.'}
                digest: {type: str, description: 'Eight hexadecimal digits, the same for the same key.'}
                fallbacks: {type: int, description: How many C(SECRET_KEY_FALLBACKS) there are.}
            caches:
              description: C(CACHES).
              type: list
              elements: dict
              contains:
                name: {type: str, description: Its alias.}
                backend: {type: str, description: Its class.}
                local: {type: bool, description: 'Whether only one process or host sees it, or nothing is kept (memory, files, dummy).'}
                reachable: {type: bool, description: 'Whether it answered, and each of its servers accepts connections.'}
                error: {type: str, description: 'The class of the error that it broke with, empty without one.'}
                refused: {type: list, elements: str, description: Servers that accept no connection.}
                key_prefix: {type: bool, description: Whether C(KEY_PREFIX) is set.}
                timeout_seconds: {type: int, description: 'C(TIMEOUT), null when entries never expire.'}
            caches_total: {type: int, description: How many there are.}
            caches_local_total: {type: int, description: How many are local.}
            caches_unreachable_total: {type: int, description: How many are not reachable.}
            databases:
              description: C(DATABASES).
              type: list
              elements: dict
              contains:
                name: {type: str, description: Its alias.}
                vendor: {type: str, description: 'V(postgresql), V(mysql), V(sqlite) and so on.'}
                persistent: {type: bool, description: Whether C(CONN_MAX_AGE) keeps connections.}
                max_age_seconds: {type: int, description: 'C(CONN_MAX_AGE), null when they are kept for ever.'}
                health_checks: {type: bool, description: C(CONN_HEALTH_CHECKS).}
                pool: {type: bool, description: Whether it has a connection pool of Django's own.}
                atomic_requests: {type: bool, description: C(ATOMIC_REQUESTS).}
                reachable: {type: bool, description: Whether it answered a query.}
                error: {type: str, description: 'The class of the error that it broke with, empty without one.'}
            databases_total: {type: int, description: How many there are.}
            databases_unreachable_total: {type: int, description: How many did not answer.}
            databases_persistent_total: {type: int, description: How many keep connections.}
            databases_unchecked_total: {type: int, description: How many keep connections without C(CONN_HEALTH_CHECKS).}
            templates_uncached: {type: int, description: Template engines whose loaders do not cache.}
            static:
              description: Static files.
              type: dict
              contains:
                used: {type: bool, description: Whether C(django.contrib.staticfiles) is installed.}
                storage: {type: str, description: Class of their storage.}
                manifest: {type: bool, description: Whether it names files by their content and keeps a manifest.}
                files: {type: int, description: 'Files in the manifest; 0 when C(collectstatic) did not write one. Null without a manifest.'}
            celery:
              description: Settings of Celery, null where the project does not load it.
              type: dict
              contains:
                used: {type: bool, description: Whether the project loads it.}
                eager: {type: bool, description: 'C(task_always_eager): tasks run inside the request.'}
                broker_default: {type: bool, description: 'Whether no broker is configured.'}
                acks_late: {type: bool, description: C(task_acks_late).}
                time_limit_seconds: {type: int, description: 'C(task_time_limit), null when tasks have none.'}
            packages: {type: list, elements: str, description: 'Installed packages as V(name==version), at most 400.'}
            python: {type: str, description: The version of the project's Python.}
            variables:
              description: 'Variables that its process was started with and O(environment), without those of a login, a unit or a host; at most 150.'
              type: list
              elements: dict
              contains:
                name: {type: str, description: Its name.}
                digest: {type: str, description: 'Eight hexadecimal digits, keyed by C(SECRET_KEY): the same for the same value.'}
            variables_total: {type: int, description: 'How many there are, null when no process was seen and no O(environment) given.'}
            packages_total: {type: int, description: How many there are.}
            packages_digest: {type: str, description: Differs when a package or its version differs.}
            deploy_checks:
              description: What C(check --deploy) says and C(SILENCED_SYSTEM_CHECKS) does not silence, errors first.
              type: list
              elements: dict
              contains:
                id: {type: str, description: 'Its id, for example V(security.W004).'}
                error: {type: bool, description: Whether it is an error.}
                text: {type: str, description: 'What it says, for checks of Django''s security framework.'}
            deploy_checks_total: {type: int, description: How many messages there are.}
            deploy_errors_total: {type: int, description: How many are errors.}
            migrations_total: {type: int, description: Migrations in the code.}
            migrations_unapplied: {type: int, description: Of them those that the default database does not have.}
            migrations_unapplied_names: {type: list, elements: str, description: 'Their names, as V(app.0001_name).'}
            migrations_missing: {type: list, elements: str, description: Apps whose models differ from their migrations.}
            migrations_missing_total: {type: int, description: How many these are.}
      sample:
        schema: 1
        instances:
          - name: shop.settings.production
            state: up
            debug: false
            migrations_unapplied: 2
            migrations_unapplied_names: [catalogue.0007_price, orders.0012_index]
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._collect.entry import run
from ..module_utils._collect.options import argument_spec
from ..module_utils._collectors.django.collector import COLLECTOR


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(COLLECTOR), supports_check_mode=True)
    run(module, COLLECTOR)


if __name__ == "__main__":
    main()
