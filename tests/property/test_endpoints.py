"""Whatever a project changes: what is told leads to a service that exists and listens there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from alfred_dev.catalog.project import load
from alfred_dev.plan import Facts, Plan
from alfred_dev.planner import make
from alfred_dev.render import compose, process
from alfred_dev.settings import SETTINGS
from tests.golden.trees import LAYOUT
from tests.worlds import ENGINES, SECRETS, catalog, catalog_text, settings

KNOWN = {setting.key: setting.secret for setting in SETTINGS}
SERVICES = tuple(catalog().services)
# The text of an address is all that counts here: credentials and expressions are taken out.
CREDENTIALS = re.compile(r"//[^@/]*@")
EXPRESSION = re.compile(r"\$\{[A-Z_]+(?::-\$\{[^}]*\})?[^}]*\}")
ADDRESS = re.compile(r"(?:^|//)([A-Za-z0-9.-]+):(\d+)(?:/|$)")


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Plans of projects that run services themselves, move ports, and live in any slot."""
    entries: dict[str, dict[str, Any]] = {}
    numbers = draw(st.lists(st.integers(20_000, 29_999), unique=True, min_size=16, max_size=16))
    for name in draw(st.lists(st.sampled_from(SERVICES), unique=True, max_size=4)):
        entries[name] = draw(
            st.sampled_from(
                [
                    {"host_port": numbers.pop()},
                    {"ports": [{"host": numbers.pop()}]},
                    {"ports": [{"host": numbers.pop(), "container": numbers.pop()}]},
                    {"from": "stand-in"},
                ]
            )
        )
    text = yaml.safe_dump({"services": entries})
    found = load(catalog_text(), text, source="services.yaml", known_settings=KNOWN)
    slot = draw(st.integers(0, 3))
    return make(found.catalog, settings(), Facts(engines=ENGINES), slot=slot)


def document(text: str) -> Any:
    """Read YAML, by libyaml where there is one: these tests read hundreds."""
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def addresses(environment: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    """Yield every host and port in the values of ``environment``."""
    for key, value in environment.items():
        plain = CREDENTIALS.sub("//", EXPRESSION.sub("x", value))
        if key not in ("ALFRED_EMBEDDED", "SMTP_HOST", "SMTP_PORT"):
            yield from ((host, int(port)) for host, port in ADDRESS.findall(plain))


@given(plans())
def test_what_a_process_is_told_is_a_port_of_the_plan(plan: Plan) -> None:
    ports = {endpoint.port for endpoint in plan.endpoints}
    environments = [spec.environment for spec in process.launch_specs(plan, LAYOUT).values()]
    for environment in [*environments, plan.endpoints_environment]:
        found = list(addresses(environment))
        assert all(host == "127.0.0.1" and port in ports for host, port in found), found


@given(plans())
def test_what_a_container_is_told_is_a_container_or_this_machine(plan: Plan) -> None:
    texts = {a.path: a.text for a in compose.render(plan)}
    services = document(texts["compose.yaml"])["services"]
    listening = {
        (name, int(port.rsplit(":", 1)[1]))
        for name, entry in services.items()
        for port in entry["ports"]
    }
    here = {(s.id, e.port) for s in plan.services if s.by_developer for e in s.endpoints}
    listening |= {("host.docker.internal", port) for _, port in here}
    for name, entry in services.items():
        found = set(addresses(entry.get("environment", {})))
        found -= {("0.0.0.0", int(p.rsplit(":", 1)[1])) for p in entry["ports"]}
        assert found <= listening, name
        reaches_here = any(host == "host.docker.internal" for host, _ in found)
        assert not reaches_here or "extra_hosts" in entry, name
    scraping = document(texts.get("prometheus/prometheus.yml", "{}"))
    jobs = scraping.get("scrape_configs", [])
    targets = {t for job in jobs for static in job["static_configs"] for t in static["targets"]}
    assert {(t.split(":")[0], int(t.split(":")[1])) for t in targets} <= listening


@given(plans())
def test_everything_is_published_on_loopback_once_and_without_a_secret(plan: Plan) -> None:
    artifacts = compose.render(plan)
    assert artifacts == compose.render(plan)
    services = document(artifacts[0].text)["services"]
    published = [port for entry in services.values() for port in entry["ports"]]
    expected = [e.port for s in plan.services if not s.by_developer for e in s.endpoints]
    assert sorted(int(p.split(":")[1]) for p in published) == sorted(expected)
    assert all(port.startswith("127.0.0.1:") for port in published)
    assert not any(s in a.text for a in artifacts for s in SECRETS.values())


def test_the_addresses_are_seen() -> None:
    """The properties above would hold for an empty reader too."""
    secret = "${POSTGRES_PASSWORD_URL:-${POSTGRES_PASSWORD:?run alfred-dev up, it makes .env}}"
    values = {"A": f"postgresql://postgres:{secret}@db:1/x", "B": "http://c:2", "C": "d:3"}
    assert list(addresses(values)) == [("db", 1), ("c", 2), ("d", 3)]
