"""Golden trees: whole folders of rendered files, so a missing or an extra file fails too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from alfred_dev.access import Access, Certificate, Client
from alfred_dev.plan import EngineFacts, Facts, Found
from alfred_dev.render import compose, docker, process
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
ACCESS = Access(
    certificate=Certificate(chain="CHAIN", key="KEY"),
    loopback=Certificate(chain="LOOPBACK CHAIN", key="LOOPBACK KEY"),
    jwks='{"keys": []}',
    secret="gateway-secret",  # noqa: S106 - of a test
    clients=(Client(name="robot", role="admin", key="robot-key"),),
    origins=("http://localhost:5173",),
    versions={"agent-core": {"2": "agent-rag"}},
    addresses=("127.0.0.1", "::1"),
)
HELPERS = {**ENGINES, "gateway": "Envoy (test)", "identity": "ours (test)"}
CONTAINED = EngineFacts(unavailable={"envoyproxy/envoy:v1.40.0": "no such host"}, engines=HELPERS)
SITE = docker.Site(project="alfred-0", embedded="ours:1", layout=LAYOUT, user="1000:1000")
GATEWAY = "gateway/"
CASES: Mapping[str, Facts] = {
    "process-embedded": Facts(engines=ENGINES, code="code-1"),
    "process-binaries": Facts(engines=ENGINES, binaries=BINARIES, code="code-1"),
    "process-gateway": Facts(engines=HELPERS, code="code-1", access=ACCESS),
    "docker-gateway": Facts(engines=HELPERS, code="code-1", access=ACCESS, engine=CONTAINED),
}


def rendered(case: str) -> dict[str, str]:
    """Return path -> text of a case's rendered files; of the gateway's cases the gateway's."""
    planned = plan(CASES[case])
    if planned.runtime == "docker":
        found = docker.desired(planned, SITE)
        specs = {name: found.specs[name].to_json() for name in ("gateway", "identity")}
        written = {f"containers/{name}.json": text for name, text in specs.items()}
        # All but where the services are is the same in both runtimes.
        files = (a for a in found.artifacts if a.path == f"{GATEWAY}clusters.json")
        return {**written, **{a.path: _by_line(a.text) for a in files}}
    tree = {a.path: a.text for a in process.desired(planned, LAYOUT).artifacts}
    if planned.access is None:
        return tree
    return {path: _by_line(text) for path, text in tree.items() if path.startswith(GATEWAY)}


def _by_line(text: str) -> str:
    """Return JSON of one line so that a difference can be read."""
    return json.dumps(json.loads(text), indent=1) + "\n"


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
