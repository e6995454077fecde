"""The bundle extends what is trusted already, and never replaces it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from alfred_dev.pki import bundle, certificates
from alfred_dev.settings import CA_VARIABLES
from tests.unit.pki.made import DOMAIN


def made(name: str) -> bytes:
    return certificates.make_ca(name, datetime.now(UTC), owner="me").certificate


@pytest.fixture
def system(tmp_path: Path) -> Path:
    path = tmp_path / "system.crt"
    path.write_bytes(b"# the system's\n" + made("system.test") + made("system2.test"))
    return path


@pytest.fixture
def ca(tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    path.write_bytes(made(DOMAIN))
    return path


def test_the_systems_authorities_and_ours(tmp_path: Path, system: Path, ca: Path) -> None:
    path = bundle.write_bundle(tmp_path, ca, {}, system=["/nowhere", str(system)])
    assert path == tmp_path / "ca-bundle.pem"
    assert certificates.blocks(path.read_bytes()) == (
        *certificates.blocks(system.read_bytes()), ca.read_bytes(),
    )  # fmt: skip
    assert path.stat().st_mode & 0o777 == 0o644
    assert bundle.variables(path) == {
        "NODE_EXTRA_CA_CERTS": str(path),
        "REQUESTS_CA_BUNDLE": str(path),
        "SSL_CERT_FILE": str(path),
    }


def test_what_the_variables_name_is_in_it(tmp_path: Path, system: Path, ca: Path) -> None:
    corporate, other = tmp_path / "corp" / "a.pem", tmp_path / "corp" / "b.pem"
    corporate.parent.mkdir()
    corporate.write_bytes(made("corp.test").replace(b"\n", b"\r\n"))
    other.write_bytes(made("proxy.test"))
    named = {
        "SSL_CERT_FILE": str(corporate),
        "NODE_EXTRA_CA_CERTS": str(other),
        "REQUESTS_CA_BUNDLE": "",
    }
    path = bundle.write_bundle(tmp_path, ca, named, system=[str(system)])
    plain = bundle.write_bundle(tmp_path, ca, {}, system=[str(system)])
    assert path is not None
    assert plain is not None
    assert path != plain, "another shell, with other variables, keeps its own"
    blocks = certificates.blocks(path.read_bytes())
    assert len(blocks) == 5
    assert {ca.read_bytes(), other.read_bytes()} < set(blocks)
    inside = {name: str(path) for name in CA_VARIABLES}
    again = bundle.write_bundle(tmp_path, ca, inside, system=[str(system)])
    assert again == path, "a run inside of a run keeps what the outer one has"


def test_a_variable_that_names_nothing_is_no_error(tmp_path: Path, system: Path, ca: Path) -> None:
    named = {"SSL_CERT_FILE": "/no/such/file", "NODE_EXTRA_CA_CERTS": str(tmp_path)}
    path = bundle.write_bundle(tmp_path, ca, named, system=[str(system)])
    assert path == tmp_path / "ca-bundle.pem"
    assert bundle.write_bundle(tmp_path, tmp_path / "no-ca.pem", {}) is None
