"""Which container is named for a conflict, and when the engine is asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alfred_dev.host.containers import Container
from alfred_dev.host.listeners import Conflict, name_containers, with_containers
from alfred_dev.report import json as report_json
from tests.unit.host.judging import hidden, judged, listener

PG1 = Container(name="pg1", image="postgres:16", project="shop", id="78e2c038810c")
PROXY: dict[str, Any] = {
    "pid": 12,
    "program": "docker-proxy",
    "command": "/usr/bin/docker-proxy -proto tcp",
}
UNSEEN = Conflict(
    port=15432, service="db-postgres", reason="something holds it that cannot be seen from here"
)


def test_a_container_is_named_with_what_holds_the_port_for_it() -> None:
    (conflict,) = name_containers(judged(listener(15432, **PROXY)), {("127.0.0.1", 15432): PG1})
    assert str(conflict) == (
        "15432 db-postgres          held by container pg1 (postgres:16, compose project shop) "
        "through docker-proxy (pid 12)"
    )
    assert conflict.fix == ("docker stop pg1",)
    assert "container" in conflict.hint


def test_a_container_is_named_though_its_process_is_hidden() -> None:
    (conflict,) = name_containers(judged(hidden(15432)), {("127.0.0.1", 15432): PG1})
    assert str(conflict).endswith(
        "held by container pg1 (postgres:16, compose project shop) "
        "through a process of user root (pid not visible to this user)"
    )
    (conflict,) = name_containers([UNSEEN], {("0.0.0.0", 15432): PG1})
    assert str(conflict).endswith("held by container pg1 (postgres:16, compose project shop)")
    assert conflict.reason == ""


@pytest.mark.parametrize(
    "found",
    [
        *judged(listener(15432)),  # a process that is none of the engine's
        *judged(hidden(15432, "127.0.0.1")),  # hidden, and on another address
        replace(UNSEEN, reason="this user may not listen on it"),
        replace(UNSEEN, port=16379),
    ],
)
def test_what_no_container_holds_stays_as_it_is(found: Conflict) -> None:
    assert name_containers([found], {("0.0.0.0", 15432): PG1}) == [found]


def test_the_engine_may_listen_elsewhere_than_the_container_is_published() -> None:
    (found,) = judged(listener(15432, "::", program="com.docker.backend"))
    other = replace(PG1, name="other")
    published = {("127.0.0.1", 15432): PG1, ("192.168.1.5", 15432): other}
    (conflict,) = name_containers([found], published)
    assert conflict.container == PG1
    assert name_containers([found], published | {("::1", 15432): other}) == [found]


def test_two_containers_on_one_port_are_told_apart_by_their_addresses() -> None:
    found = judged(listener(15432, **PROXY), listener(15432, "::1", **(PROXY | {"pid": 13})))
    other = replace(PG1, name="other")
    named = name_containers(found, {("::1", 15432): other, ("127.0.0.1", 15432): PG1})
    assert [c.fix for c in named] == [("docker stop pg1",), ("docker stop other",)]


def test_json_gives_the_container_and_its_project_or_null() -> None:
    plain = judged(listener(15432))
    alone = replace(PG1, project="")
    proxy = judged(listener(16379, **PROXY))
    rows = [
        report_json.conflicts(found)["conflicts"][0]
        for found in (
            plain,
            name_containers(proxy, {("127.0.0.1", 16379): PG1}),
            name_containers(proxy, {("127.0.0.1", 16379): alone}),
        )
    ]
    assert [(row["container"], row["compose_project"]) for row in rows] == [
        (None, None), ("pg1", "shop"), ("pg1", None)
    ]  # fmt: skip


def test_the_engine_is_asked_only_where_a_container_may_be_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = tmp_path / "asked"
    program = tmp_path / "docker"
    program.write_text(f"#!/bin/sh\necho asked > '{asked}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    plain = judged(listener(15432))
    assert with_containers(plain) == plain
    assert with_containers([]) == []
    assert not asked.exists()
    proxy = judged(listener(15432, **PROXY))
    assert with_containers(proxy) == proxy
    assert asked.exists()
