"""Reads alfred.yaml and the catalog from disk. Refuses what is no honest configuration file."""

from __future__ import annotations

import functools
import importlib.resources
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

from alfred_dev.catalog import json_schema
from alfred_dev.catalog.model import Catalog
from alfred_dev.catalog.project import FILE, SCHEMA_PATH, Loaded, Project, load
from alfred_dev.errors import ConfigError, Problem, UsageError
from alfred_dev.settings import SETTINGS
from alfred_dev.workspace import Workspace, read_bytes, write

SOURCE = "alfred_dev/catalog/services.yaml"
MAX_BYTES = 1_000_000


def loaded(workspace: Workspace) -> Loaded:
    """Return catalog and project of a checkout. Raises ConfigError, UsageError."""
    return _load(read(workspace.root / FILE), functools.partial(_no_checkout, workspace.root))


def catalog() -> Catalog:
    """Return the catalog alone, as it is without any alfred.yaml."""
    return _load(None, lambda _: "").catalog


def _load(text: str | None, no_checkout: Callable[[str], str]) -> Loaded:
    services = importlib.resources.files("alfred_dev") / "catalog" / "services.yaml"
    return load(
        services.read_text(encoding="utf-8"),
        text,
        source=SOURCE,
        known_settings={setting.key: setting.secret for setting in SETTINGS},
        no_checkout=no_checkout,
    )


def read(path: Path) -> str | None:
    """Return the text of alfred.yaml, None when there is none. Raises UsageError, ConfigError."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode):
        raise _refused(path, "it is no regular file", [f"ls -l '{path}'"])
    if found.st_uid != os.getuid():
        cause = "it belongs to another user, and may name programs to run"
        raise _refused(path, cause, [f"sudo chown $(id -un) '{path}'   (when you trust it)"])
    if found.st_size > MAX_BYTES:
        cause = f"it has {found.st_size} bytes, more than {MAX_BYTES}"
        raise _refused(path, cause, [f"ls -l '{path}'"])
    data = read_bytes(path) or b""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        problem = Problem(FILE, line, 1, "this line is not UTF-8")
        raise ConfigError(f"{FILE} cannot be used", [problem]) from error


def write_schema(workspace: Workspace, catalog: Catalog) -> None:
    """Write the JSON Schema that alfred.yaml names, where editors look for it."""
    write(workspace.root / SCHEMA_PATH, (schema(catalog) + "\n").encode())


def schema(catalog: Catalog) -> str:
    """Return the JSON Schema of alfred.yaml; editors offer the services of ``catalog``."""
    services = {name: service.title for name, service in catalog.services.items()}
    settings = {setting.key: setting.about for setting in SETTINGS if not setting.secret}
    document = json_schema.document({"services": services, "settings": settings})
    return json.dumps(document, indent=1)


def platform(workspace: Workspace, project: Project) -> str | None:
    """Return the absolute folder of the platform's checkout, None when alfred.yaml names none."""
    if project.platform is None:
        return None
    return str((workspace.root / Path(project.platform).expanduser()).resolve())


def _refused(path: Path, cause: str, fix: list[str]) -> UsageError:
    return UsageError(
        "config-invalid", f"{FILE} is not read", cause=cause, fix=fix, where=str(path)
    )


def _no_checkout(root: Path, path: str) -> str:
    try:
        folder = (root / Path(path).expanduser()).resolve()
        return "" if folder.is_dir() else f"there is no folder {folder}"
    except (OSError, ValueError, RuntimeError):  # a NUL, a name too long, no such user
        return "there is no folder of that name"
