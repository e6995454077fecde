"""render: the compose file, written or compared."""

from __future__ import annotations

import importlib.resources
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alfred_dev.cli import options
from alfred_dev.errors import UsageError
from alfred_dev.report.command import typed

if TYPE_CHECKING:
    from alfred_dev.workspace import Artifact

FOLDER = "compose"
# What rendered files may be called in the folder: nothing else is looked at.
PLACES = ("*.y*ml", "prometheus/*.y*ml", "grafana/**/*.y*ml", "grafana/**/*.json")
FILE_MODE = 0o644  # no secret is in it, and containers read it as other users


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(render)


def render(
    ctx: typer.Context,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Write this checkout's own stack to DIR."),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 when a file differs.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Write the compose file: by default that of the catalog alone, to compose/."""
    from alfred_dev.report import json as report_json

    folder, artifacts = _default() if out is None else (out, _own(ctx))
    changes = compare(folder, artifacts)
    if not check:
        apply(folder, artifacts, changes)
    ok = not (check and changes)
    if as_json:
        files = [{"path": path, "change": changes.get(path)} for path in _paths(artifacts, changes)]
        head = {"schema": report_json.schema("render"), "ok": ok, "folder": str(folder)}
        report_json.emit({**head, "checked": check, "files": files})
    else:
        _say(folder, changes, check=check, out=out)
    raise typer.Exit(0 if ok else 1)


def _default() -> tuple[Path, tuple[Artifact, ...]]:
    from alfred_dev.catalog.parse import parse
    from alfred_dev.cli import session
    from alfred_dev.projectfile import SOURCE
    from alfred_dev.render import compose

    shipped = importlib.resources.files("alfred_dev") / "catalog" / "services.yaml"
    catalog = parse(shipped.read_text(encoding="utf-8"), source=SOURCE)
    return session.workspace().root / FOLDER, compose.default(catalog)


def _own(ctx: typer.Context) -> tuple[Artifact, ...]:
    from alfred_dev import projectfile
    from alfred_dev.cli import session
    from alfred_dev.render import compose

    root = session.workspace().root
    named = projectfile.loaded(session.workspace()).project.platform
    platform = str((root / Path(named).expanduser()).resolve()) if named else None
    return compose.render(session.stack(ctx).plan, platform=platform)


def compare(folder: Path, artifacts: Iterable[Artifact]) -> dict[str, str]:
    """Return path -> ``missing``, ``differs`` or ``left over``, for what is not as rendered.

    A left-over is a file that begins as ours do and is rendered no more. Raises UsageError when
    a file stands in the way that is not ours.
    """
    from alfred_dev.workspace import read_bytes

    wanted = {artifact.path: artifact.text.encode() for artifact in artifacts}
    found = {path: read_bytes(folder / path) for path in wanted}
    for path, data in found.items():
        if data is not None and not _is_ours(data):
            raise _in_the_way(folder / path)
    changes = {path: "differs" for path, data in found.items() if data != wanted[path]}
    changes |= {path: "missing" for path, data in found.items() if data is None}
    changes |= {path: "left over" for path in _ours(folder) if path not in wanted}
    return dict(sorted(changes.items()))


def apply(folder: Path, artifacts: Iterable[Artifact], changes: Mapping[str, str]) -> None:
    """Make ``folder`` hold ``artifacts``; files that are not ours stay. Raises MachineError."""
    from alfred_dev.workspace import cannot_write, write

    for name, change in changes.items():
        if change == "left over":
            (folder / name).unlink(missing_ok=True)
    for artifact in artifacts:
        path = folder / artifact.path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(path, error) from error
        write(path, artifact.text.encode(), mode=FILE_MODE)


def _ours(folder: Path) -> list[str]:
    """Return the paths of all files in ``folder`` that we wrote."""
    files = (p for place in PLACES for p in sorted(folder.glob(place)) if p.is_file())
    return [str(path.relative_to(folder)) for path in files if _is_ours(path.read_bytes())]


def _is_ours(data: bytes) -> bool:
    from alfred_dev.render.compose import MARK

    return MARK.encode() in data[: 2 * len(MARK)]


def _in_the_way(path: Path) -> UsageError:
    return UsageError(
        "not-ours",
        f"{path.name} is not written",
        cause=f"{path} is there, and does not say that alfred-dev wrote it",
        fix=[f"mv '{path}' '{path}.old'", "or choose another folder: alfred-dev render --out DIR"],
        where=str(path),
    )


def _paths(artifacts: Iterable[Artifact], changes: Mapping[str, str]) -> list[str]:
    return sorted({*changes, *(artifact.path for artifact in artifacts)})


def _say(folder: Path, changes: Mapping[str, str], *, check: bool, out: Path | None) -> None:
    done = {"missing": "wrote", "differs": "wrote", "left over": "removed"}
    for path, change in changes.items():
        print(f"{change if check else done[change]}: {folder / path}")
    if check and changes:
        print(typed(f"to write them: alfred-dev render{f' --out {out}' if out else ''}"))
    elif not changes:
        print(f"{folder} is as rendered")
