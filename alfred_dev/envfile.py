"""``.env``: read with its siblings, and given random values for what is missing."""

from __future__ import annotations

import secrets
import stat
import string
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from alfred_dev import envtext
from alfred_dev.errors import UsageError
from alfred_dev.settings import (
    SETTINGS,
    Layer,
    Setting,
    Settings,
    resolve,
)
from alfred_dev.workspace import Workspace, cannot_write, read_bytes, write

ALPHABET = string.ascii_letters + string.digits  # safe in URLs, shells, YAML and .env alike
LENGTH = 32


def load(
    workspace: Workspace,
    environment: Mapping[str, str],
    env_file: Path | None = None,
    *,
    flags: Mapping[str, str] | None = None,
    project: Mapping[str, tuple[str, str | None]] | None = None,
) -> Settings:
    """Resolve the settings from every layer there is. Raises ConfigError, UsageError.

    ``flags``: from the command line, the strongest; ``project``: from alfred.yaml, the weakest.
    """
    layers = [
        Layer("flag", {k: (v, None) for k, v in (flags or {}).items()}),
        Layer("environment", {k: (v, None) for k, v in environment.items()}),
        *([_file_layer(env_file, "--env-file", required=True)] if env_file else []),
        _file_layer(workspace.root / ".env.local", ".env.local"),
        _file_layer(workspace.env_file, ".env"),
        Layer("alfred.yaml", project or {}),
    ]
    return resolve(layers)


def _file_layer(path: Path, name: str, *, required: bool = False) -> Layer:
    data = read_bytes(path)
    if data is None and required:
        raise UsageError(
            "file-unreadable",
            f"{path} cannot be read",
            cause="there is no such file",
            fix=[f"ls -l '{path.parent}'"],
        )
    return Layer(name, envtext.parse_env_file(data or b"", file=path.name))


def ensure(
    workspace: Workspace, settings: Settings, *, tell: Callable[[str], None]
) -> dict[str, str]:
    """Write a random value into ``.env`` for every generated setting that has none.

    Returns what was made. A key that is missing while data bound to it exists is an error: a new
    password would lock its owner out. Raises UsageError, MachineError.
    """
    _make_private(workspace.env_file, tell)
    made = {key: random_secret() for key in missing(workspace, settings)}
    old = read_bytes(workspace.env_file)
    filled = envtext.with_values(old or b"", made)
    new = envtext.with_url_twins(filled, file=workspace.env_file.name)
    if new != (old or b""):
        write(workspace.env_file, new)
    if not made:
        return {}
    verb = "wrote" if old is None else "added to"
    tell(f"{verb} .env: {', '.join(made)} (random, only you can read the file)")
    return made


def _make_private(path: Path, tell: Callable[[str], None]) -> None:
    """Take from everybody else the right to read ``.env``."""
    if path.is_file() and stat.S_IMODE(path.stat().st_mode) & 0o077:
        try:
            path.chmod(0o600)
        except OSError as error:
            raise cannot_write(path, error) from error
        tell("others could read .env: it is yours alone now")


def missing(workspace: Workspace, settings: Settings) -> tuple[str, ...]:
    """Return the generated settings without a value. UsageError when data is bound to one."""
    absent = [s for s in SETTINGS if s.generated and not settings[s.key]]
    bound = [s for s in absent if s.guards and _has_data(workspace, s.guards)]
    if bound:
        raise _missing_with_data(workspace, bound)
    return tuple(setting.key for setting in absent)


def random_secret() -> str:
    """Return a new password of 190 bits."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def _has_data(workspace: Workspace, service: str) -> bool:
    folder = workspace.data / service
    return folder.is_dir() and any(folder.iterdir())


def _missing_with_data(workspace: Workspace, bound: Sequence[Setting]) -> UsageError:
    keys = ", ".join(setting.key for setting in bound)
    verb = "is" if len(bound) == 1 else "are"
    services = ", ".join(str(setting.guards) for setting in bound)
    return UsageError(
        "key-missing",
        f"{keys} {verb} missing in .env",
        cause=f"the data of {services} was made with it; a new one would not open that data",
        fix=[
            f"put the old value back into {workspace.env_file}",
            "or delete the data and begin anew: alfred-dev down --volumes",
        ],
        where=str(workspace.env_file),
    )
