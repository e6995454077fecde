"""doctor, doctor trace, scan."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from alfred_dev.cli import options
from alfred_dev.errors import UsageError

if TYPE_CHECKING:
    from alfred_dev.doctor.mend import Done
    from alfred_dev.doctor.model import Check, Diagnosis
    from alfred_dev.doctor.scene import Scene


TRACE = "trace"


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(doctor)
    app.command()(scan)


def doctor(
    ctx: typer.Context,
    codes: Annotated[
        list[str] | None,
        typer.Argument(metavar="[CODE]...", help="Checks; default: all. Or: trace SERVICE."),
    ] = None,
    only: Annotated[
        str | None, typer.Option("--only", metavar="CATEGORY", help="Only checks of this group.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Only what takes no time.")] = False,
    fix: Annotated[
        bool, typer.Option("--fix", help="Do what is safe by itself, ask for the rest.")
    ] = False,
    yes: options.Yes = False,
    show: Annotated[bool, typer.Option("--list", help="List every check and end.")] = False,
    as_json: options.Json = False,
) -> None:
    """Find what is broken, why, and what to type. Exit 1 if anything is."""
    from alfred_dev.report import doctor as report

    if codes and codes[0] == TRACE:
        return _trace(ctx, codes[1:], as_json=as_json)
    checks = _chosen(codes or [], only, quick=quick)
    if show:
        return report.print_list(checks, as_json=as_json)
    scene = _scene(ctx, quick=quick)
    diagnosis = _diagnose(checks, scene)
    if fix:
        done = _mend(diagnosis, scene, yes=yes, as_json=as_json)
        report.print_done(done, as_json=as_json)
        diagnosis = _diagnose(checks, _scene(ctx, quick=quick))
    report.print_diagnosis(diagnosis, as_json=as_json)
    if not diagnosis.ok:
        raise typer.Exit(1)
    return None


def scan(ctx: typer.Context, as_json: options.Json = False) -> None:
    """Look at the stack as a stranger would: open ports, TLS, headers, passwords, file modes."""
    from alfred_dev.doctor import registry
    from alfred_dev.report import doctor as report

    scene = _scene(ctx, quick=False)
    if scene.given.problem is not None:
        raise scene.given.problem
    found = _diagnose(registry.scanning(), scene)
    report.print_scan(found, as_json=as_json)
    if not found.ok:
        raise typer.Exit(1)


def _trace(ctx: typer.Context, names: list[str], *, as_json: bool) -> None:
    import asyncio

    from alfred_dev.doctor.trace import trace
    from alfred_dev.plan import resolve_name
    from alfred_dev.report import doctor as report

    if len(names) != 1:
        raise UsageError("usage", "doctor trace takes one service", cause=f"found {len(names)}",
                         fix=["alfred-dev doctor trace agent-core"])  # fmt: skip
    scene = _scene(ctx, quick=False)
    if scene.given.problem is not None or scene.stack is None:
        raise scene.given.problem or UsageError("no-plan", "there is no plan", cause="unknown")
    found = asyncio.run(trace(scene, resolve_name(scene.stack.plan, names[0])))
    report.print_trace(found, as_json=as_json)
    if found.broken:
        raise typer.Exit(1)


def _diagnose(checks: tuple[Check, ...], scene: Scene) -> Diagnosis:
    import asyncio

    from alfred_dev.doctor.run import diagnose

    return asyncio.run(diagnose(checks, scene))


def _mend(diagnosis: Diagnosis, scene: Scene, *, yes: bool, as_json: bool) -> tuple[Done, ...]:
    from alfred_dev.doctor.mend import mend

    def ask(question: str) -> bool:
        if yes:
            return True
        if as_json or not sys.stdin.isatty() or "CI" in os.environ:
            return False
        return typer.confirm(question + "\nDo that?")

    return mend(diagnosis.causes, scene, ask=ask)


def _scene(ctx: typer.Context, *, quick: bool) -> Scene:
    from alfred_dev.cli import examine

    return examine.scene(ctx, quick=quick)


def _chosen(codes: list[str], only: str | None, *, quick: bool) -> tuple[Check, ...]:
    """Return the checks that were asked for. Raises UsageError."""
    from alfred_dev.catalog.schema import did_you_mean
    from alfred_dev.doctor import registry
    from alfred_dev.doctor.model import Category

    every = registry.every()
    known = [check.code for check in every]
    for code in codes:
        if code not in known:
            raise _unknown("check", code, did_you_mean(code, known))
    if only and only not in tuple(Category):
        raise _unknown("category", only, did_you_mean(only, [str(c) for c in Category]))
    return tuple(
        c
        for c in every
        if (not codes or c.code in codes)
        and (not only or c.category == only)
        and (not quick or c.quick)
    )


def _unknown(kind: str, name: str, hint: str) -> UsageError:
    return UsageError(
        f"unknown-{kind}",
        f"there is no {kind} {name}",
        cause=f"the doctor does not have it{hint}",
        fix=["alfred-dev doctor --list"],
    )
