"""How many requests a minute, counted. Buckets fill all the time: a slow test lets more through."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import httpx
import pytest

from alfred_dev.access import Client, Limits
from tests.gateway import doors
from tests.gateway.conftest import KEYS
from tests.gateway.doors import GENEROUS, Door, host

Ask = Callable[[httpx.Client], httpx.Response]


def counted(
    door: Door, ask: Ask, times: int, *, source: str = "127.0.0.1"
) -> tuple[Counter[int], float]:
    """Ask ``times`` times from one address; return the statuses and the seconds it took."""
    began = time.monotonic()
    transport = httpx.HTTPTransport(verify=door.tls, local_address=source, http2=False)
    with httpx.Client(transport=transport, timeout=10) as client:
        found = Counter(ask(client).status_code for _ in range(times))
    return found, time.monotonic() - began


def fits(found: Counter[int], limit: int, seconds: float, good: int = 200) -> bool:
    """Whether as many passed as a bucket of ``limit`` a minute lets through in that time."""
    refilled = math.ceil(limit * seconds / 60) + 1
    return limit <= found[good] <= limit + refilled and set(found) <= {good, 429}


def test_a_client_address_has_1000_a_minute_and_others_have_their_own(tmp_path: Path) -> None:
    with doors.opened(tmp_path, limits=Limits()) as door:

        def ask(client: httpx.Client) -> httpx.Response:
            spoofed = {"X-Forwarded-For": f"10.0.0.{time.monotonic_ns() % 250}"}
            return door.get("ui", "/", client=client, headers=spoofed)

        found, seconds = counted(door, ask, 1200)
        assert fits(found, 1000, seconds), (found, seconds)
        other, seconds = counted(door, ask, 20, source="127.0.0.2")
        assert other == {200: 20}


def test_a_refusal_says_when_to_come_again(tmp_path: Path) -> None:
    with doors.opened(tmp_path, limits=Limits(ip=5)) as door:
        refused = ask_until_refused(door, lambda c: door.get("ui", "/", client=c))
        assert refused.headers["retry-after"] == "1"
        assert refused.headers["x-ratelimit-limit"].startswith("5")
        assert refused.json()["error"]["code"] == 429


def ask_until_refused(door: Door, ask: Ask) -> httpx.Response:
    with door.client() as client:
        for _ in range(2000):
            answer = ask(client)
            if answer.status_code == 429:
                return answer
    raise AssertionError("nothing was refused")


def test_log_in_has_60_a_minute_and_files_beside_it_do_not_count(tmp_path: Path) -> None:
    with doors.opened(tmp_path, limits=Limits()) as door:
        free = ("/.well-known/jwks.json", "/static/app.js", "/login/app.css", "/health", "/")
        for path in free:
            found, _ = counted(door, partial(page, door, path), 70)
            assert found == {200: 70}, path
        spellings = (
            "/login",
            "/Login",
            "/auth/login",
            "/oauth/token",
            "/consent",
            "//login",
            "/lo%67in",
        )
        done = 0

        def log_in(client: httpx.Client) -> httpx.Response:
            nonlocal done
            done += 1
            return door.request("POST", "auth", spellings[done % len(spellings)], client=client)

        found, seconds = counted(door, log_in, 120)
        assert fits(found, 60, seconds), (found, seconds)
    with doors.opened(tmp_path / "few", limits=Limits(auth=5)) as door:
        hidden, _ = counted(
            door, lambda c: door.request("POST", "auth", "/login/x.js", client=c), 70
        )
        assert hidden[429] > 0  # only what is read can be a file
        upper, _ = counted(
            door,
            lambda c: door.request(
                "POST", "auth", "/login", client=c, headers={"Host": host("AUTH")}
            ),
            70,
        )
        assert upper[429] > 0
        own_name, _ = counted(
            door, lambda c: door.request("POST", "auth-ui", "/login", client=c), 1
        )
        assert own_name == {429: 1}  # the same pages, the same bucket
        other, _ = counted(door, log_in, 4, source="127.0.0.3")
        assert other == {200: 4}


def test_each_user_and_each_program_has_a_limit_of_its_own(tmp_path: Path) -> None:
    limits = Limits(**{**as_dict(GENEROUS), "user": 30, "client": 50})
    with doors.opened(tmp_path, limits=limits, clients=KEYS) as door:
        for user in ("ann", "bob"):
            found, seconds = counted(door, partial(with_token, door, door.token(user)), 60)
            assert fits(found, 30, seconds), (user, found)
        for key in KEYS:
            found, seconds = counted(door, partial(with_key, door, key), 90)
            assert fits(found, 50, seconds), (key, found)
        assert door.get("ui", "/").status_code == 200


def test_all_together_have_a_limit(tmp_path: Path) -> None:
    limits = Limits(**{**as_dict(GENEROUS), "overall": 20})
    with doors.opened(tmp_path, limits=limits) as door:
        found, seconds = counted(door, lambda c: door.get("ui", "/", client=c), 80)
        more, again = counted(
            door, lambda c: door.get("admin", "/", client=c), 80, source="127.0.0.4"
        )
        both = found + more
        assert both[200] <= 20 + math.ceil(20 * (seconds + again + 1) / 60) + 1
        assert both[429] > 0


def test_guesses_at_a_token_count_too(tmp_path: Path) -> None:
    limits = Limits(**{**as_dict(GENEROUS), "ip": 50})
    with doors.opened(tmp_path, limits=limits) as door:
        found, seconds = counted(
            door, lambda c: door.get("api", "/agents/core/", token="a.b.c", client=c), 90
        )
        assert fits(found, 50, seconds, good=401), found


@pytest.mark.parametrize("hops", ["10.9.8.7", "1.1.1.1, 10.9.8.7"])
def test_only_a_tunnels_listener_believes_who_forwarded_and_one_hop(
    tmp_path: Path, hops: str
) -> None:
    with doors.opened(tmp_path, limits=Limits(**{**as_dict(GENEROUS), "ip": 40})):
        transport = httpx.HTTPTransport(uds=str(tmp_path / "run" / "gateway" / "tunnel.sock"))
        with httpx.Client(transport=transport, timeout=10) as client:

            def ask(forwarded: str, label: str = "ui", path: str = "/") -> httpx.Response:
                headers = {"Host": host(label), "X-Forwarded-For": forwarded}
                return client.get(f"http://tunnel{path}", headers=headers)

            began = time.monotonic()
            found = Counter(ask(f"{n}.2.3.4, {hops}").status_code for n in range(80))
            assert fits(found, 40, time.monotonic() - began)
            assert ask(f"{hops}, 10.1.1.1").status_code == 200
            assert ask("10.1.1.2", "api", "/agents/core/").status_code == 401
            for hidden in ("grafana", "prometheus", "mail", "admin", "auth", "db-postgres", ""):
                assert ask("10.1.1.3", hidden).status_code == 421, hidden


def page(door: Door, path: str, client: httpx.Client) -> httpx.Response:
    return door.get("auth", path, client=client)


def with_token(door: Door, token: str, client: httpx.Client) -> httpx.Response:
    return door.get("api", "/agents/core/", token=token, client=client)


def with_key(door: Door, key: Client, client: httpx.Client) -> httpx.Response:
    return door.get("api", "/agents/core/", headers={"x-api-key": key.key}, client=client)


def as_dict(limits: Limits) -> dict[str, int]:
    return {name: getattr(limits, name) for name in limits.__slots__}
