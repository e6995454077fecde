"""Repairs that take more than a command: what no one else could type.

Each returns a line that says what was done, and raises AlfredError when it was not.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from alfred_dev import envfile
from alfred_dev.doctor.look.engine import compose_of
from alfred_dev.doctor.scene import Scene
from alfred_dev.envtext import with_values
from alfred_dev.errors import AlfredError, MachineError
from alfred_dev.plan import SourceKind
from alfred_dev.runtime.compose import ComposeRuntime
from alfred_dev.runtime.containers import service_of
from alfred_dev.settings import SETTINGS
from alfred_dev.workspace import Workspace, read_bytes, write

POSTGRES = "db-postgres"
KEY = "POSTGRES_PASSWORD"
REPASSWORD = (sys.executable, "-m", "alfred_dev.embedded.repassword")


def put_settings_back(scene: Scene) -> str:
    """Write missing secrets into .env as the services last had them."""
    place, stack = scene.workspace, scene.stack
    if place is None or stack is None:
        raise _cannot("there is no project here")
    empty = [s for s in SETTINGS if s.generated and not stack.plan.settings[s.key]]
    known = last_told(place)
    found = {s.key: known[s.key] for s in empty if s.key in known}
    lost = [s.key for s in empty if s.key not in known and s.guards]
    made = {s.key: envfile.random_secret() for s in empty if s.key not in known and not s.guards}
    if not found and not made:
        raise _cannot(f"nothing that ran here was told {', '.join(lost)}")
    old = read_bytes(place.env_file) or b""
    write(place.env_file, with_values(old, {**found, **made}))
    said = f"put back {', '.join(found)}" if found else ""
    said += f"{'; ' if said else ''}made {', '.join(made)}" if made else ""
    return said + (f"; not known any more: {', '.join(lost)}" if lost else "")


def last_told(place: Workspace) -> Mapping[str, str]:
    """Return the environment that services were last started with, all of them together."""
    found: dict[str, str] = {}
    for spec in _specs(place):
        environment = spec.get("environment") if isinstance(spec, dict) else None
        if isinstance(environment, dict):
            found |= {str(k): str(v) for k, v in environment.items()}
    return found


def _specs(place: Workspace) -> Iterator[dict[str, object]]:
    """Yield launch documents: first those rendered, then, which count more, those that run."""
    rendered = sorted(place.render.glob("services/*.json"))
    for path in (*rendered, *sorted(place.run.glob("started/*.json"))):
        document = _document(path)
        yield document.get("spec", document)
    for path in (place.render / "specs.json", place.run / "containers.json"):
        yield from _document(path).values()


def _document(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def set_password(scene: Scene) -> str:
    """Give the data of Postgres the password that we have; the service is restarted for it."""
    if scene.workspace is None or scene.stack is None:
        raise _cannot("there is no project here")
    password = scene.stack.plan.settings[KEY]
    compose = compose_of(scene.stack.runtime)
    if compose is not None and scene.stack.plan[POSTGRES].source.kind is not SourceKind.EMBEDDED:
        _by_socket(compose, password)
    else:
        _ours("stop", POSTGRES)
        problem = _inside(compose) if compose else _here(scene.workspace, password)
        if problem:
            raise _cannot(problem)
    _ours("up", *sorted(scene.given.selected))
    return f"{POSTGRES} has the password of {scene.stack.plan.settings.values[KEY].origin}"


def _here(place: Workspace, password: str) -> str:
    done = subprocess.run(
        [*REPASSWORD, str(place.data / POSTGRES)],
        env=_environment() | {KEY: password},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr.strip() if done.returncode else ""


def _inside(compose: ComposeRuntime) -> str:
    """Run the same in a container of the service's own, which has its volume and its variables."""
    said = "import json,os; print(json.loads(os.environ['ALFRED_EMBEDDED'])['data'])"
    script = f'exec python3 -m alfred_dev.embedded.repassword "$(python3 -c "{said}")"'
    command = ("run", "--rm", "--no-deps", "--no-TTY", POSTGRES, "sh", "-c", script)
    done = compose.compose(*command)
    return (done.error or done.out).strip()[-300:] if done.code else ""


def _by_socket(compose: ComposeRuntime, password: str) -> None:
    """The usual image lets its own user in by the socket without a password."""
    container = next(c for c in compose.listed() if service_of(c) == POSTGRES)
    command = ("exec", "--interactive", str(container["Id"]), "psql", "-U", "postgres", "-q")
    quoted = password.replace("'", "''")
    given = f"ALTER ROLE postgres PASSWORD '{quoted}';\n".encode()
    done = compose.docker.run(*command, given=given)
    if done.code:
        raise _cannot(done.error.strip().replace(password, "***"))


def _ours(*arguments: str) -> None:
    command = [sys.executable, "-m", "alfred_dev", *arguments]
    subprocess.run(command, env=_environment(), stdin=subprocess.DEVNULL, capture_output=True,
                   check=False)  # fmt: skip


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


def _cannot(cause: str) -> AlfredError:
    return MachineError("not-repaired", "that could not be repaired", cause=cause)


REPAIRS: Mapping[str, Callable[[Scene], str]] = {
    "put_settings_back": put_settings_back,
    "set_password": set_password,
}
