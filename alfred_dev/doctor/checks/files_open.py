"""Others may read our secrets."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.files import File, Files, files
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given, Severity

SHOWN = 5


def judge(seen: Files, given: Given) -> Iterable[Finding]:
    """Find secrets with loose modes; what lies in a closed folder is not open."""
    loose = [f for f in seen.loose if not _covered(f, seen.loose, given)]
    if loose:
        names = [f.path.removeprefix(f"{given.root}/") for f in loose]
        quoted = " ".join(f"'{name}'" for name in names)
        yield Finding(
            subject=names[0],
            cause=f"others may read {', '.join(names[:SHOWN])} "
            f"(mode {loose[0].mode:04o}): passwords stand there",
            evidence=tuple(f"{f.path}: mode {f.mode:04o}" for f in loose[:SHOWN]),
            fix=Fix(
                text="Take the right from everybody else.",
                commands=(f"chmod go-rwx {quoted}",),
                automatic=True,
            ),
        )


def _covered(file: File, loose: Iterable[File], given: Given) -> bool:
    """Whether a folder above it is closed to others."""
    home = f"{given.root}/.alfred"
    return file.path.startswith(f"{home}/") and all(f.path != home for f in loose)


CHECK = Check(
    code="files-open",
    title="Others may read our secrets",
    category=Category.CONFIG,
    severity=Severity.WARNING,
    cause="a file was copied, or made by an editor, with a loose mode",
    fix="`chmod go-rwx FILE`",
    rank=54,
    needs_plan=False,
    observe=files,
    judge=judge,
)
