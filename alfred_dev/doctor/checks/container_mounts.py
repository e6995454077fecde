"""A file that a container mounts is not there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from alfred_dev.doctor.look.engine import Container, Containers, containers
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given


def judge(seen: Containers, given: Given) -> Iterable[Finding]:
    """Find mounts of files that are gone; Docker makes a folder of that name."""
    users: dict[str, list[Container]] = {}
    for found in seen.ours:
        for path in found.lost_mounts:
            users.setdefault(path, []).append(found)
    for path, mounted_by in users.items():
        services = [c.service for c in mounted_by]
        more = f" and {len(services) - 1} more" if services[1:] else ""
        yield Finding(
            subject=services[0],
            about=frozenset({*services, path.removeprefix(f"{given.root}/")}),
            cause=f"{services[0]}{more} mount {path}, which is not there (or is a folder that "
            "Docker made in its place)",
            evidence=tuple(f"{c.name} mounts {path}" for c in mounted_by[:5]),
            fix=_fix(path, mounted_by),
        )


def _fix(path: str, mounted_by: Sequence[Container]) -> Fix:
    """What runs keeps the file that it was started with; what does not is made anew."""
    ended = " ".join(c.name for c in mounted_by if c.state != "running")
    clear = f"rmdir '{path}' 2>/dev/null" + (f"; docker rm --force {ended}" if ended else "")
    text = "Have the file written anew; data stays."
    return Fix(text=text, commands=(clear, "alfred-dev up"))


CHECK = Check(
    code="mount-missing",
    title="A mounted file is missing",
    category=Category.DOCKER,
    cause="a file below .alfred/render was deleted, or never written",
    fix="`alfred-dev up SERVICE`; remove the folder that Docker made in its place",
    rank=18,
    observe=containers,
    judge=judge,
)
