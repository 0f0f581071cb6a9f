# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several real hosts on one machine: a Debian root of their own each, network, process, mount and host-name namespaces, sshd.

Needs root, debootstrap and iproute2. The base root is made once per machine and cached; each host is an overlay on it, so
it has its own packages, users and files. No route leads out of the test's bridge.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import typing as t

import yaml

from .server import wait_until

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "warroom-launch-fleet"
BASE_PACKAGES = "python3,python3-apt,openssh-server,iproute2,procps,sudo,dbus,systemd,systemd-sysv,ca-certificates,python3-psutil"


def cannot(*more: str) -> t.Optional[str]:
    """Why no fleet can be made here (`more`: programs that it needs beside the usual ones), or None."""
    if os.geteuid() != 0:
        return "needs root to make namespaces"
    lacking = [tool for tool in ("debootstrap", "ip", "unshare", "ssh-keygen", *more) if shutil.which(tool) is None]
    if lacking:
        return f"not installed: {', '.join(lacking)}"
    probe = subprocess.run(["unshare", "--net", "--mount", "true"], check=False, capture_output=True)
    return "this machine does not allow namespaces" if probe.returncode else None


def sh(*words: t.Any, check: bool = True, **options: t.Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in words], check=check, capture_output=True, text=True, timeout=900, **options)


def mirror() -> str:
    """The Debian mirror that this machine itself uses."""
    for source in [pathlib.Path("/etc/apt/sources.list"), *pathlib.Path("/etc/apt/sources.list.d").glob("*")]:
        if source.is_file():
            found = re.search(r"(?:URIs:\s*|^deb\s+(?:\[[^\]]*\]\s+)?)(https?://\S+/debian/?)(?:\s|$)", source.read_text(), re.M)
            if found:
                return found.group(1)
    return "http://deb.debian.org/debian"


def base(suite: str = "bookworm", packages: t.Sequence[str] = ()) -> pathlib.Path:
    """The cached root of a Debian suite; `packages` lie in its local repository, ready to be installed without a network."""
    root = CACHE / f"base-{suite}"
    made = root / ".made-with"
    if not made.exists() or made.read_text() != BASE_PACKAGES:
        shutil.rmtree(root, ignore_errors=True)
        root.parent.mkdir(parents=True, exist_ok=True)
        sh("debootstrap", "--variant=minbase", f"--include={BASE_PACKAGES}", suite, root, mirror())
        (root / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")
        (root / "usr/sbin/policy-rc.d").chmod(0o755)
        made.write_text(BASE_PACKAGES)
    if packages:
        _local_repository(root, sorted(set(packages)))
    return root


def _local_repository(root: pathlib.Path, packages: list[str]) -> None:
    stamp = root / "srv/debs/.packages"
    there = set(stamp.read_text().split()) if stamp.exists() else set()
    if there.issuperset(packages):
        return
    packages = sorted(there.union(packages))
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    debs = root / "srv/debs"
    debs.mkdir(parents=True, exist_ok=True)
    for old in debs.glob("Packages*"):
        old.unlink()
    suite = root.name.removeprefix("base-")
    (root / "etc/apt/sources.list").write_text(f"deb {mirror()} {suite} main\n")
    with contextlib.ExitStack() as stack:
        sh("mount", "-t", "proc", "proc", root / "proc")
        stack.callback(sh, "umount", "-l", root / "proc")
        sh("chroot", root, "apt-get", "-o", "Acquire::Check-Valid-Until=false", "update")
        download = ["apt-get", "install", "-y", "--download-only", "--no-install-recommends", "-o", "Dir::Cache::archives=/srv/debs"]
        sh("chroot", root, *download, *packages)
        if shutil.which("apt-ftparchive"):
            (debs / "Packages").write_text(sh("apt-ftparchive", "packages", ".", cwd=debs).stdout)
        else:
            (debs / "Packages").write_text(sh("dpkg-scanpackages", "-m", ".", cwd=debs).stdout)
        (root / "etc/apt/sources.list").write_text("deb [trusted=yes] file:/srv/debs ./\n")
        sh("chroot", root, "apt-get", "update")
    stamp.write_text("\n".join(packages))


@dataclasses.dataclass
class Host:
    name: str
    address: str
    dir: pathlib.Path
    namespace: str
    process: t.Optional[subprocess.Popen[bytes]] = None

    @property
    def root(self) -> pathlib.Path:
        return self.dir / "root"

    def run(self, *words: t.Any, check: bool = True) -> subprocess.CompletedProcess[str]:
        """A command on the host, in all its namespaces (through its first process)."""
        assert self.process is not None
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        enter = ["nsenter", "--target", children[0], "--net", "--mount", "--pid", "--uts", "--ipc", "--root"]
        # the working directory is still the one out here, which programs in there cannot name
        return sh(*enter, "sh", "-c", 'cd / && exec "$@"', "sh", *words, check=check)

    def freeze(self) -> None:
        """Stop every process of the host: connections hang from now on."""
        for pid in sh("ip", "netns", "pids", self.namespace).stdout.split():
            os.kill(int(pid), signal.SIGSTOP)

    def kill(self) -> None:
        """The host is gone."""
        for pid in sh("ip", "netns", "pids", self.namespace, check=False).stdout.split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)


class Fleet:
    """Hosts by name; a context manager that takes away everything it made."""

    def __init__(
        self,
        names: t.Iterable[str],
        suite: t.Union[str, t.Mapping[str, str]] = "bookworm",
        packages: t.Sequence[str] = (),
        booted: bool = False,
    ) -> None:
        """Hosts run sshd alone; `booted` ones run systemd as their first process (needs systemd-nspawn). `suite`: of all, or by name."""
        names = list(names)
        suites = dict.fromkeys(names, suite) if isinstance(suite, str) else dict(suite)
        bases = {each: base(each, packages) for each in sorted(set(suites.values()))}
        self.bases = {name: bases[suites[name]] for name in names}
        self.booted = booted
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="wr-fleet-", dir="/var/tmp"))
        self.number = os.getpid() % 200 + 20
        self.bridge = f"wrb{os.getpid()}"[:15]
        self.hosts = {
            name: Host(name, f"10.77.{self.number}.{10 + place}", self.dir / name, f"wr-{os.getpid()}-{name}")
            for place, name in enumerate(names)
        }

    def __enter__(self) -> Fleet:
        try:
            sh("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.dir / "id")
            sh("ip", "link", "add", self.bridge, "type", "bridge")
            sh("ip", "addr", "add", f"10.77.{self.number}.1/24", "dev", self.bridge)
            sh("ip", "link", "set", self.bridge, "up")
            for place, host in enumerate(self.hosts.values()):
                self._up(host, f"wrv{os.getpid()}"[:12] + str(place))
            for host in self.hosts.values():
                wait_until(lambda host=host: self._answers(host), f"sshd on {host.name}; its log: {host.dir}/sshd.log", 60)
        except BaseException:
            self.__exit__()
            raise
        return self

    def _up(self, host: Host, link: str) -> None:
        sh("ip", "netns", "add", host.namespace)
        sh("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", host.namespace)
        sh("ip", "link", "set", link, "master", self.bridge, "up")
        sh("ip", "-n", host.namespace, "addr", "add", f"{host.address}/24", "dev", "eth0")
        sh("ip", "-n", host.namespace, "link", "set", "eth0", "up")
        sh("ip", "-n", host.namespace, "link", "set", "lo", "up")
        for part in ("up", "work", "root"):
            (host.dir / part).mkdir(parents=True)
        layers = f"lowerdir={self.bases[host.name]},upperdir={host.dir}/up,workdir={host.dir}/work"
        sh("mount", "-t", "overlay", "overlay", "-o", layers, host.root)
        (host.root / "root/.ssh").mkdir(mode=0o700, exist_ok=True)
        shutil.copy(self.dir / "id.pub", host.root / "root/.ssh/authorized_keys")
        for key in (host.root / "etc/ssh").glob("ssh_host_*"):
            key.unlink()
        sh("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", host.root / "etc/ssh/ssh_host_ed25519_key")
        (host.root / "etc/hostname").write_text(host.name + "\n")
        names = "".join(f"{one.address} {one.name}\n" for one in self.hosts.values())
        (host.root / "etc/hosts").write_text(f"127.0.0.1 localhost\n{names}")
        command = self._systemd(host) if self.booted else self._sshd(host)
        with (host.dir / "sshd.log").open("wb") as log:
            host.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    @staticmethod
    def _sshd(host: Host) -> list[str]:
        script = (
            f"hostname {host.name}; mount -t tmpfs tmpfs {host.root}/run; mkdir -p {host.root}/run/sshd; "
            f"mount --rbind /dev {host.root}/dev; "
            f"exec chroot {host.root} /usr/sbin/sshd -D -e -o PermitRootLogin=prohibit-password -o UsePAM=no"
        )
        enter = ["ip", "netns", "exec", host.namespace, "unshare", "--pid", "--fork", "--kill-child", "--mount", "--uts", "--ipc"]
        return [*enter, f"--mount-proc={host.root}/proc", "sh", "-c", script]

    @staticmethod
    def _systemd(host: Host) -> list[str]:
        own = [f"--network-namespace-path=/run/netns/{host.namespace}", f"--machine={host.name}", "--register=no", "--keep-unit"]
        # as on a machine of its own, the kernel may be asked about the clock
        own += ["--system-call-filter=adjtimex clock_adjtime"]
        return ["systemd-nspawn", "--quiet", "--boot", f"--directory={host.root}", *own, "--resolv-conf=off", "--timezone=off"]

    def _answers(self, host: Host) -> bool:
        return self.ssh(host, "true", check=False).returncode == 0

    @property
    def ssh_options(self) -> list[str]:
        return ["-i", f"{self.dir}/id", *self._host_keys.split(), "-o", "ConnectTimeout=2", "-o", "BatchMode=yes"]

    @property
    def _host_keys(self) -> str:
        return f"-o UserKnownHostsFile={self.dir}/known_hosts -o StrictHostKeyChecking=accept-new"

    def ssh(self, host: Host, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return sh("ssh", *self.ssh_options, f"root@{host.address}", *words, check=check)

    def inventory(self, hostvars: t.Optional[t.Mapping[str, t.Mapping[str, t.Any]]] = None, **common: t.Any) -> pathlib.Path:
        """An inventory of the hosts (with more variables per host, and common ones) as a file."""
        ours = {
            "ansible_user": "root",
            "ansible_ssh_private_key_file": str(self.dir / "id"),
            "ansible_python_interpreter": "/usr/bin/python3",
            "ansible_ssh_common_args": f"{self._host_keys} -o ConnectTimeout=3",
        }
        hosts = {host.name: {"ansible_host": host.address, **(hostvars or {}).get(host.name, {})} for host in self.hosts.values()}
        path = self.dir / "inventory.yml"
        path.write_text(yaml.safe_dump({"all": {"hosts": hosts, "vars": {**ours, **common}}}))
        return path

    def __exit__(self, *_exc: t.Any) -> None:
        for host in self.hosts.values():
            host.kill()
            if host.process is not None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    host.process.wait(10)
        for place in range(len(self.hosts)):
            # before the namespace goes: that is asynchronous and would leave the name taken
            sh("ip", "link", "del", f"wrv{os.getpid()}"[:12] + str(place), check=False)
        for host in self.hosts.values():
            if host.root.exists():
                sh("umount", "-R", "-l", host.root, check=False)
            sh("ip", "netns", "del", host.namespace, check=False)
        sh("ip", "link", "del", self.bridge, check=False)
        shutil.rmtree(self.dir, ignore_errors=True)
