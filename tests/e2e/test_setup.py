"""Names and trust on a machine of one's own: made, proved, shared, and given back."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.checkout import Checkout
from tests.e2e.machine import OwnMachine, own_machine

DOMAIN = "dev.alfred-platform.example.com"


@pytest.fixture(scope="module")
def machine() -> Iterator[OwnMachine]:
    with own_machine() as made:
        yield made


@pytest.fixture
def project(machine: OwnMachine, tmp_path: Path) -> Iterator[Checkout]:
    made = machine.checkout(tmp_path / "project")
    yield made
    made.ok("uninstall", "--yes")


def test_setup_shows_does_proves_and_uninstall_gives_everything_back(
    machine: OwnMachine, project: Checkout
) -> None:
    before = machine.state()
    missing = project.json("setup", "--check", exit_code=1)
    assert {c["about"] for c in missing["changes"]} == {"names", "trust"}
    assert machine.state() == before
    assert not project.json("names", "check", exit_code=1)["ok"]

    done = project.json("setup", "--yes")
    assert done["done"]
    assert project.json("setup", "--check")["ok"]
    assert project.json("setup", "--yes")["changes"] == []
    names = project.json("names", "check")
    assert names["way"] == "hosts_file"
    assert {f"api.{DOMAIN}", "ui.alfred.localhost"} < {n["name"] for n in names["names"]}

    certs = project.json("certs", "show")
    assert any(place.startswith("debian") for place in certs["ca"]["trusted_by"])
    gateway = next(leaf for leaf in certs["leaves"] if leaf["name"] == "gateway")
    assert set(gateway["names"]) <= {n["name"] for n in names["names"]}
    proofs = project.json("certs", "verify")["clients"]
    assert {p["client"].split(" ")[0].rstrip(":") for p in proofs if p["ok"]} >= {"Python", "curl"}
    assert not [p for p in proofs if p["ok"] is False]

    told = project.ok("uninstall", "--yes")
    assert "undone the hosts file" in told
    assert machine.state() == before
    assert not (project.root / "certs").exists()
    assert not (project.root.parent / "home/.local/share/alfred-dev/ca").exists()
    assert not (project.root.parent / "home/.pki").exists()


def test_a_client_without_the_ca_is_named(project: Checkout) -> None:
    project.ok("certs", "mint")
    found = project.json("certs", "verify", exit_code=1)
    failed = {p["client"] for p in found["clients"] if p["ok"] is False}
    assert {"Python", "curl"} <= failed
    by_variables = [p for p in found["clients"] if p["trusts_by"] == "alfred-dev run"]
    assert all(p["ok"] is not False for p in by_variables)


def test_what_two_checkouts_want_goes_with_the_last(
    machine: OwnMachine, tmp_path: Path, project: Checkout
) -> None:
    before = machine.state()
    other = machine.checkout(tmp_path / "other")
    (other.root / "alfred.yaml").write_text("services:\n  extra:\n    ports: [{host: 9876}]\n")
    project.ok("setup", "--yes")
    other.ok("setup", "--yes")
    assert f"extra.{DOMAIN}" in machine.run("cat", "/etc/hosts")
    assert "wants it" in other.run("uninstall", "--yes").stderr
    hosts = machine.run("cat", "/etc/hosts")
    assert f"extra.{DOMAIN}" not in hosts
    assert f"api.{DOMAIN}" in hosts
    assert project.json("setup", "--check")["ok"]
    project.ok("uninstall", "--yes")
    assert machine.state() == before


@pytest.mark.slow
def test_a_new_ca_says_who_must_trust_it_again(machine: OwnMachine, project: Checkout) -> None:
    before = machine.state()
    project.ok("certs", "trust", "--yes")
    (project.root.parent / "home/.local/share/alfred-dev/ca/ca.key").unlink()
    refused = project.run("certs", "renew")
    assert refused.returncode == 2
    assert "certs mint --new-ca" in refused.stderr
    made = project.run("certs", "mint", "--new-ca", "--yes")
    assert made.returncode == 0
    assert "/usr/local/share/ca-certificates; alfred-dev setup" in made.stderr
    project.ok("certs", "trust", "--yes")
    anchors = machine.run("ls", "/usr/local/share/ca-certificates").split()
    assert len(anchors) == 1, "the old one is trusted no more"
    project.ok("certs", "untrust", "--yes")
    assert machine.state() == before


def test_a_foreign_line_that_wins_over_ours_is_named(
    machine: OwnMachine, project: Checkout
) -> None:
    name = f"ui.{DOMAIN}"
    machine.run("sh", "-c", f"echo '10.9.8.7 {name}' >> /etc/hosts")
    before = machine.state()
    project.ok("names", "apply", "--yes")
    project.ok("certs", "trust", "--yes")
    document = project.json("setup", "--check", exit_code=1)
    assert document["astray"] == [name]
    told = project.run("names", "check")
    assert told.returncode == 1
    assert f"leads {name} to 10.9.8.7: delete that line" in told.stderr
    project.ok("uninstall", "--yes")
    assert machine.state() == before


def test_nothing_is_changed_without_a_terminal_or_a_yes(
    machine: OwnMachine, project: Checkout
) -> None:
    before = machine.state()
    for command in (["setup"], ["names", "apply"], ["certs", "trust"], ["up", "--setup"]):
        done = project.run(*command)
        assert done.returncode == 2, done.stderr
        assert f"alfred-dev {' '.join(command)} --yes" in done.stderr
    assert machine.state() == before


def test_dnsmasq_that_nobody_would_ask_is_refused(project: Checkout) -> None:
    document = project.json("names", "apply", "--way", "dnsmasq", "--yes", exit_code=3)
    assert document["error"]["code"] == "dnsmasq-unused"
    assert "alfred-dev names apply --way hosts" in document["error"]["fix"]


def points(project: Checkout, *arguments: str) -> int:
    done = killed(project, 0, *arguments)
    assert done.returncode == 0, done.stderr
    return int(done.stderr.rpartition("points: ")[2])


def killed(project: Checkout, at: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = project.command(*arguments)
    start = command.index("alfred_dev")
    command[start : start + 1] = ["tests.e2e.killed", str(at)]
    return subprocess.run(
        command, env=project.variables(), stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=90,
    )  # fmt: skip


@pytest.mark.slow
def test_a_kill_at_any_point_of_setup_leaves_nothing_behind(
    machine: OwnMachine, project: Checkout
) -> None:
    before = machine.state()
    project.ok("setup", "--yes")
    project.ok("uninstall", "--yes")
    last = points(project, "setup", "--yes")
    project.ok("uninstall", "--yes")
    assert machine.state() == before
    for at in range(1, last + 1, max(1, last // 20)):
        if killed(project, at, "setup", "--yes").returncode == 0:
            assert at > last * 0.9  # a point or two come and go with what is cached
        project.ok("uninstall", "--yes")
        assert machine.state() == before, f"killed at point {at} of {last}"


@pytest.mark.slow
def test_a_kill_at_any_point_of_uninstall_is_made_good_by_the_next(
    machine: OwnMachine, project: Checkout
) -> None:
    before = machine.state()
    project.ok("setup", "--yes")
    last = points(project, "uninstall", "--yes")
    for at in range(1, last + 1, max(1, last // 8)):
        project.ok("setup", "--yes")
        if killed(project, at, "uninstall", "--yes").returncode == 0:
            assert at > last * 0.9
        project.ok("uninstall", "--yes")
        assert machine.state() == before, f"killed at point {at} of {last}"
