# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds for every module of the collection, called by Ansible as users call it."""

from __future__ import annotations

import concurrent.futures
import importlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import typing as t

import pytest

from tests.support import ansible
from tests.support.server import ROOT

#: Every call of every module is played at once, by the first test.
pytestmark = pytest.mark.timeout(1200)

COLLECTION = "warroom.launch"
MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*_stats.py")) + ["varnish_traffic"]

#: An instance of each service that is not there, so that a module has something to say without a server.
PLACES: dict[str, dict[str, t.Any]] = {
    "backup": {"files": ["/nonexistent/*.dump"]},
    "celery": {"broker_url": "redis://:{secret}@127.0.0.1:1/0"},
    "checklist": {"file": "/nonexistent/list.md"},
    "django": {"chdir": "/nonexistent/shop"},
    "haproxy": {"socket": "127.0.0.1:1", "login_user": "monitor"},
    "memcached": {"address": "127.0.0.1:1", "username": "monitor"},
    "mysql": {"login_host": "127.0.0.1", "login_port": 1, "login_user": "monitor"},
    "nginx": {"status_url": "http://127.0.0.1:1/nginx_status"},
    "pgbouncer": {"login_host": "127.0.0.1", "login_port": 1, "login_user": "monitor"},
    "postgresql": {"login_host": "127.0.0.1", "login_port": 1, "login_user": "monitor"},
    "redis": {"address": "127.0.0.1:1", "login_user": "monitor"},
    "server": {"name": "10"},
    "site": {"url": "http://127.0.0.1:1/"},
    "uwsgi": {"stats": "127.0.0.1:1"},
    "varnish": {"instance": "/nonexistent/varnish"},
    "varnish_traffic": {"instance": "/nonexistent/varnish"},
    "wsgi": {"bind": "127.0.0.1:1"},
}
LONG_SECRET = "EXAMPLESECRET"
SECRETS = {"one": "1", "ten": "10", "long": LONG_SECRET}


def service_of(module: str) -> str:
    return module[: -len("_stats")] if module.endswith("_stats") else module


def collector_of(module: str) -> t.Any:
    name = f"ansible_collections.warroom.launch.plugins.module_utils._collectors.{service_of(module)}.collector"
    return importlib.import_module(name).COLLECTOR


def place_of(module: str, secret: str = "x") -> dict[str, t.Any]:
    """The absent instance, with every secret option set to the secret."""
    place = {
        key: value.replace("{secret}", secret) if isinstance(value, str) else value for key, value in PLACES[service_of(module)].items()
    }
    for name, spec in collector_of(module).options.items():
        if spec.get("no_log") and spec["type"] == "str" and name not in place:
            place[name] = f"http://monitor:{secret}@127.0.0.1:1/" if name.endswith("_url") else secret
    return place


def calls(module: str) -> dict[str, dict[str, t.Any]]:
    """The calls of one module: name → task."""
    full, quick = f"{COLLECTION}.{module}", {"window": 0, "timeout": 2}
    made: dict[str, dict[str, t.Any]] = {
        "full name": {full: quick},
        "short name": {module: quick},
        "check mode": {full: quick, "check_mode": True},
        "unknown option": {full: {**quick, "no_such_option": 1}},
        "window of words": {full: {**quick, "window": "soon"}},
        "window below zero": {full: {**quick, "window": -1}},
        "endless window": {full: {**quick, "window": "inf"}},
        "no rows": {full: {**quick, "top": 0}},
        "unknown instance option": {full: {**quick, "instances": [{"no_such_option": LONG_SECRET}]}},
        "instances that are none": {full: {**quick, "instances": ["x"]}},
        "fail on down": {full: {**quick, **place_of(module), "fail_on_down": True}},
    }
    for name, secret in SECRETS.items():
        made[f"secret {name}"] = {full: {**quick, **place_of(module, secret)}}
        if name != "one":
            made[f"secret {name} in instances"] = {full: {**quick, "instances": [place_of(module, secret)]}}
    return made


def play(module: str, folder: pathlib.Path) -> tuple[dict[str, t.Any], str]:
    """All calls of one module in a playbook at -vvv: (results by call, everything that was printed)."""
    tasks = [
        {"name": call, "register": f"result_{place}", "ignore_errors": True, **task}
        for place, (call, task) in enumerate(calls(module).items())
    ]
    content = "{{ {" + ", ".join(f"'{task['name']}': {task['register']}" for task in tasks) + "} | to_json }}"
    results = folder / f"{module}.results.json"
    tasks.append({"name": "Keep the results", "ansible.builtin.copy": {"content": content, "dest": str(results), "mode": "0600"}})
    plays = [{"hosts": "localhost", "gather_facts": False, "vars": {"ansible_python_interpreter": sys.executable}, "tasks": tasks}]
    (folder / f"{module}.yml").write_text(json.dumps(plays))
    done = ansible.run("ansible-playbook", "-vvv", folder / f"{module}.yml", seconds=280)
    assert results.exists(), done.stdout[-3000:] + done.stderr[-3000:]
    return json.loads(results.read_text(), parse_constant=refuse), done.stdout + done.stderr


def refuse(name: str) -> t.Any:
    raise AssertionError(f"{name} is no JSON")


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """(results by module and call, everything that was printed)."""
    folder = tmp_path_factory.mktemp("modules")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        done = dict(zip(MODULES, pool.map(lambda module: play(module, folder), MODULES), strict=True))
    results = {(module, call): result for module, (each, _said) in done.items() for call, result in each.items()}
    return results, "".join(said for _results, said in done.values())


def facts_in(result: dict[str, t.Any], module: str) -> dict[str, t.Any]:
    assert not result.get("failed"), result.get("msg")
    assert result["changed"] is False
    assert list(result["ansible_facts"]) == [f"launch_{service_of(module)}"]
    return result["ansible_facts"][f"launch_{service_of(module)}"]


def test_every_module_is_here():
    assert {service_of(module) for module in MODULES} == set(PLACES)


@pytest.mark.parametrize("call", ["full name", "short name", "check mode"])
@pytest.mark.parametrize("module", MODULES)
def test_facts_without_any_option(played, module, call):
    """By both names, in check mode too (A-13): one key, never changed, common fields, every gap explained."""
    fact = facts_in(played[0][(module, call)], module)
    assert fact["schema"] == 1
    for instance in fact["instances"]:
        assert instance["state"] in ("up", "down", "unreadable")
        assert (instance["problem"] is None) == (instance["state"] == "up"), instance
        assert isinstance(instance["name"], str) and instance["name"]
        assert isinstance(instance["duration_ms"], int) and isinstance(instance["collected_at"], str)
        assert isinstance(instance["unknown"], dict) and isinstance(instance["notes"], list)
        assert all(isinstance(reason, str) and reason for reason in instance["unknown"].values())
    if module == "server_stats":
        assert [one["state"] for one in fact["instances"]] == ["up"]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("unknown option", "no_such_option"),
        ("window of words", "window"),
        ("window below zero", "window must be from 0"),
        ("endless window", "window must be from 0"),
        ("no rows", "top must be from 1"),
        ("unknown instance option", "no_such_option"),
        ("instances that are none", "instances"),
    ],
)
@pytest.mark.parametrize("module", MODULES)
def test_wrong_options_fail_and_are_named(played, module, call, words):
    result = played[0][(module, call)]
    assert result["failed"] is True
    assert words in result["msg"] and "Traceback" not in json.dumps(result)


@pytest.mark.parametrize("module", MODULES)
def test_down_is_data_unless_told_otherwise(played, module):
    fact = facts_in(played[0][(module, "secret long")], module)
    told = played[0][(module, "fail on down")]
    states = {instance["state"] for instance in fact["instances"]}
    if module == "server_stats":
        assert states == {"up"} and not told.get("failed")
    else:
        assert states <= {"down", "unreadable"} and len(fact["instances"]) == 1
        assert told["failed"] is True and told["msg"]


@pytest.mark.parametrize("form", ["", " in instances"])
@pytest.mark.parametrize("module", MODULES)
def test_a05_short_secrets_take_no_number_and_no_name_away(played, module, form):
    plain = facts_in(played[0][(module, f"secret long{form}")], module)["instances"][0]
    for name in ("ten",) if form else ("one", "ten"):
        result = played[0][(module, f"secret {name}{form}")]
        instance = facts_in(result, module)["instances"][0]
        assert set(plain) == set(instance)
        assert instance["name"] == plain["name"] and instance["collected_at"][:3] == "202"
        assert isinstance(instance["duration_ms"], int)
        assert "VALUE_SPECIFIED" not in json.dumps(result["ansible_facts"])


def test_no_secret_is_printed_at_any_verbosity(played):
    assert LONG_SECRET not in played[1].replace("'no_such_option': '" + LONG_SECRET, "")
    assert LONG_SECRET not in json.dumps([result for (_module, _call), result in played[0].items()])


WITH_LIBRARIES = [module for module in MODULES if collector_of(module).libraries]


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A virtualenv without any library."""
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True, timeout=120)
    return folder / "bin" / "python"


def call_with(interpreter: t.Any, module: str, hide: t.Sequence[str] = ()) -> dict[str, t.Any]:
    """One call of the module under that Python; folders to hide are covered in a mount namespace of its own."""
    arguments = json.dumps({"window": 0, "timeout": 2, **place_of(module)})
    command = ["ansible", "localhost", "-m", f"{COLLECTION}.{module}", "-a", arguments, "-e", f"ansible_python_interpreter={interpreter}"]
    if hide:
        covers = " && ".join(f"mount -t tmpfs none '{folder}'" for folder in hide)
        command[0] = os.path.join(os.path.dirname(sys.executable), "ansible")
        command = ["unshare", "-m", "sh", "-c", f'{covers} && exec "$@"', "sh", *command]
        surroundings = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
        done = subprocess.run(command, cwd=ROOT, env=surroundings, capture_output=True, text=True, timeout=120, check=False)
        if "unshare:" in done.stderr or "mount:" in done.stderr:
            pytest.skip(f"not allowed here: {done.stderr.strip()}")
    else:
        done = ansible.run(*command)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.JSONDecoder().raw_decode(done.stdout[done.stdout.index("{") :])[0]["ansible_facts"][f"launch_{service_of(module)}"]


def other_pythons() -> list[str]:
    libraries = importlib.import_module("ansible_collections.warroom.launch.plugins.module_utils._collect.libraries")
    return [path for path in libraries.INTERPRETERS if os.path.exists(path)]


def has(interpreter: t.Any, names: t.Iterable[str]) -> bool:
    """Whether this Python has all of the libraries (`a|b`: one of them)."""
    code = "import importlib.util as u, sys\nsys.exit(not all(any(u.find_spec(b) for b in a.split('|')) for a in sys.argv[1:]))"
    return subprocess.run([interpreter, "-c", code, *names], check=False, timeout=60).returncode == 0


@pytest.mark.parametrize("module", WITH_LIBRARIES)
def test_a07_a_library_that_is_nowhere_is_named_with_the_way_out(module, bare):
    code = "import json, site; print(json.dumps(site.getsitepackages()))"
    folders: set[str] = set()
    for python in other_pythons():
        if has(python, collector_of(module).libraries):
            found = json.loads(subprocess.run([python, "-c", code], check=True, capture_output=True, timeout=60).stdout)
            folders.update(folder for folder in found if os.path.isdir(folder))
    if folders and (os.geteuid() != 0 or not shutil.which("unshare")):
        pytest.skip("another Python here has the library, and only root can hide it for a test")
    instance = call_with(bare, module, sorted(folders))["instances"][0]
    assert instance["state"] == "unreadable"
    assert str(bare) in instance["problem"] and "ansible_python_interpreter" in instance["problem"]
    for names, package in collector_of(module).libraries.items():
        assert names.split("|")[0] in instance["problem"] and package in instance["problem"]


@pytest.mark.parametrize("module", WITH_LIBRARIES)
def test_a07_an_interpreter_that_has_the_library_is_found(module, bare):
    libraries = collector_of(module).libraries
    if not any(has(python, libraries) for python in other_pythons()):
        pytest.skip(f"no Python of this system has {', '.join(libraries)} (install {', '.join(libraries.values())})")
    instance = call_with(bare, module)["instances"][0]
    assert "is missing for" not in (instance["problem"] or "")
    if module == "server_stats":
        assert instance["state"] == "up"
