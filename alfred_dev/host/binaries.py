"""Real servers on this machine: found by name, never run here."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program that can be used: its absolute path, and its home folder if it has one."""

    path: str
    home: str = ""


def find(
    programs: Sequence[str],
    *,
    beside: Mapping[str, str],
    requires: Sequence[str] = (),
    home: Sequence[str] = (),
    path: str,
) -> Program | str:
    """Return the first of ``programs`` on ``path`` (as $PATH), or the reason why there is none.

    ``beside``: ``program: relative`` looks for ``relative`` from the real folder (symbolic links
    resolved) of another program on ``path``. ``requires``: programs that must be on ``path`` too.
    ``home``: folders, the first that exists is taken, one must.
    """
    found = _first(programs, beside, path)
    if found is None:
        return f"no {' or '.join(programs)} on PATH"
    for other in requires:
        if which(other, path) is None:
            return f"{found.name} was found, but {other} is not on PATH"
    folder = next((folder for folder in home if Path(folder).is_dir()), "")
    if home and not folder:
        return f"{found.name} was found, but its folder is not: {', '.join(home)}"
    return Program(path=str(found), home=folder)


def _first(programs: Sequence[str], beside: Mapping[str, str], path: str) -> Path | None:
    on_path = (which(program, path) for program in programs)
    return next((found for found in (*on_path, *_beside(beside, path)) if found), None)


def _beside(beside: Mapping[str, str], path: str) -> Iterator[Path | None]:
    for program, relative in beside.items():
        neighbour = which(program, path)
        if neighbour is not None:
            wanted = Path(os.path.normpath(neighbour.resolve().parent / relative))
            yield wanted if _is_program(wanted) else None


def which(program: str, path: str) -> Path | None:
    """Return ``program`` from the first folder of ``path`` that has it, as an executable file.

    Relative and empty entries are passed over: they would mean another program in every folder.
    """
    folders = (Path(entry) for entry in path.split(os.pathsep) if entry.startswith("/"))
    return next((folder / program for folder in folders if _is_program(folder / program)), None)


def _is_program(path: Path) -> bool:
    return os.access(path, os.X_OK) and path.is_file()
