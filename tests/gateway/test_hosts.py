"""What leads where: names, pages, versions, the redirect, and what is no name of ours."""

from __future__ import annotations

import httpx
import pytest

from alfred_dev import hostnames
from tests.gateway.conftest import ORIGIN
from tests.gateway.doors import DOMAIN, HTTP, HTTPS, Door, heard, host
from tests.worlds import catalog


@pytest.mark.parametrize("base", hostnames.domains(DOMAIN))
@pytest.mark.parametrize(
    ("label", "service"),
    [
        ("ui", "ui-chat"), ("admin", "ui-admin"), ("auth", "auth-ui"),
        ("grafana", "monitoring-dashboard"), ("prometheus", "monitoring-metrics"),
        ("mail", "mail-server"), ("ui-chat", "ui-chat"), ("mail-server", "mail-server"),
    ],
)  # fmt: skip
def test_a_name_leads_to_its_pages(door: Door, base: str, label: str, service: str) -> None:
    found = heard(door.get(f"{label}.{base}", "/a/page?x=1"))
    assert (found["service"], found["path"], found["query"]) == (service, "/a/page", "x=1")
    assert found["headers"]["host"] == f"{label}.{base}"


@pytest.mark.parametrize("name", [f"UI.{DOMAIN}", f"ui.{DOMAIN}.", f"Ui.{DOMAIN.upper()}:443"])
def test_a_name_is_one_however_it_is_spelt(door: Door, name: str) -> None:
    assert heard(door.get("ui", "/", headers={"Host": name}))["service"] == "ui-chat"


def test_a_page_hears_the_port_that_its_origin_has(door: Door) -> None:
    name = f"{host('ui')}:8443"
    headers = {"Host": name, "Origin": f"https://{host('ui')}"}
    assert heard(door.get("ui", "/", headers=headers))["headers"]["host"] == name


def test_every_route_of_the_catalog_leads_to_its_service(door: Door) -> None:
    for service in catalog().services.values():
        for path in service.routes:
            if path.endswith("/"):
                found = heard(door.get("api", f"{path}v1/x?y=1", token=door.token()))
                assert (found["service"], found["path"]) == (service.id, "/v1/x")
                bare = heard(door.get("api", path.rstrip("/"), token=door.token()))
                assert (bare["service"], bare["path"]) == (service.id, "/")


@pytest.mark.parametrize("path", ["/agents/corex/y", "/agents/", "/agents", "/Agents/core/", "/x"])
def test_a_path_of_nobody_is_not_found(door: Door, path: str) -> None:
    assert door.get("api", path, token=door.token()).status_code == 404


@pytest.mark.parametrize(
    "name", ["evil.example", f"x.{DOMAIN}", f"{DOMAIN}.evil.example", "10.0.0.1"]
)
def test_a_name_that_is_not_ours_is_misdirected(door: Door, name: str) -> None:
    answer = door.get("ui", "/", headers={"Host": name})
    assert answer.status_code == 421
    assert answer.json()["error"]["message"] == "this is no name of ours"


def test_two_hosts_are_refused(door: Door) -> None:
    for second in (host("ui"), host("api")):
        request = f"GET / HTTP/1.1\r\nHost: {host('ui')}\r\nHost: {second}\r\n\r\n"
        status = door.raw(request.encode()).split(b"\r\n")[0]
        assert b" 400 " in status or b" 421 " in status


def test_without_a_host_nothing_is_answered(door: Door) -> None:
    assert b" 400 " in door.raw(b"GET / HTTP/1.1\r\n\r\n").split(b"\r\n")[0]


def test_the_host_of_an_absolute_target_counts(door: Door) -> None:
    request = f"GET https://{host('api')}/agents/core/ HTTP/1.1\r\nHost: {host('ui')}\r\n\r\n"
    assert b" 401 " in door.raw(request.encode()).split(b"\r\n")[0]


def test_the_domain_leads_to_the_user_interface_while_there_is_no_dashboard(door: Door) -> None:
    answer = door.get("", "/x?y=1")
    assert answer.status_code == 307
    assert answer.headers["location"] == f"https://{host('ui')}/x?y=1"


def test_by_number_the_gateway_says_that_it_is_well_and_its_name(door: Door) -> None:
    with door.client() as client:
        base = f"https://127.0.0.1:{door.ports[HTTPS]}"
        well = client.get(f"{base}/health")
        assert (well.status_code, well.json()["status"]) == (200, "ok")
        assert client.get(f"{base}/x").headers["location"] == f"https://{DOMAIN}/x"


@pytest.mark.parametrize("name", [host("ui"), host("api"), DOMAIN, "ui.alfred.localhost"])
def test_plain_http_is_sent_to_the_same_page_by_tls(door: Door, name: str) -> None:
    url = f"http://127.0.0.1:{door.ports[HTTP]}/a?b=1"
    answer = httpx.post(url, headers={"Host": f"{name}:80"}, trust_env=False)
    assert answer.status_code == 308
    assert answer.headers["location"] == f"https://{name}/a?b=1"
    assert answer.content == b""


def test_plain_http_sends_nobody_elsewhere(door: Door) -> None:
    url = f"http://127.0.0.1:{door.ports[HTTP]}/"
    assert httpx.get(url, headers={"Host": "evil.example"}, trust_env=False).status_code == 421


@pytest.mark.parametrize(
    ("version", "service"),
    [
        (None, "agent-core"), ("1", "agent-core"), ("1.2", "agent-core"), ("1.2.3", "agent-core"),
        ("2", "agent-rag"), ("2.0", "agent-rag"),
    ],
)  # fmt: skip
def test_a_header_picks_the_version(door: Door, version: str | None, service: str) -> None:
    headers = {"x-api-version": version} if version else {}
    answer = door.get("api", "/agents/core/x", token=door.token(), headers=headers)
    assert heard(answer)["service"] == service
    own = door.get("agent-core", "/x", token=door.token(), headers=headers)
    assert heard(own)["service"] == service


@pytest.mark.parametrize("version", ["3", "0", "", "v1", "1x", "11", "21", "2.", "1,2", "latest"])
def test_an_unknown_version_is_a_mistake_of_the_client(door: Door, version: str) -> None:
    for headers in ({}, {"accept": "text/event-stream"}):
        answer = door.get(
            "api", "/agents/core/x", token=door.token(),
            headers={"x-api-version": version, **headers},
        )  # fmt: skip
        assert answer.status_code == 400
        assert "known: 1, 2" in answer.json()["error"]["message"]


def test_another_service_has_its_own_versions(door: Door) -> None:
    headers = {"x-api-version": "2"}
    answer = door.get("api", "/agents/legal/", token=door.token(), headers=headers)
    assert answer.status_code == 400


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:3000"])
def test_a_page_of_another_site_may_not_call_our_pages(door: Door, origin: str) -> None:
    for label in ("ui", "prometheus", "mail", "auth", "grafana"):
        for method in ("GET", "POST"):
            answer = door.request(method, label, "/", headers={"Origin": origin})
            assert answer.status_code == 403, (label, method)


@pytest.mark.parametrize("origin", [f"https://{host('ui')}", "https://ui.alfred.localhost", ORIGIN])
def test_our_own_pages_and_partners_may(door: Door, origin: str) -> None:
    assert door.request("POST", "ui", "/", headers={"Origin": origin}).status_code == 200


def test_statistics_are_all_that_the_statistics_port_shows(door: Door) -> None:
    base = f"http://127.0.0.1:{door.ports[9901]}"
    found = httpx.get(f"{base}/stats/prometheus", trust_env=False)
    assert "envoy_cluster_upstream_rq_time_bucket" in found.text
    assert httpx.get(f"{base}/ready", trust_env=False).text.strip() == "LIVE"
    paths = (
        "/", "/config_dump", "/certs", "/stats", "/clusters", "/quitquitquit", "/logging",
        "/stats/prometheus/../../config_dump", "/ready/../config_dump", "//config_dump",
        "/stats/prometheus%2f..%2f..%2fconfig_dump", "/READY", "/help",
    )  # fmt: skip
    for path in paths:
        answer = httpx.get(f"{base}{path}", trust_env=False)
        assert answer.status_code in (400, 404), path
        assert httpx.post(f"{base}{path}", trust_env=False).status_code in (400, 404)
    assert httpx.post(f"{base}/ready", trust_env=False).status_code == 404


def test_the_sockets_are_for_this_user_alone(door: Door) -> None:
    for name in ("gateway/admin.sock", "gateway/tunnel.sock"):
        assert (door.folder / "run" / name).stat().st_mode & 0o777 == 0o600
