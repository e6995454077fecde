"""Real handshakes: what our CA may sign is trusted, what it may not is refused, by every client."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from alfred_dev.changes.machine import Machine
from alfred_dev.changes.perform import perform
from alfred_dev.pki import certificates, verify
from alfred_dev.pki.bundle import variables
from alfred_dev.pki.certificates import Pair
from alfred_dev.pki.trust import Authority, nss
from alfred_dev.pki.verify import VARIABLES, serving
from tests.unit.pki.made import DOMAIN

NAME = f"verify.{DOMAIN}"
OUTSIDE = "www.google.com"


@pytest.fixture(scope="module")
def ca() -> Pair:
    return certificates.make_ca(DOMAIN, datetime.now(UTC), owner="me@here")


@pytest.fixture
def trusting(ca: Pair, tmp_path: Path) -> Machine:
    """A home whose database trusts the CA; programs find it by variables."""
    path = tmp_path / "ca.pem"
    path.write_bytes(ca.certificate)
    home = tmp_path / "home"
    (home / ".pki/nssdb").mkdir(parents=True)
    here = Machine(root=tmp_path, home=home, environment={})
    if shutil.which("certutil"):
        place = nss.database(here, home / ".pki/nssdb")
        perform(place.install(Authority(ca.certificate.decode(), path)))
    return here


def issued(ca: Pair, *names: str) -> Pair:
    return certificates.issue(ca, names, datetime.now(UTC))


def clients() -> list[str]:
    return ["Python", "curl", "Node", "NSS"]


def proved(machine: Machine, leaf: Pair, client: str, name: str, bundle: Path) -> verify.Proof:
    """One handshake. Whoever has the system's store is told of the CA by variables here."""
    found = next(c for c in verify.clients(machine) if c.name.startswith(client))
    told = replace(found, variables=found.trusts_by != verify.DATABASE)
    values = {**variables(bundle), "CURL_CA_BUNDLE": str(bundle)}
    with serving(leaf) as port:
        proof = verify._prove(machine, told, port, name, values)
    if proof.ok is None:
        pytest.skip(proof.detail)
    return proof


@pytest.mark.parametrize("client", clients())
def test_every_client_trusts_a_leaf_inside_of_the_constraints(
    ca: Pair, trusting: Machine, tmp_path: Path, client: str
) -> None:
    leaf = issued(ca, NAME, "localhost")
    proof = proved(trusting, leaf, client, NAME, tmp_path / "ca.pem")
    assert proof.ok, proof


@pytest.mark.parametrize("client", clients())
def test_every_client_refuses_a_leaf_outside_of_the_constraints(
    ca: Pair, trusting: Machine, tmp_path: Path, client: str
) -> None:
    leaf = issued(ca, OUTSIDE, "localhost")
    proof = proved(trusting, leaf, client, OUTSIDE, tmp_path / "ca.pem")
    assert proof.ok is False
    said = proof.detail.lower()
    assert any(word in said for word in ("permitted subtree", "name_space", "subtree")), said


@pytest.mark.parametrize("client", clients())
def test_a_client_that_was_told_nothing_refuses(ca: Pair, tmp_path: Path, client: str) -> None:
    home = tmp_path / "home"
    (home / ".pki/nssdb").mkdir(parents=True)
    if shutil.which("certutil"):
        database = f"sql:{home}/.pki/nssdb"
        subprocess.run(["certutil", "-N", "-d", database, "--empty-password"], check=True)
    other = tmp_path / "other.pem"
    other.write_bytes(certificates.make_ca(DOMAIN, datetime.now(UTC), owner="x").certificate)
    here = Machine(root=tmp_path, home=home, environment={})
    assert proved(here, issued(ca, NAME, "localhost"), client, NAME, other).ok is False


def test_verify_names_what_is_not_here(ca: Pair, tmp_path: Path) -> None:
    here = Machine(root=tmp_path, home=tmp_path, environment={},
                   which=lambda name: None if name == "node" else shutil.which(name))  # fmt: skip
    found = verify.verify(here, ca, NAME, datetime.now(UTC), {})
    node = next(proof for proof in found if proof.client == "Node")
    assert (node.ok, node.detail) == (None, "node is not here")
    assert next(p for p in found if p.trusts_by == VARIABLES).ok is False


@pytest.fixture(scope="module")
def chromium() -> str:
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("needs Chromium")
    return found


@pytest.fixture
def opened(chromium: str, trusting: Machine) -> Callable[[Pair, str], str]:
    """Open a page in a Chromium that trusts our CA alone; returns its title, or the error."""
    from playwright.sync_api import Error, sync_playwright

    def open_(leaf: Pair, name: str) -> str:
        with serving(leaf) as port, sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=chromium,
                env={"HOME": str(trusting.home), "PATH": "/usr/bin:/bin"},
                args=["--no-sandbox", f"--host-resolver-rules=MAP {name} 127.0.0.1"],
            )
            page = browser.new_page()
            try:
                page.goto(f"https://{name}:{port}/", timeout=20_000)
                return page.inner_text("body")
            except Error as error:
                return error.message
            finally:
                browser.close()

    return open_


@pytest.mark.slow
def test_chromium_opens_what_our_ca_may_sign_and_nothing_else(
    ca: Pair, opened: Callable[[Pair, str], str]
) -> None:
    assert opened(issued(ca, f"ui.{DOMAIN}"), f"ui.{DOMAIN}") == "ok"
    assert opened(issued(ca, "ui.alfred.localhost"), "ui.alfred.localhost") == "ok"
    assert opened(issued(ca, "127.0.0.1", "localhost"), "127.0.0.1") == "ok"
    refused = opened(issued(ca, OUTSIDE), OUTSIDE)
    assert "ERR_CERT" in refused
    assert "AUTHORITY_INVALID" not in refused, "refused for its name, not for its CA"
