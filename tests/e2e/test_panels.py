"""No panel of Grafana is empty: every query, run against a Prometheus with real traffic."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from alfred_dev.render import dashboards
from alfred_dev.render.pace import Pace
from tests.e2e.checkout import Checkout

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("prometheus"), reason="needs prometheus"),
]
PACE = Pace(1)
PATIENCE_S = 90.0


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, own_ports: None) -> Iterator[Checkout]:
    root: Path = tmp_path_factory.mktemp("panels") / "project"
    made = Checkout.make(root, ALFRED_METRICS_INTERVAL=str(PACE.interval_s))
    made.ok("up")
    yield made
    made.run("down")
    assert made.pids() == []


def queries() -> dict[str, str]:
    """Return every query, by the panel that shows it."""
    boards = [json.loads(artifact.text) for artifact in dashboards.render(PACE)]
    return {
        f"{board['title']}: {panel['title']}: {target['legendFormat']}": target["expr"]
        for board in boards
        for panel in board["panels"]
        for target in panel["targets"]
    }


def answers(client: httpx.Client, query: str) -> bool:
    """Whether a query has an answer that is a number."""
    found = client.get("/api/v1/query", params={"query": query})
    assert found.status_code == 200, f"{query}: {found.text}"
    result = found.json()["data"]["result"]
    return any(row["value"][1] != "NaN" for row in result)


def test_no_panel_is_empty(stack: Checkout) -> None:
    empty = queries()
    end = time.monotonic() + PATIENCE_S
    with httpx.Client(base_url="http://127.0.0.1:9090", trust_env=False) as client:
        while empty and time.monotonic() < end:
            stack.ok("flow", "events", "-n", "5")
            empty = {name: query for name, query in empty.items() if not answers(client, query)}
    assert empty == {}
