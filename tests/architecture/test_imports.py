"""Which room may know which, and what pure code may not touch."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "alfred_dev"
FREE = {"errors", "__init__"}
# room -> the rooms it may import. What is not listed here is listed nowhere: see the last test.
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "garbage": set(),
    "access": set(),
    "catalog": {"access"},
    "secrecy": set(),
    "settings": {"secrecy"},
    "topology": {"catalog"},
    "host": set(),
    "hostnames": {"catalog"},
    "lock": {"workspace"},
    "logs": set(),
    "workspace": set(),
    "envtext": {"catalog", "settings"},
    "envfile": {"envtext", "settings", "workspace"},
    "slots": {"workspace"},
    "projectfile": {"catalog", "settings", "workspace"},
    "plan": {"access", "catalog", "settings"},
    "container_sources": {"plan", "catalog"},
    "process_sources": {"plan", "catalog"},
    "planner": {"plan", "catalog", "settings", "container_sources", "process_sources"},
    "probe": {"plan", "catalog", "secrecy", "settings"},
    "lint": {"catalog"},
    "identity": {"access", "workspace"},
    "embedded": {"catalog", "garbage", "topology", "identity", "probe", "plan", "settings"},
    "engine": set(),
    "image": {"engine", "workspace"},
    "runtime": {"plan", "host", "workspace", "engine"},
    "render": {
        "access", "envtext", "hostnames",
        "plan", "planner", "catalog", "settings", "embedded", "runtime", "workspace",
        "container_sources",
    },
    "ledger": {"workspace"},
    "changes": {"workspace"},
    "names": {"catalog", "changes", "ledger", "plan"},
    "pki": {"changes", "ledger", "lock", "settings", "workspace"},
    "setup": {"changes", "ledger", "names", "pki", "workspace"},
    "reconcile": {"plan", "runtime"},
    "status": {"plan", "probe", "runtime"},
    "failure": {"probe", "runtime", "settings", "status"},
    "gatekeeper": {"access", "catalog", "host", "identity", "workspace"},
    "facts": {"catalog", "embedded", "host", "plan", "workspace"},
    "consent": {"workspace"},
    "tunnel": {
        "catalog", "envtext", "host", "hostnames", "plan", "planner", "settings", "workspace",
    },
    "watch": {"plan", "probe", "runtime", "status", "failure"},
    "waves": {"catalog", "plan", "reconcile", "status"},
    "selection": {"plan", "workspace"},
    "portcheck": {"host", "plan", "runtime"},
    "stack": {"catalog", "plan", "runtime", "workspace"},
    "remarks": {"failure", "logs", "reconcile", "runtime", "stack", "status"},
    "lifecycle": {
        "catalog", "topology", "waves", "selection", "portcheck", "remarks", "stack",
        "watch",
        "plan", "probe", "runtime", "render", "host", "workspace", "reconcile", "status", "failure",
    },
    "doctor": {
        "catalog", "changes", "container_sources", "envtext", "envfile", "flow", "host", "ledger",
        "lifecycle", "logs", "names",
        "pki", "engine", "hostnames", "plan", "planner", "probe", "projectfile", "setup", "tunnel",
        "lint", "topology", "stack",
        "reconcile", "render", "runtime", "settings", "status", "workspace",
    },
    "flow": {"plan"},
    "dashboard": {
        "catalog", "embedded", "host", "hostnames", "lifecycle", "logs", "pki", "plan", "probe",
        "render", "report", "settings", "stack", "status", "tunnel", "workspace",
    },
    "initial_sql": {"probe"},
    "report": {
        "access", "identity",
        "doctor", "flow", "lint", "tunnel",
        "catalog", "plan", "status", "failure", "reconcile", "lifecycle", "settings", "host",
        "names", "pki", "setup",
    },
    "cli": {
        "access", "envtext", "gatekeeper", "identity", "selection", "stack", "remarks",
        "catalog", "settings", "plan", "planner", "lifecycle", "report", "workspace", "envfile",
        "facts", "lock", "slots", "projectfile", "logs", "runtime", "render", "embedded", "status",
        "host", "doctor", "hostnames", "ledger", "pki", "changes", "names", "setup",
        "engine", "image", "container_sources",
        "lint", "flow", "initial_sql", "probe",
        "consent", "tunnel", "dashboard",
    },
    "__main__": {"cli", "garbage"},
}  # fmt: skip
PURE = [
    "errors.py", "access.py", "catalog", "settings.py", "envtext.py", "plan.py", "planner.py",
    "secrecy.py",
    "container_sources.py", "process_sources.py", "render", "reconcile.py", "waves.py",
    "status.py", "hostnames.py", "failure.py", "logs.py", "runtime/base.py", "pki/certificates.py",
    "changes/model.py", "changes/block.py", "names/base.py",
    "tunnel/model.py", "tunnel/guard.py", "tunnel/signatures.py", "tunnel/faults.py",
    "tunnel/heads.py", "tunnel/health.py", "tunnel/joined.py", "tunnel/opening.py",
    "doctor/model.py", "doctor/triage.py", "doctor/seen.py", "doctor/words.py",
    "doctor/ailing.py", "doctor/checks", "doctor/scans",
    "flow/model.py", "flow/entry.py",
    "lint/rules", "lint/tree.py", "lint/interpolate.py", "lint/dotenv.py", "lint/normal.py",
    "lint/merge.py", "lint/ports.py", "lint/model.py", "lint/build.py", "lint/dockerfile.py",
    "lint/images.py", "lint/references.py", "lint/listen.py", "lint/judge.py", "lint/fix.py",
    "lint/platform.py",
    "dashboard/door.py", "dashboard/figures.py", "dashboard/exposition.py", "dashboard/picture.py",
    "dashboard/seen.py", "dashboard/stores.py",
]  # fmt: skip
EFFECTS = {
    "os", "subprocess", "socket", "asyncio", "time", "random", "secrets", "httpx", "docker",
    "psutil", "shutil", "tempfile",
}  # fmt: skip


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Yield line and module of every import in a file, wherever it stands."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def files(*names: str) -> list[Path]:
    roots = [PACKAGE / name for name in names]
    return sorted(p for root in roots for p in ([root] if root.is_file() else root.rglob("*.py")))


@pytest.mark.parametrize("path", files("."), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_room_imports_only_what_lies_before_it(path: Path) -> None:
    here = room(path)
    for line, module in imports(path):
        parts = module.split(".")
        if parts[0] != "alfred_dev" or len(parts) < 2:
            continue
        other = parts[1]
        known = (PACKAGE / other).is_dir() or (PACKAGE / f"{other}.py").is_file()
        if known and other not in FREE and other != here:
            assert other in MAY_IMPORT[here], (
                f"{path}:{line}: {here} must not know {other}: values flow one way, "
                "catalog -> plan -> render -> runtime -> probe -> status -> report -> cli"
            )


@pytest.mark.parametrize("path", files(*PURE), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_pure_code_has_no_effects(path: Path) -> None:
    for line, module in imports(path):
        assert module.split(".")[0] not in EFFECTS, (
            f"{path}:{line}: this room decides on values; effects ({module}) belong to an edge"
        )


def test_every_room_is_listed() -> None:
    assert {room(path) for path in files(".")} - {"__init__"} == set(MAY_IMPORT)


@pytest.mark.parametrize("argument", ["--version", "--help"])
def test_the_quick_commands_load_no_library_but_typer(argument: str) -> None:
    heavy = {
        "asyncio", "asyncpg", "cryptography", "dns", "docker", "grpc", "h2", "h11", "httpx",
        "prometheus_client", "psutil", "rich", "starlette", "supervisor", "uvicorn", "yaml",
    }  # fmt: skip
    code = (
        "import sys, atexit\n"
        "from alfred_dev.cli.main import main\n"
        f"sys.argv = ['alfred-dev', {argument!r}]\n"
        "atexit.register(lambda: print('LOADED', *sys.modules))\n"
        "main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    loaded = set(done.stdout.rpartition("LOADED ")[2].split())
    assert done.returncode == 0
    assert loaded & heavy == set()
