"""The rules are what Prometheus accepts, and each alert fires for its cause and for no less."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from alfred_dev.plan import Facts
from alfred_dev.planner import make
from alfred_dev.render import alerts, prometheus
from alfred_dev.render.alerts import Severity
from alfred_dev.render.pace import Pace
from alfred_dev.settings import resolve
from tests.worlds import catalog

Series = dict[str, str]
SCRAPES = 60  # every 15 s: a quarter of an hour
CORE = 'service="agent-core",route="/v1/tasks",method="POST"'
promtool = pytest.mark.skipif(not shutil.which("promtool"), reason="needs prometheus (promtool)")


def counter(per_scrape: float, count: int = SCRAPES) -> str:
    return f"0+{per_scrape}x{count}"


def served(ok: float, failed: float, *, route: str = "/v1/tasks") -> Series:
    labels = f'service="agent-core",route="{route}",method="POST"'
    return {
        f'http_requests_total{{{labels},status="201"}}': counter(ok),
        f'http_requests_total{{{labels},status="500"}}': counter(failed),
    }


def timed(fast: float, slow: float) -> Series:
    """Return requests a scrape that took at most 0.1 s, and others that took 0.25 to 1 s."""
    bucket = f"http_request_duration_seconds_bucket{{{CORE}"
    return {
        **served(fast + slow, 0),
        f'{bucket},le="0.1"}}': counter(fast),
        f'{bucket},le="0.25"}}': counter(fast),
        f'{bucket},le="1.0"}}': counter(fast + slow),
        f'{bucket},le="+Inf"}}': counter(fast + slow),
    }


def limited(per_scrape: float) -> Series:
    return {"envoy_x_http_local_rate_limit_rate_limited": counter(per_scrape)}


DAY = 86_400
PROBE = 'alfred_probe_up{service="redis",port="6379"}'
EXPIRY = 'alfred_certificate_expiry_timestamp_seconds{name="gateway"}'
USE = 'alfred_resource_use_ratio{resource="disk"}'
# alert -> (what makes it fire, what is near but does not)
CASES: dict[str, tuple[Series, Series]] = {
    "ServiceUnavailable": ({PROBE: f"0x{SCRAPES}"}, {PROBE: f"1x{SCRAPES}"}),
    "HighErrorRate": (served(98, 2), served(995, 5)),
    "HighLatency": (timed(90, 10), timed(99, 1)),
    "CertificateExpiresSoon": (
        {EXPIRY: f"{10 * DAY}x{SCRAPES}"},
        {EXPIRY: f"{40 * DAY}x{SCRAPES}"},
    ),
    "ElevatedErrorRate": (served(995, 5), served(100_000, 50)),
    "ElevatedLatency": (timed(94.8, 5.2), timed(99, 1)),
    "UnusualTraffic": (
        {f'http_requests_total{{{CORE},status="201"}}': "0+5x740 3800+100x10"},
        {f'http_requests_total{{{CORE},status="201"}}': "0+5x760"},
    ),
    "ResourceUse": ({USE: f"0.9x{SCRAPES}"}, {USE: f"0.7x{SCRAPES}"}),
    "FailedAuthentications": (
        {"envoy_http_jwt_authn_denied": counter(2)},
        {"envoy_http_jwt_authn_denied": f"3x{SCRAPES}"},
    ),
    "RefusedByPolicy": (
        {"envoy_http_rbac_denied": counter(2)},
        {"envoy_http_rbac_denied": f"3x{SCRAPES}"},
    ),
    "RateLimited": (limited(1), limited(0)),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("prometheus")
    for artifact in prometheus.render(make(catalog(), resolve(()), Facts()), Pace()):
        (made / Path(artifact.path).name).write_text(artifact.text)
    return made


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["promtool", *arguments], cwd=folder, capture_output=True, text=True)


@promtool
def test_prometheus_accepts_configuration_and_rules(folder: Path) -> None:
    done = run(folder, "check", "config", "prometheus.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_case() -> None:
    assert sorted(CASES) == sorted(alerts.names())
    assert {alert.severity for alert in alerts.ALERTS} == set(Severity)


def fires(folder: Path, name: str, series: Series, *, expected: bool) -> Any:
    """Have promtool evaluate the rules over ``series``; compare which alerts fire at the end."""
    minutes = max(len(text.split()) and _scrapes(text) for text in series.values()) * 15 // 60
    case: dict[str, Any] = {
        "interval": "15s",
        "input_series": [{"series": s, "values": v} for s, v in series.items()],
        "promql_expr_test": [
            {
                "expr": f'count(ALERTS{{alertname="{name}",alertstate="firing"}}) or vector(0)',
                "eval_time": f"{minutes}m",
                "exp_samples": [{"labels": "{}", "value": int(expected)}],
            }
        ],
    }
    document = {"rule_files": ["rules.yml"], "evaluation_interval": "15s", "tests": [case]}
    file = folder / f"{name}-{expected}.test.yml"
    file.write_text(yaml.safe_dump(document))
    return run(folder, "test", "rules", file.name)


def _scrapes(values: str) -> int:
    return sum(int(part.rpartition("x")[2]) for part in values.split())


@promtool
@pytest.mark.parametrize("name", sorted(CASES))
@pytest.mark.parametrize("expected", [True, False], ids=["fires", "does-not"])
def test_each_alert_fires_for_its_cause(folder: Path, name: str, expected: bool) -> None:
    cause, near = CASES[name]
    done = fires(folder, name, cause if expected else near, expected=expected)
    assert done.returncode == 0, done.stdout + done.stderr


@promtool
def test_what_probes_ask_for_is_no_traffic(folder: Path) -> None:
    done = fires(folder, "HighErrorRate", served(0, 10, route="/health"), expected=False)
    assert done.returncode == 0, done.stdout + done.stderr
