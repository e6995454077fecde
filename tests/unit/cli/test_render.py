"""render: what is ours is written and removed, what is not stays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alfred_dev.cli.render import apply, compare
from alfred_dev.errors import UsageError
from alfred_dev.render import compose
from alfred_dev.render.compose import HEADER
from alfred_dev.workspace import Artifact
from tests.e2e.checkout import Checkout
from tests.golden.trees import composed, read_tree
from tests.worlds import catalog

WANTED = compose.default(catalog())


def written(folder: Path) -> None:
    apply(folder, WANTED, compare(folder, WANTED))


def test_an_empty_folder_lacks_everything_and_then_nothing(tmp_path: Path) -> None:
    assert compare(tmp_path / "new", WANTED) == {a.path: "missing" for a in WANTED}
    written(tmp_path / "new")
    assert compare(tmp_path / "new", WANTED) == {}
    assert read_tree(tmp_path / "new") == composed()
    assert (tmp_path / "new" / "compose.yaml").stat().st_mode & 0o777 == 0o644


def test_a_changed_file_differs_and_is_written_anew(tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / "compose.yaml").write_text(HEADER + "services: {}\n")
    assert compare(tmp_path, WANTED) == {"compose.yaml": "differs"}
    written(tmp_path)
    assert compare(tmp_path, WANTED) == {}


def test_what_we_wrote_and_no_longer_do_is_removed(tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / "grafana" / "old.yaml").write_text(HEADER)
    (tmp_path / "grafana" / "mine.yaml").write_text("mine: true\n")
    (tmp_path / "compose.override.yaml").write_text("services: {}\n")
    assert compare(tmp_path, WANTED) == {"grafana/old.yaml": "left over"}
    written(tmp_path)
    assert not (tmp_path / "grafana" / "old.yaml").exists()
    assert (tmp_path / "grafana" / "mine.yaml").exists()
    assert (tmp_path / "compose.override.yaml").exists()


def test_somebody_elses_file_is_not_overwritten(tmp_path: Path) -> None:
    theirs = tmp_path / "compose.yaml"
    theirs.write_text("services: {}\n")
    with pytest.raises(UsageError) as caught:
        compare(tmp_path, [Artifact("compose.yaml", HEADER)])
    assert caught.value.code == "not-ours"
    assert theirs.read_text() == "services: {}\n"


def test_the_command_writes_compares_and_names_what_differs(tmp_path: Path) -> None:
    checkout = Checkout.make(tmp_path / "project")
    missing = checkout.run("render", "--check")
    assert missing.returncode == 1
    assert f"missing: {checkout.root}/compose/compose.yaml" in missing.stdout
    assert not (checkout.root / "compose").exists()
    assert checkout.run("render").returncode == 0
    assert read_tree(checkout.root / "compose") == composed()
    (checkout.root / "compose" / "prometheus" / "prometheus.yml").write_text(HEADER)
    differs = checkout.run("render", "--check", "--json")
    assert differs.returncode == 1
    said = json.loads(differs.stdout)
    assert (said["schema"], said["ok"]) == ("alfred-dev/render/v1", False)
    changed = {file["path"]: file["change"] for file in said["files"] if file["change"]}
    assert changed == {"prometheus/prometheus.yml": "differs"}


def test_a_projects_own_stack_goes_to_a_folder_of_its_choice(tmp_path: Path) -> None:
    checkout = Checkout.make(tmp_path / "project")
    usual = checkout.run("render", "--out", "same")
    assert usual.returncode == 0, usual.stderr
    assert read_tree(checkout.root / "same") == composed()
    (checkout.root / "alfred.yaml").write_text(
        "platform: ..\nservices: {redis: {host_port: 16379}, auth-ui: {image: 'me/ui:1'}}\n"
    )
    own = checkout.run("render", "--out", "own")
    assert own.returncode == 0, own.stderr
    text = (checkout.root / "own" / "compose.yaml").read_text()
    assert "host.docker.internal:16379" in text
    assert f"context: {tmp_path}/services/auth-ui" in text
    assert checkout.run("render", "--check", "--out", "own").returncode == 0
    assert checkout.run("render").returncode == 0
    assert read_tree(checkout.root / "compose") == composed()
