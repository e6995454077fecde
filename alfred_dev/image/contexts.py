"""Images of the platform's own checkout: built when their context changed, with BuildKit where
there is one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

from alfred_dev.engine.api import MISSING, Engine, EngineAnswerError
from alfred_dev.engine.command import Docker, last_lines
from alfred_dev.errors import AlfredError
from alfred_dev.image import ignored

LABEL = "dev.alfred.context"
PROJECT = "dev.alfred.project"
DOCKERFILE = "Dockerfile"
# What no image is made of, and what changes all the time.
SKIPPED = frozenset({".git", "__pycache__", "node_modules", ".venv", ".mypy_cache", ".ruff_cache"})

Tell = Callable[[str], None]


def why_not(context: Path) -> str:
    """Say why there is nothing to build in ``context``; nothing when there is."""
    if not context.is_dir():
        return f"there is no folder {context}"
    return "" if (context / DOCKERFILE).is_file() else f"{context} has no {DOCKERFILE}"


def fingerprint(context: Path) -> str:
    """Return what changes whenever a file of the context is saved, added or removed."""
    digest = hashlib.sha256()
    for path in _files(context, _left_out(context)):
        found = path.lstat()
        digest.update(
            f"{path.relative_to(context)}\0{found.st_size}\0{found.st_mtime_ns}\n".encode()
        )
    return digest.hexdigest()[:32]


def _left_out(context: Path) -> Callable[[Path], bool]:
    """Return what tells whether a file never reaches the engine; the Dockerfile always does."""
    try:
        named = ignored.ignored((context / ignored.FILE).read_text(errors="replace"))
    except OSError:  # there is none
        return lambda _: False
    needed = {DOCKERFILE, ignored.FILE}

    def left_out(path: Path) -> bool:
        relative = path.relative_to(context).as_posix()
        return relative not in needed and named(relative)

    return left_out


def _files(folder: Path, left_out: Callable[[Path], bool]) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name in SKIPPED:
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _files(path, left_out)
        elif not left_out(path):
            yield path


def ensure(
    docker: Docker,
    engine: Engine,
    name: str,
    context: Path,
    tell: Tell,
    *,
    anew: bool,
    project: str,
) -> None:
    """Have the image ``name`` of what ``context`` holds now. Raises AlfredError when it fails.

    Older ones of ``project``, which have lost their name to it, are removed where nothing uses
    them.
    """
    wanted = fingerprint(context)
    if not anew and _label(engine, name) == wanted:
        return
    tell(f"building {context.name} ({context})")
    kit = docker.run("buildx", "version").code == 0
    done = docker.run(
        "build", "--quiet", *(["--load"] if kit else []), *(["--no-cache"] if anew else []),
        "--tag", name, "--label", f"{LABEL}={wanted}", "--label", f"{PROJECT}={project}",
        str(context),
        variables={"DOCKER_BUILDKIT": "1" if kit else "0"},
    )  # fmt: skip
    if done.code != 0:
        raise AlfredError(
            "build-failed",
            f"the image of {context.name} cannot be built",
            cause=last_lines(done.error, 8),
            fix=[f"docker build '{context}'", "or: services.NAME.from: stand-in in alfred.yaml"],
            where=str(context / DOCKERFILE),
        )
    _prune(docker, project)


def _prune(docker: Docker, project: str) -> None:
    """Remove the nameless images of ``project`` that no container was made from."""
    filters = [f"label={LABEL}", f"label={PROJECT}={project}"]
    docker.run("image", "prune", "--force", *(w for f in filters for w in ("--filter", f)))


def remove_all(docker: Docker, engine: Engine, project: str, tell: Tell) -> None:
    """Remove what was built for ``project``; an image that a container has stays."""
    filters = {"label": [LABEL, f"{PROJECT}={project}"]}
    found = engine.get("/images/json", filters=filters)
    ours = [
        n for image in found for n in image.get("RepoTags") or () if n.startswith(f"{project}-")
    ]
    removed = [name for name in sorted(ours) if docker.run("image", "rm", name).code == 0]
    if removed:
        tell(f"removed what was built here: {', '.join(removed)}")
    _prune(docker, project)


def _label(engine: Engine, name: str) -> str:
    try:
        found = engine.get(f"/images/{name}/json")
    except EngineAnswerError as error:
        if error.status == MISSING:
            return ""
        raise
    return str((found["Config"].get("Labels") or {}).get(LABEL, ""))
