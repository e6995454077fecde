"""Every way: found where it can be, installed, checked, and gone without a trace."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from alfred_dev import names
from alfred_dev.changes import elevate
from alfred_dev.changes.machine import Machine, Said
from alfred_dev.changes.model import Run
from alfred_dev.changes.perform import perform
from alfred_dev.names import (
    dnsmasq,
    helper,
    hosts_file,
    resolve,
    resolved,
    resolver_folder,
    windows_hosts,
)
from alfred_dev.names.base import Wanted, pack, unpack
from tests.unit.machines import Programs, machine

WANTED = Wanted(
    names=("dev.test", "api.dev.test"),
    plain=("db.dev.test",),
    domains=("dev.test", "alfred.localhost"),
    servers=("127.0.0.1:8053",),
)
OK = Said(0, "")
needs_dnsmasq = pytest.mark.skipif(shutil.which("dnsmasq") is None, reason="needs dnsmasq")


def etc(root: Path, name: str, text: str = "") -> Path:
    path = root / "etc" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_what_is_wanted_survives_the_ledger() -> None:
    assert unpack(pack(WANTED)) == WANTED
    other = replace(WANTED, names=("api.dev.test", "more.dev.test"))
    assert unpack([*pack(WANTED), *pack(other)]).names == (
        "dev.test", "api.dev.test", "more.dev.test",
    )  # fmt: skip


def test_the_hosts_file_has_both_families_for_the_gateway_and_ipv4_for_the_rest(
    tmp_path: Path,
) -> None:
    hosts = etc(tmp_path, "hosts", "127.0.0.1 localhost")
    (way,) = hosts_file.find(machine(tmp_path, Programs()))
    assert not way.check(WANTED)
    perform(way.install(WANTED))
    assert way.check(WANTED)
    assert [line.split()[:2] for line in hosts.read_text().splitlines()[2:-1]] == [
        ["127.0.0.1", "dev.test"],
        ["::1", "dev.test"],
        ["127.0.0.1", "api.dev.test"],
        ["::1", "api.dev.test"],
        ["127.0.0.1", "db.dev.test"],
    ]
    assert not way.check(replace(WANTED, names=("new.dev.test",)))
    perform(way.uninstall(way.record()))
    assert hosts.read_text() == "127.0.0.1 localhost"


def test_where_the_hosts_file_has_nothing_of_ours_nobody_has_to_be_root(tmp_path: Path) -> None:
    hosts = etc(tmp_path, "hosts", "127.0.0.1 localhost")
    (way,) = hosts_file.find(machine(tmp_path, Programs()))
    assert way.uninstall({}) == ()
    perform(way.install(WANTED))
    assert way.uninstall({}) != ()
    perform(way.uninstall({}))
    etc(tmp_path, ".hosts.alfred-dev-half")
    assert way.uninstall({}) != (), "a kill left half of it"
    hosts.unlink()
    (tmp_path / "etc" / ".hosts.alfred-dev-half").unlink()
    assert way.uninstall({}) == ()


def test_a_line_that_leads_a_name_elsewhere_is_found(tmp_path: Path) -> None:
    text = "127.0.0.1 localhost\n172.19.0.5 ui.dev.test x # old\n#10.0.0.1 ui.dev.test\n\n"
    hosts = etc(tmp_path, "hosts", text)
    (found,) = hosts_file.rivals(hosts, ["ui.dev.test", "api.dev.test"])
    assert found == f"{hosts}:2 leads ui.dev.test to 172.19.0.5: delete that line"


def wsl(root: Path) -> Machine:
    programs = Programs({"powershell.exe": OK})
    return machine(root, programs, WSL_DISTRO_NAME="Ubuntu-22.04")


def test_the_hosts_file_of_windows_is_written_by_its_administrator(tmp_path: Path) -> None:
    hosts = tmp_path / "mnt/c/Windows/System32/drivers/etc/hosts"
    hosts.parent.mkdir(parents=True)
    hosts.write_bytes(b"# Windows\r\n")
    (way,) = windows_hosts.find(wsl(tmp_path))
    put, run = way.install(WANTED)
    perform([put])
    assert str(run).startswith("run powershell.exe -NoProfile -Command")
    assert "-Verb RunAs" in str(run)
    assert "Ubuntu-22.04" in str(run)
    # What Windows' administrator is asked to run, run here:
    file = tmp_path / "home/.local/share/alfred-dev/as-administrator.json"
    command = elevate.helper(file)
    subprocess.run(command, check=True)
    assert way.check(WANTED)
    assert hosts.read_bytes().startswith(b"# Windows\r\n# alfred-dev begin")
    assert json.loads(file.read_text())[0]["path"] == str(hosts)
    perform(way.uninstall({})[:1])
    subprocess.run(command, check=True)
    assert hosts.read_bytes() == b"# Windows\r\n"
    assert not list(windows_hosts.find(machine(tmp_path, Programs())))


def systems(root: Path, programs: Programs) -> Machine:
    """A machine whose resolver is a dnsmasq of its own."""
    (root / "etc/dnsmasq.d").mkdir(parents=True)
    etc(root, "resolv.conf", "search lan\nnameserver 127.0.0.1\n")
    (root / "run/dnsmasq").mkdir(parents=True)
    (root / "run/dnsmasq/dnsmasq.pid").touch()
    return machine(root, programs)


def test_a_drop_in_for_the_systems_dnsmasq(tmp_path: Path) -> None:
    programs = Programs({"dnsmasq --test": OK, "systemctl": OK})
    found = systems(tmp_path, programs)
    (way,) = names.by_dnsmasq(found)
    assert way.kind == "dnsmasq"
    assert way.lacks() == ()
    put, run = way.install(WANTED)
    perform([put])
    assert str(run) == "run systemctl restart dnsmasq"
    assert way.check(WANTED)
    assert not way.check(replace(WANTED, domains=("other.test",)))
    drop, _ = way.uninstall(way.record())
    perform([drop])
    assert list((tmp_path / "etc/dnsmasq.d").iterdir()) == []


def test_what_dnsmasq_refuses_is_not_installed(tmp_path: Path) -> None:
    said = Said(1, "dnsmasq: bad option at line 1")
    programs = Programs({"dnsmasq --test": said, "systemctl": OK})
    (way,) = dnsmasq.find(systems(tmp_path, programs))
    assert "bad option" in way.lacks()[0]
    assert "--way hosts" in way.lacks()[-1]


def test_a_dnsmasq_that_nobody_asks_is_no_way(tmp_path: Path) -> None:
    found = systems(tmp_path, Programs({"dnsmasq": OK, "systemctl": OK}))
    etc(tmp_path, "resolv.conf", "nameserver 10.0.0.1\n")
    assert not list(dnsmasq.find(found))


def test_what_was_written_is_known_though_nobody_asks_it_any_more(tmp_path: Path) -> None:
    found = systems(tmp_path, Programs({"dnsmasq": OK, "systemctl": OK}))
    (way,) = dnsmasq.find(found)
    put, _ = way.install(WANTED)
    perform([put])
    etc(tmp_path, "resolv.conf", "nameserver 10.0.0.1\n")  # a VPN came up
    again = names.way_of(found, way.kind, way.target)
    assert again is not None
    assert again.check(WANTED)
    drop, run = again.uninstall(again.record())
    perform([drop])
    assert list((tmp_path / "etc/dnsmasq.d").iterdir()) == []
    assert isinstance(run, Run)
    assert "" in run.tolerated, "it may have been removed since"


def test_a_drop_in_for_resolved_is_known_while_it_is_stopped(tmp_path: Path) -> None:
    found = with_resolved(tmp_path, Programs({"dnsmasq": OK, "systemctl": OK}))
    (way,) = resolved.find(found)
    shutil.rmtree(tmp_path / "run")
    assert names.way_of(found, way.kind, way.target) == way


def with_resolved(root: Path, programs: Programs) -> Machine:
    (root / "run/systemd/resolve").mkdir(parents=True)
    (root / "run/systemd/resolve/stub-resolv.conf").touch()
    return machine(root, programs)


def test_resolved_asks_our_own_dnsmasq_for_our_domains_alone(tmp_path: Path) -> None:
    found = with_resolved(tmp_path, Programs({"dnsmasq": OK, "systemctl": OK}))
    (way,) = names.by_dnsmasq(found)
    record = way.record()
    put, run = way.install(WANTED)
    perform([put])
    text = (tmp_path / "etc/systemd/resolved.conf.d/alfred-dev.conf").read_text()
    assert text.splitlines()[1:] == [
        "[Resolve]",
        "DNS=127.0.0.1:8053",
        "Domains=~dev.test ~alfred.localhost",
    ]
    assert str(run) == "run systemctl restart systemd-resolved"
    assert way.check(WANTED)
    assert not way.check(replace(WANTED, servers=("127.0.0.1:18053",)))
    drop, _ = way.uninstall(record)
    perform([drop])
    assert not (tmp_path / "etc").exists(), "folders made for it go with it"


def test_a_missing_dnsmasq_names_its_package(tmp_path: Path) -> None:
    found = with_resolved(tmp_path, Programs({"systemctl": OK, "apt-get": OK}))
    (way,) = resolved.find(found)
    assert way.lacks()[:2] == ("dnsmasq is not here", "sudo apt-get install dnsmasq-base")


def test_macos_has_a_file_a_domain(tmp_path: Path) -> None:
    mac = machine(tmp_path, Programs({"dnsmasq": OK}), platform="darwin")
    (way,) = resolver_folder.find(mac)
    record = way.record()
    perform(way.install(WANTED))
    folder = tmp_path / "etc/resolver"
    assert sorted(p.name for p in folder.iterdir()) == ["alfred.localhost", "dev.test"]
    assert "nameserver 127.0.0.1\nport 8053\n" in (folder / "dev.test").read_text()
    assert way.check(WANTED)
    (folder / "corp.example").write_text("nameserver 10.0.0.1\n")
    perform(way.install(replace(WANTED, domains=("dev.test",))))
    assert sorted(p.name for p in folder.iterdir()) == ["corp.example", "dev.test"]
    perform(way.uninstall(record))
    assert [p.name for p in folder.iterdir()] == ["corp.example"]


@contextmanager
def own_dnsmasq() -> Iterator[int]:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = int(held.getsockname()[1])
    arguments = [argument.format(port=port) for argument in helper.arguments(WANTED)]
    with subprocess.Popen(["dnsmasq", *arguments], stderr=subprocess.DEVNULL) as running:
        try:
            for _ in range(100):
                if resolve.by_dns("dev.test", server="127.0.0.1", port=port):
                    break
                time.sleep(0.05)
            yield port
        finally:
            running.terminate()


@needs_dnsmasq
def test_a_real_dnsmasq_takes_our_lines_and_answers_by_them() -> None:
    assert dnsmasq.refused(Machine(), dnsmasq.drop_in(WANTED)) == ""
    assert "bad option" in dnsmasq.refused(Machine(), "no-such-option\n")
    with own_dnsmasq() as port:

        def ask(name: str) -> set[str]:
            return set(resolve.by_dns(name, server="127.0.0.1", port=port))

        assert ask("dev.test") == ask("new.deep.dev.test") == {"127.0.0.1", "::1"}
        assert ask("ui.alfred.localhost") == {"127.0.0.1", "::1"}
        assert ask("db.dev.test") == {"127.0.0.1"}
        assert ask("example.com") == set()


def test_names_are_resolved_at_once_and_a_hanging_resolver_is_not_waited_for() -> None:
    def system(name: str) -> tuple[str, ...]:
        if name == "slow":
            time.sleep(30)
        return {"here": ("127.0.0.1", "::1"), "there": ("10.0.0.1",)}.get(name, ())

    started = time.monotonic()
    found = resolve.resolve(["here", "there", "nowhere", "slow"], system=system, timeout_s=0.3)
    assert time.monotonic() - started < 10
    assert [(r.name, r.ok) for r in found] == [
        ("here", True), ("there", False), ("nowhere", False), ("slow", False),
    ]  # fmt: skip


def test_the_system_resolves_localhost() -> None:
    (found,) = resolve.resolve(["localhost"])
    assert found.ok
