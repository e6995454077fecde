"""Golden trees: whole folders of rendered files, so a missing or an extra file fails too."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from alfred_dev.plan import Facts, Found
from alfred_dev.render import compose, process
from alfred_dev.render.process import Layout
from tests.worlds import ENGINES, catalog, plan

HERE = Path(__file__).parent
COMPOSE = HERE.parents[1] / "compose"
LAYOUT = Layout(
    data="/project/.alfred/data", render="/project/.alfred/render", python="/venv/bin/python"
)
BINARIES = {
    "monitoring-metrics": Found(path="/usr/bin/prometheus", version="2.42.0"),
    "monitoring-dashboard": Found(path="/usr/sbin/grafana", home="/usr/share/grafana"),
    "vector-db": Found(path="/usr/bin/qdrant", version="1.15.5"),
    "pubsub-emulator": Found(path="/opt/pubsub-emulator/bin/cloud-pubsub-emulator"),
    "mail-server": Found(path="/usr/local/bin/mailpit", version="1.22.3"),
}
CASES: Mapping[str, Facts] = {
    "process-embedded": Facts(engines=ENGINES, code="code-1"),
    "process-binaries": Facts(engines=ENGINES, binaries=BINARIES, code="code-1"),
}


def rendered(case: str) -> dict[str, str]:
    """Return path -> text of a case's rendered files."""
    return {a.path: a.text for a in process.desired(plan(CASES[case]), LAYOUT).artifacts}


def composed() -> dict[str, str]:
    """Return path -> text of the default render, which stands in ``COMPOSE``."""
    return {a.path: a.text for a in compose.default(catalog())}


def read_tree(folder: Path) -> dict[str, str]:
    """Return path -> text of every file below ``folder``."""
    files = (p for p in sorted(folder.rglob("*")) if p.is_file())
    return {str(p.relative_to(folder)): p.read_text() for p in files}


def write_tree(folder: Path, tree: Mapping[str, str]) -> None:
    """Make ``folder`` hold exactly ``tree``."""
    for name in read_tree(folder).keys() - tree.keys():
        (folder / name).unlink()
    for name, text in tree.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
