"""The compose files of the project's own folder, as `alfred-dev lint` judges them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from alfred_dev.doctor.scene import Scene

RENDERED = ("render/compose.yaml", "render/compose/compose.yaml")
NAMES = ("compose*.y*ml", "docker-compose*.y*ml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """One error: ``place`` is file:line, ``service`` may be unknown."""

    place: str
    rule: str
    service: str | None
    message: str
    fix: str


async def compose_files(scene: Scene) -> tuple[Flaw, ...]:
    """Lint what stands in the project's folder, and what we rendered there; errors only."""
    if scene.workspace is None:
        return ()
    return await asyncio.to_thread(_flaws, scene, scene.workspace.root, scene.workspace.home)


def _flaws(scene: Scene, root: Path, home: Path) -> tuple[Flaw, ...]:
    from alfred_dev.lint.rule import Context, Severity
    from alfred_dev.lint.run import lint_paths

    paths = [str(p) for name in NAMES for p in sorted(root.glob(name)) if p.is_file()]
    paths += [str(home / name) for name in RENDERED if (home / name).is_file()]
    if not paths:
        return ()
    report = lint_paths(paths, context=Context(now=scene.given.now))
    return tuple(
        Flaw(
            place=f"{f.where.file}:{f.where.line}",
            rule=f.rule,
            service=f.service,
            message=f.message,
            fix=f.fix,
        )
        for f in report.findings
        if f.severity is Severity.ERROR
    )
