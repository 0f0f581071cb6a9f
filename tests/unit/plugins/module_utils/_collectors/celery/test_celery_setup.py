# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Broker URLs, the project's configuration, worker processes: what is told before anything is connected."""

from __future__ import annotations

import json
import os
import pwd
import socket
import ssl
import subprocess
import sys
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect import foreign_code
from ansible_collections.warroom.launch.plugins.module_utils._collect.command import Ran
from ansible_collections.warroom.launch.plugins.module_utils._collect.options import _check
from ansible_collections.warroom.launch.plugins.module_utils._collect.problem import Problem
from ansible_collections.warroom.launch.plugins.module_utils._collect.run import gather
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery import api, application, local, read_application
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery.broker_url import Broker
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery.collector import COLLECTOR, CelerySampler
from ansible_collections.warroom.launch.plugins.module_utils._linux.processes import Process, Processes
from tests.support import replay
from tests.support.folders import let_in
from tests.support.tools import RealCommands, tools_with


def read(tools: t.Any, **options: t.Any) -> dict[str, t.Any]:
    return gather([(COLLECTOR, _check(COLLECTOR, options))], 0, tools)["launch_celery"]["instances"][0]


@pytest.mark.parametrize(
    "url, shown",
    [
        ("redis://", "redis://localhost:6379/0"),
        ("redis://:EXAMPLEPW@10.0.0.5:6380/2", "redis://10.0.0.5:6380/2"),
        ("redis://user:EXAMPLEPW%2F%40@[2001:db8::1]/1", "redis://[2001:db8::1]:6379/1"),
        ("rediss://:EXAMPLEPW@h/0?ssl_cert_reqs=required", "redis://h:6379/0"),
        ("redis+socket:///run/redis.sock?virtual_host=3", "redis:///run/redis.sock/3"),
        ("sentinel://:EXAMPLEPW@a:26379/0;sentinel://b:26379/0", "redis://a:26379/0"),
        ("amqp://shop:EXAMPLEPW@mq//", "rabbitmq://mq:5672/"),
        ("amqp://shop:EXAMPLEPW@mq:5673/shop", "rabbitmq://mq:5673/shop"),
        ("pyamqp://mq/%2Fa", "rabbitmq://mq:5672/a"),
    ],
)
def test_how_a_broker_is_called(url: str, shown: str) -> None:
    assert Broker(url).shown == shown


def test_every_form_of_a_password_is_a_secret() -> None:
    broker = Broker("redis://:EXAMPLEPW%2Fx@h/0;redis://:EXAMPLEother@i/0", {"sentinel_kwargs": {"password": "EXAMPLEthird"}})
    assert {"EXAMPLEPW%2Fx", "EXAMPLEPW/x", "EXAMPLEother", "EXAMPLEthird"} <= broker.secrets()
    assert Broker("redis://h:6379/0").secrets() == set(), "an address is no secret"
    assert "w1" not in Broker("redis://:w1@h/0").secrets(), "hiding it would eat into the names of workers"


@pytest.mark.parametrize("url", ["sqs://EXAMPLEPW:EXAMPLEPW@", "azureservicebus://a:EXAMPLEPW@b", "sqla+postgresql://shop:EXAMPLEPW@db/x"])
def test_c09_brokers_without_remote_control_are_told_at_once(tools: t.Any, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[t.Any] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *where, **_more: asked.append(where))
    monkeypatch.setattr(socket.socket, "connect", lambda _socket, where: asked.append(where))
    facts = read(tools, broker_url=url)
    assert facts["state"] == "unreadable" and "remote control is not available on this broker" in facts["problem"]
    assert asked == [] and "EXAMPLEPW" not in json.dumps(facts)


def test_c06_rediss_must_say_how_the_certificate_is_checked(tools: t.Any) -> None:
    facts = read(tools, broker_url="rediss://:EXAMPLEPW@192.0.2.40:6380/0")
    assert facts["state"] == "unreadable" and "add ?ssl_cert_reqs=required" in facts["problem"] and "EXAMPLEPW" not in json.dumps(facts)
    Broker("rediss://:x@192.0.2.40:6380/0?ssl_cert_reqs=required").check()
    checked = Broker("rediss://:x@192.0.2.40:6380/0", use_ssl={"ssl_cert_reqs": "required", "ssl_ca_certs": "/ca.pem"})
    checked.check()
    assert checked.ssl_arguments() == {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_ca_certs": "/ca.pem"}


@pytest.mark.parametrize("url", ["localhost:6379", "redis://h:notaport/0", "amqp://a:b#c/d@h:5672x/"])
def test_urls_that_cannot_be_right(tools: t.Any, url: str) -> None:
    facts = read(tools, broker_url=url)
    assert facts["state"] == "unreadable" and "broker URL is not transport://host:port/name" in facts["problem"]


MALFORMED = (
    "redis//:EXAMPLEPW@h/0", "redis://:07/EXAMPLEPW@h/0", "redis://://EXAMPLEPW@h/0", "redis://:EXAMPLE/PW@h/0", "redis://:EXAMPLE#PW@h/0",
    "redis://:EXAMPLE?PW@h/0", "redis://:EXAMPLE@PW@h/0", "redis:/:EXAMPLEPW@h/0", ":EXAMPLEPW@h:6379/0", "EXAMPLEPW@h", "redis:EXAMPLEPW",
    "redis://u:12/EXAMPLEPW", "redis://h:6379/EXAMPLEPW", "redis://h/0?x=@EXAMPLEPW", "redis://:EXAMPLE PW@h/0", "redis://:EXAMPLEPW@",
    "redis://:EXAMPLEPW@h:99999/0", "redis://:EXAMPLEPW@[::1/0", "redis://:EXAMPLEPW@[gg::1]/0", "amqp://u:12/EXAMPLE@h/v", "amqp://u:p/EXAMPLE@h//",
    "amqp://u:EXAMPLEPW@h:5672/v#x", "redis://:EXAMPLEPW@h1/0;redis//:EXAMPLEPW@h2/0", "redis+socket://:EXAMPLEPW@run/redis.sock", "EXAMPLEPW://h/0",
    "sentinel://:EXAMPLEPW@h:26379/mymaster@x", "redis://:EXAMPLEPW@h/0\nredis://x", "redis://" + "u:EXAMPLEPW@" * 400 + "h/0",
    "rediss:EXAMPLEPW//h",
)  # fmt: skip


@pytest.mark.parametrize("url", MALFORMED)
@pytest.mark.parametrize("option", ["broker_url", "worker"])
def test_a_malformed_broker_url_is_neither_shown_nor_connected_to(
    tools: t.Any, url: str, option: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[t.Any] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *where, **_more: asked.append(where))
    monkeypatch.setattr(socket.socket, "connect", lambda _socket, where: asked.append(where))
    if option == "worker":
        tools.secrets |= Broker(url).secrets()
    facts = read(tools, broker_url=url)
    assert facts["state"] == "unreadable" and "neither shown nor connected to" in facts["problem"], facts
    assert asked == [] and "EXAMPLE" not in json.dumps(facts) and "user:password@" in facts["problem"]


@pytest.mark.parametrize(
    "url", ["redis://:a^b!*~@h/0", "redis://u:100%@h:1/0", "amqp://", "amqp://u@h", "amqp://u:p@/v", "redis:///1", "redis://h/"]
)
def test_odd_urls_that_are_right(url: str) -> None:
    Broker(url).check()


@pytest.mark.parametrize(
    "url", ["http//m:EXAMPLEPW@h:1", "http://m:EX/AMPLE@h:1", "http://m:EXAMPLE@PW@h", "m:EXAMPLEPW@h:1", "ftp://m:EXAMPLEPW@h"]
)
def test_a_malformed_management_url_is_neither_shown_nor_asked(url: str) -> None:
    with pytest.raises(Problem, match="is not http://host:port") as caught:
        api.get(url, "/metrics", 1, "Flower")
    assert "EXAMPLE" not in str(caught.value) and "AMPLE" not in str(caught.value)


def test_no_place_at_all(tools: t.Any) -> None:
    assert "give broker_url, or app" in read(tools, name="x")["problem"]


def answer(**changes: t.Any) -> dict[str, t.Any]:
    found = {"broker_url": "redis://h/0", "queues": ["celery"], "events": True, "event_exchange": "celeryev", "control_exchange": "celery"}
    return {"application": {**found, **changes}}


@pytest.mark.parametrize("sections", [{}, {"application": None}, {"application": "noise"}, {"other": {}}])
def test_an_import_that_tells_nothing(sections: dict[str, t.Any]) -> None:
    with pytest.raises(Problem, match="gave no configuration"):
        application.parse(sections, "shop")
    with pytest.raises(Problem, match=r"importing the application shop took more than 9 s; give broker_url"):
        application.parse(sections, "shop", "took more than 9 s")


def test_why_an_application_cannot_be_imported() -> None:
    with pytest.raises(Problem, match=r"cannot be imported \(ModuleNotFoundError: no module django\)"):
        application.parse({"error": {"type": "ModuleNotFoundError", "missing": "django"}}, "shop")


def project(folder: t.Any, text: str) -> application.Application:
    (folder / "shop.py").write_text(text)
    return application.read(tools_with(RealCommands()), "shop", str(folder), None, None, 10)


def test_c05_what_a_project_prints_is_not_taken_for_its_answer(tmp_path: t.Any, case: t.Any) -> None:
    text = case("C-05.txt").decode("utf-8", "replace")
    found = project(tmp_path, f"print({text!r})\nfrom celery import Celery\napp = Celery('shop', broker='redis://h/0')\nprint('}}')\n")
    assert found.broker.url == "redis://h/0" and found.queues == ["celery"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("raise SystemExit(3)", r"cannot be imported \(SystemExit"),
        ("import os; os._exit(0)", "gave no configuration"),
        ("import nowhere_to_be_found", "no module nowhere_to_be_found"),
        ("import time; time.sleep(60)", "took more than 1 s"),
        ("import os\nif os.fork():\n    os._exit(0)\nos.setsid()\nimport time; time.sleep(60)", "took more than 1 s|gave no configuration"),
    ],
)
def test_a_project_that_misbehaves_costs_one_sentence(tmp_path: t.Any, text: str, words: str) -> None:
    (tmp_path / "shop.py").write_text(text + "\n")
    with pytest.raises(Problem, match=words):
        application.read(tools_with(RealCommands()), "shop", str(tmp_path), None, None, 1.0 if "sleep" in text else 20.0)


def test_c15_only_named_settings_leave_the_child(tmp_path: t.Any) -> None:
    (tmp_path / "shop.py").write_text(
        "import sys\nprint('noise {')\nprint('to stderr', file=sys.stderr)\n"
        "from celery import Celery\napp = Celery('shop', broker='redis://:EXAMPLEPW@h:1/0')\n"
        "app.conf.update(result_backend='db+postgresql://shop:EXAMPLEbackend@h/shop', task_default_queue='mail')\n"
        "app.conf.update(\n"
        "  beat_schedule={'t': {'task': 'x', 'schedule': 9, 'args': ['EXAMPLEargs']}},\n"
        "  broker_transport_options={'visibility_timeout': 7, 'other': 1})\n"
    )
    told = foreign_code.answers(
        tools_with(RealCommands()), read_application.__name__, folder=str(tmp_path), virtualenv=None, pid=None, environment={},
        arguments={"app": "shop"}, seconds=30,
    )  # fmt: skip
    assert "EXAMPLEbackend" not in str(told) and "EXAMPLEargs" not in str(told) and "noise" not in str(told)
    found = application.parse(told["sections"], "shop")
    assert (
        found.broker.secrets() >= {"EXAMPLEPW"} and found.queues == ["mail"] and found.broker.transport_options == {"visibility_timeout": 7}
    )
    assert os.listdir(tmp_path) == ["shop.py"], "compiled files were left"


def test_a_workers_own_environment_is_used(tmp_path: t.Any) -> None:
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "shop.py").write_text(
        "import os\nfrom celery import Celery\napp = Celery('shop', broker=os.environ['SHOP_BROKER'])\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "library"), "SHOP_BROKER": "redis://h:7/0"}
    with subprocess.Popen(["sleep", "60"], env=environment) as worker:
        try:
            found = application.read(tools_with(RealCommands()), "shop", str(tmp_path), None, worker.pid, 30)
        finally:
            worker.kill()
    assert found.broker.url == "redis://h:7/0"


@pytest.mark.parametrize(
    "answer, said",
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n<html>\x1b[31m", "does not speak as a broker does (it speaks HTTP)"),
        (b"-ERR unknown command 'HELLO', with args beginning with: 'EXAMPLEPW'\r\n" * 9, "with an error"),
        (b"-DENIED Redis is running in protected mode because EXAMPLEPW\r\n" * 9, "protected mode"),
        (b"$abc\r\n" * 50, "does not speak as a broker"),
    ],
)
def test_what_is_no_redis_is_not_said_to_be_a_stopped_one(answer: bytes, said: str) -> None:
    with replay.peer(replay.sends(answer, wait_for=b"\r\n")) as address:
        tools = tools_with(RealCommands(), timeout=1)
        tools.secrets.add("EXAMPLEPW")  # as the module does for its secret options
        facts = read(tools, broker_url=f"redis://:EXAMPLEPW@{address}/0")
    assert facts["state"] == "unreadable" and said in facts["problem"] and "EXAMPLEPW" not in facts["problem"]
    assert "report this" not in facts["problem"]


@pytest.mark.parametrize("code", ["import sys; sys.exit(3)", "import os; os._exit(0)", "raise KeyboardInterrupt", "1/0", "app = 5"])
def test_an_application_that_breaks_is_a_sentence(tmp_path: t.Any, code: str) -> None:
    (tmp_path / "shop.py").write_text(code)
    tools = tools_with(RealCommands(), timeout=10)
    facts = read(tools, app="shop:app", chdir=str(tmp_path))
    assert facts["state"] == "unreadable" and "the application shop:app" in facts["problem"] and "report this" not in facts["problem"]


def test_an_application_that_hangs_is_given_up(tmp_path: t.Any) -> None:
    (tmp_path / "shop.py").write_text("import time; time.sleep(60)")
    facts = read(tools_with(RealCommands(), timeout=1), app="shop:app", chdir=str(tmp_path))
    assert facts["state"] == "unreadable" and "took more than 2 s" in facts["problem"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up its rights")
def test_root_runs_nothing_of_a_project_that_is_not_roots(tmp_path: t.Any) -> None:
    """Neither its code nor the Python of its virtualenv: who may write there could else become root."""
    proof = tmp_path / "proof"
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").write_text(f"#!/bin/sh\nid -u >{proof}\n")
    (tmp_path / "bin" / "python").chmod(0o755)
    (tmp_path / "bin").chmod(0o755)
    let_in(tmp_path)
    nobody = pwd.getpwnam("nobody")
    os.chown(tmp_path, nobody.pw_uid, nobody.pw_gid)
    facts = read(tools_with(RealCommands(), timeout=10), app="shop", virtualenv=str(tmp_path), chdir=str(tmp_path))
    assert facts["state"] == "unreadable" and proof.read_text().strip() == str(nobody.pw_uid)


@pytest.mark.parametrize("url", ["redis://h/0?credential_provider=evil.Provider", "redis://h/0;evil.module:Transport://x"])
def test_a_project_cannot_name_code_that_we_run(url: str) -> None:
    with pytest.raises(Problem, match="credential_provider|is not transport://"):
        application.parse(answer(broker_url=url), "shop").broker.check()


def test_a_virtualenv_that_is_none(tools: t.Any) -> None:
    assert "no bin/python" in read(tools, app="shop", virtualenv="/nowhere")["problem"]


FAR = 100_000_000


def processes(*commands: tuple[int, int, tuple[str, ...]]) -> Processes:
    # numbers that no process of this machine has
    return Processes([Process(FAR + pid, FAR + parent, "celery", 1000, argv) for pid, parent, argv in commands], False)


def test_workers_among_processes() -> None:
    found = local.workers(
        processes(
            (10, 1, ("/srv/shop/venv/bin/python3", "/srv/shop/venv/bin/celery", "-A", "shop", "worker", "-E", "--workdir", "/srv/shop")),
            (11, 10, ("/srv/shop/venv/bin/python3", "/srv/shop/venv/bin/celery", "-A", "shop", "worker", "-E", "--workdir", "/srv/shop")),
            (20, 1, ("[celeryd: w1@h:MainProcess] -active- (worker --app=blog -b amqp://x)",)),
            (21, 20, ("[celeryd: w1@h:ForkPoolWorker-1]",)),
            (30, 1, ("/usr/bin/python3", "-m", "celery", "--app", "old", "worker")),
            (40, 1, ("/usr/bin/celery", "-A", "shop", "beat")),
            (50, 1, ("vim", "celery", "worker.py")),
            (60, 1, ("python3", "-X", "dev", "-W", "error", "-m", "celery.__main__", "-A", "odd", "worker")),
        )
    )
    told = [(one.pid - FAR, one.app, one.events, one.chdir) for one in found]
    assert told[:2] == [(10, "shop", True, "/srv/shop"), (20, "blog", False, None)]
    assert found[1].broker == "amqp://x" and [one.pid - FAR for one in found] == [10, 20, 30, 60]


@pytest.mark.parametrize(
    "starter",
    [("uv", "run", "celery"), ("/usr/bin/tini", "--", "celery"), ("dumb-init", "celery"), ("sudo", "-u", "app", "celery"),
     ("timeout", "9d", "/v/bin/celery"), ("python3", "/usr/bin/watchmedo", "auto-restart", "--", "celery")],
)  # fmt: skip
def test_what_starts_a_worker_and_stays_is_none(starter: tuple[str, ...]) -> None:
    """https://github.com/astral-sh/uv/issues/8761, https://github.com/quay/quay/pull/441: it has the worker's words, and no connection"""
    words = ("-A", "shop", "worker")
    found = local.workers(processes((10, 1, (*starter, *words)), (11, 10, ("python3", "/v/bin/celery", *words))))
    assert [one.pid - FAR for one in found] == [11]


def test_discovery_takes_each_project_once() -> None:
    tools = tools_with(RealCommands())
    tools._processes = processes(
        (10, 1, ("python3", "/v/bin/celery", "-A", "shop", "worker", "--workdir", "/srv/shop")),
        (12, 1, ("python3", "/v/bin/celery", "-A", "shop", "worker", "--workdir", "/srv/shop", "-Q", "mail")),
        (14, 1, ("python3", "/v/bin/celery", "-b", "redis://:EXAMPLEPW@h/0", "worker")),
    )
    found = COLLECTOR.discover(tools)
    assert [one.get("app") for one in found] == ["shop", None] and found[1] == {"broker_url": "redis://:EXAMPLEPW@h/0"}
    assert "EXAMPLEPW" in tools.secrets


def test_a_worker_in_a_container_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Process, "elsewhere", lambda self, kind: kind == "mnt")
    tools = tools_with(RealCommands())
    tools._processes = processes((10, 1, ("python3", "/v/bin/celery", "-A", "shop", "worker")))
    facts = gather([(COLLECTOR, COLLECTOR.discover(tools)[0])], 0, tools)["launch_celery"]["instances"][0]
    assert facts["state"] == "unreadable" and "runs in a container" in facts["problem"] and facts["name"] == "shop"


def test_names_without_a_secret(tools: t.Any) -> None:
    tools.secrets.add("redis://h:1/0")
    assert CelerySampler({"broker_url": "redis://h:1/0"}, tools).name == "redis://h:1/0"
    assert tools.secrets == set(), "an address without a password would be hidden wherever it stands"
    assert CelerySampler({"broker_url": "redis://:EXAMPLEPW@h:1/0"}, tools).name == "redis://h:1/0"
    assert CelerySampler({"app": "shop"}, tools).name == "shop"


def test_several_brokers_at_once_load_the_library_once() -> None:
    """kombu replaces its own module while it is loaded, so a second thread could get half of it"""
    code = """
import sys, threading
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery.broker import Connection
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery.broker_url import Broker

def load():
    try:
        Connection(Broker("redis://127.0.0.1:1/0"), 1)
    except Exception as error:
        failed.append(error)

failed = []
sys.setswitchinterval(1e-6)
threads = [threading.Thread(target=load) for _number in range(8)]
for one in threads:
    one.start()
for one in threads:
    one.join()
sys.exit(str(failed) if failed else 0)
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, env=environment, timeout=60)
    assert done.returncode == 0, done.stderr


class Silent:
    """Commands that print nothing."""

    def run(self, *_arguments: t.Any, **_options: t.Any) -> t.Any:
        return Ran(0, b"", b"", False)


@pytest.mark.parametrize("uid, becomes", [(0, False), (os.getuid() + 4711, True)])
def test_the_project_of_another_users_worker_is_read_with_become(uid: int, becomes: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    with pytest.raises(Problem, match="gave no answer") as raised:
        application.read(tools_with(Silent()), "shop", None, None, os.getpid(), 1.0)
    assert ("use become" in str(raised.value)) is becomes
