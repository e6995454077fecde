"""Grafana accepts the dashboards, and every query is one that Prometheus can parse."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from alfred_dev.render import alerts, dashboards, grafana
from alfred_dev.render.pace import Pace

BOARDS = [json.loads(artifact.text) for artifact in dashboards.render(Pace(), "made by a test")]


def panels() -> list[Any]:
    return [panel for board in BOARDS for panel in board["panels"]]


def test_what_grafana_refuses() -> None:
    uids = [board["uid"] for board in BOARDS]
    assert len(set(uids)) == len(uids)
    assert all(0 < len(uid) <= 40 and uid.replace("-", "").isalnum() for uid in uids)
    assert len({board["title"] for board in BOARDS}) == len(BOARDS)
    for board in BOARDS:
        assert board["schemaVersion"] == dashboards.SCHEMA_VERSION
        assert "id" not in board  # the database's own; a file must not claim one
        ids = [panel["id"] for panel in board["panels"]]
        assert len(set(ids)) == len(ids)


def test_panels_name_the_one_data_source_and_do_not_overlap() -> None:
    [source] = yaml.safe_load(grafana.render("http://p:9090", "/d", Pace())[0].text)["datasources"]
    for panel in panels():
        assert panel["datasource"]["uid"] == source["uid"]
        assert {t["datasource"]["uid"] for t in panel["targets"]} == {source["uid"]}
        assert panel["title"] and panel["description"]
        refs = [target["refId"] for target in panel["targets"]]
        assert len(set(refs)) == len(refs)
    for board in BOARDS:
        cells = [
            (x, y)
            for panel in board["panels"]
            for p in [panel["gridPos"]]
            for x in range(p["x"], p["x"] + p["w"])
            for y in range(p["y"], p["y"] + p["h"])
        ]
        assert len(set(cells)) == len(cells)
        assert max(x for x, _ in cells) < dashboards.COLUMNS


def test_recorded_series_that_are_shown_are_recorded() -> None:
    recorded = {recording.name for recording in alerts.RECORDINGS}
    shown = {
        word
        for panel in panels()
        for target in panel["targets"]
        for word in target["expr"].replace("(", " ").replace(")", " ").split()
        if word.startswith(("service:", "gateway:"))
    }
    assert shown and shown <= recorded


@pytest.mark.skipif(not shutil.which("promtool"), reason="needs prometheus (promtool)")
def test_prometheus_parses_every_query(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{number}", "expr": target["expr"]}
        for number, panel in enumerate(panels())
        for target in panel["targets"]
    ]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    done = subprocess.run(["promtool", "check", "rules", file], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
