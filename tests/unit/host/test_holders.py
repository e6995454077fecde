"""What is said about known holders of ports. Names as lsof and /proc give them."""

from __future__ import annotations

import pytest

from alfred_dev.host import holders

LINUX, MACOS = "linux", "darwin"


def fix(
    program: str, *, user: str = "alice", command: str = "", platform: str = LINUX
) -> tuple[str, ...]:
    product = holders.product(program, user, command)
    return holders.fix(product, port=15432, pid=812, platform=platform)


@pytest.mark.parametrize(
    ("program", "command", "hint"),
    [
        ("docker-proxy", "/usr/bin/docker-proxy -proto tcp", "Docker"),
        ("dockerd", "/usr/bin/dockerd -H fd://", "Docker"),
        ("rootlesskit", "", "Docker"),
        ("com.docker.backend", "", "Docker"),
        ("com.docke", "", "Docker"),
        ("ssh", "ssh: /Users/a/.colima/_lima/colima/ssh.sock [mux]", "Docker"),
        ("ssh", "ssh -L 15432:db:5432 host", "tunnel of ssh"),
        ("wslrelay.exe", "", "Windows"),
        ("ControlCe", "", "AirPlay"),
        ("ControlCenter", "", "AirPlay"),
        ("postgres", "/usr/lib/postgresql/15/bin/postgres -D /x", "Postgres"),
        ("postgres", "/src/.venv/bin/postgres -D /src/.alfred/data/db", "another checkout"),
        ("python3.11", "/src/.venv/bin/python -m alfred_dev.embedded redis", "another checkout"),
        ("systemd", "/sbin/init", "systemd"),
        ("kubectl", "kubectl port-forward svc/db 15432", "kubectl"),
    ],
)
def test_products_are_known_by_name_or_command(program: str, command: str, hint: str) -> None:
    product = holders.product(program, "alice", command)
    assert product is not None
    assert hint in product.hint


@pytest.mark.parametrize("program", ["python3", "sshuttle", "systemd-resolve", "redistool"])
def test_other_programs_are_not_taken_for_products(program: str) -> None:
    assert holders.product(program, "alice", program) is None


def test_a_process_of_the_user_is_killed_by_its_number() -> None:
    assert fix("python3") == ("kill 812",)
    assert fix("postgres") == ("kill 812",)


def test_a_container_is_stopped_by_docker() -> None:
    assert fix("docker-proxy") == ("docker stop $(docker ps -q --filter publish=15432)",)


def test_a_system_service_is_stopped_as_one() -> None:
    assert fix("postgres", user="postgres") == ("sudo systemctl stop postgresql",)
    assert fix("postgres", platform=MACOS) == ("brew services stop postgresql",)


def test_a_hidden_system_service_is_known_by_its_account() -> None:
    product = holders.product("", "redis", "")
    assert holders.fix(product, port=1, pid=None, platform=LINUX) == (
        "sudo systemctl stop redis-server",
    )


def test_a_hidden_process_is_looked_at_first() -> None:
    assert holders.fix(None, port=15432, pid=None, platform=LINUX) == (
        "sudo ss -ltnp 'sport = :15432'",
    )
    assert holders.fix(None, port=15432, pid=None, platform=MACOS) == (
        "sudo lsof -nP -iTCP:15432 -sTCP:LISTEN",
    )


def test_process_1_is_never_to_be_killed() -> None:
    assert holders.fix(None, port=15432, pid=1, platform=LINUX) == (
        "sudo ss -ltnp 'sport = :15432'",
    )
