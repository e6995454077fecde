"""Which engine is meant: the same as for the docker command."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from alfred_dev.engine.endpoint import DEFAULT_SOCKET, find
from alfred_dev.errors import UsageError


def with_context(home: Path, name: str, url: str, *, current: bool) -> None:
    folder = home / ".docker"
    digest = hashlib.sha256(name.encode()).hexdigest()
    meta = folder / "contexts/meta" / digest
    meta.mkdir(parents=True)
    (meta / "meta.json").write_text(
        json.dumps({"Name": name, "Endpoints": {"docker": {"Host": url}}})
    )
    (folder / "config.json").write_text(json.dumps({"currentContext": name} if current else {}))


def test_nothing_said_is_the_socket(tmp_path: Path) -> None:
    assert find({}, tmp_path).url == DEFAULT_SOCKET


def test_the_current_context_is_followed(tmp_path: Path) -> None:
    with_context(tmp_path, "colima", "unix:///c.sock", current=True)
    found = find({}, tmp_path)
    assert (found.url, found.variables) == ("unix:///c.sock", {"DOCKER_CONTEXT": "colima"})


def test_the_environment_is_stronger(tmp_path: Path) -> None:
    with_context(tmp_path, "colima", "unix:///c.sock", current=True)
    assert find({"DOCKER_HOST": "tcp://h:1"}, tmp_path).url == "tcp://h:1"
    assert find({"DOCKER_CONTEXT": "default"}, tmp_path).url == DEFAULT_SOCKET


def test_a_context_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing of that name"):
        find({"DOCKER_CONTEXT": "gone"}, tmp_path)


def test_tls(tmp_path: Path) -> None:
    given = {"DOCKER_HOST": "tcp://h:1", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/certs"}
    found = find(given, tmp_path)
    assert found.tls == "/certs"
    assert found.variables == given
    assert not found.on_this_machine
