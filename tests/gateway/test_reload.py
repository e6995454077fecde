"""Changes reach a running gateway: no restart, no failed request, and at once what is refused."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alfred_dev import hostnames
from alfred_dev.access import Client
from alfred_dev.pki import certificates
from tests.gateway import doors
from tests.gateway.doors import DOMAIN, Door, heard, host, pem, until
from tests.servers import free_port
from tests.worlds import catalog


@pytest.fixture
def door(tmp_path: Path) -> object:
    with doors.opened(tmp_path) as opened:
        yield opened


class Traffic:
    """Asks over and over, in the background, and keeps what was not answered with 200."""

    def __init__(self, door: Door) -> None:
        self.door, self.done, self.failed = door, 0, [str(0)][:0]
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        token = self.door.token()
        with self.door.client() as client:
            while not self._end.is_set():
                answer = self.door.get("api", "/agents/core/", token=token, client=client)
                self.done += 1
                if answer.status_code != 200:
                    self.failed.append(answer.text)

    def __enter__(self) -> Traffic:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()


def test_a_new_version_is_live_without_a_failed_request(door: Door) -> None:
    def asked() -> int:
        headers = {"x-api-version": "2"}
        return door.get("api", "/agents/core/", token=door.token(), headers=headers).status_code

    with Traffic(door) as traffic:
        for _ in range(3):
            door.change(versions={"agent-core": {"2": "agent-rag"}})
            until(lambda: asked() == 200)
            door.change(versions={})
            until(lambda: asked() == 400)
        until(lambda: traffic.done > 200)
    assert traffic.failed == []


def test_a_service_that_moves_is_found_without_a_failed_request(door: Door) -> None:
    with Traffic(door) as traffic:
        for name in ("agent-rag", "agent-legal", "agent-rag"):
            door.services = {**door.services, "agent-social": door.services[name]}
            door.write()
            until(lambda n=name: heard(  # type: ignore[misc]
                door.get("api", "/agents/social/", token=door.token())
            )["service"] == n)  # fmt: skip
    assert traffic.failed == []


def test_a_key_that_is_revoked_opens_nothing_on_an_open_connection(door: Door) -> None:
    key = Client(name="ci", role="user", key="adk_of-ci")
    with door.client() as client:

        def asked() -> int:
            headers = {"x-api-key": key.key}
            return door.get("api", "/agents/core/", headers=headers, client=client).status_code

        assert asked() == 401
        door.change(clients=(key,))
        until(lambda: asked() == 200)
        door.change(clients=())
        until(lambda: asked() == 401)


def test_keys_rotate_with_tokens_of_both_alive_and_forgotten_ones_dead(door: Door) -> None:
    old = door.token()
    with door.client() as client:

        def asked(token: str) -> int:
            return door.get("api", "/agents/core/", token=token, client=client).status_code

        assert asked(old) == 200
        with Traffic(door) as traffic:
            door.store.rotate(time.time())
            door.change(jwks=door.store.jwks())
            new = door.token()
            assert new.split(".")[0] != old.split(".")[0]
            until(lambda: asked(new) == 200)
            assert asked(old) == 200
        assert traffic.failed == []
        door.store.rotate(time.time(), forget=True)
        door.change(jwks=door.store.jwks())
        newest = door.token()
        until(lambda: asked(newest) == 200)
        until(lambda: asked(old) == 401)
        until(lambda: asked(new) == 401)


def test_a_certificate_that_has_ended_is_replaced_without_a_restart(door: Door) -> None:
    def serial() -> str:
        with door.connected("ui") as sock:
            return str((sock.getpeercert() or {})["serialNumber"])

    names = hostnames.names(catalog(), DOMAIN, web_only=True)
    now = datetime.now(UTC)
    authority = certificates.make_ca(DOMAIN, now - timedelta(days=500), owner="test")
    ended = certificates.issue(authority, names, now - timedelta(days=450))
    first = serial()
    door.change(certificate=pem(ended))
    until(lambda: not handshakes(door))
    door.authority = authority.certificate
    door.change(certificate=pem(certificates.issue(authority, names, now)))
    until(lambda: handshakes(door))
    assert serial() != first
    assert door.process.poll() is None


def handshakes(door: Door) -> bool:
    try:
        with door.connected("ui"):
            return True
    except OSError:
        return False


def test_a_certificate_of_another_key_leaves_the_old_one_in_force(door: Door) -> None:
    now = datetime.now(UTC)
    other = certificates.issue(certificates.make_ca(DOMAIN, now, owner="x"), (host("ui"),), now)
    mixed = replace(pem(other), key=door.access.certificate.key)
    door.change(certificate=mixed)
    time.sleep(0.5)
    assert handshakes(door)


def test_garbage_leaves_the_old_configuration_in_force(door: Door) -> None:
    for name in ("routes-https", "clusters", "listeners", "certificate"):
        path = door.folder / "render" / "gateway" / f"{name}.json"
        broken = path.with_suffix(".new")
        broken.write_text('{"resources": [{')
        broken.replace(path)
    time.sleep(0.5)
    assert heard(door.get("api", "/agents/core/", token=door.token()))["service"] == "agent-core"
    assert door.process.poll() is None


def test_a_port_that_nobody_has_yet_becomes_a_service_when_it_starts(door: Door) -> None:
    door.services = {**door.services, "agent-social": free_port()}
    door.write()
    until(lambda: door.get("api", "/agents/social/", token=door.token()).status_code == 503)
    door.services = {**door.services, "agent-social": door.services["agent-rag"]}
    door.write()
    until(lambda: door.get("api", "/agents/social/", token=door.token()).status_code == 200)
