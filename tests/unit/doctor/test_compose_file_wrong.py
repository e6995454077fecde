"""The linter's errors are one finding of the doctor, a warning: the stack may run without."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from alfred_dev.doctor.checks.compose_file_wrong import CHECK
from alfred_dev.doctor.model import Finding, Given
from alfred_dev.doctor.scene import Scene
from alfred_dev.workspace import Workspace

BAD = "services:\n  a: {image: 'a:1', depends_on: [gone], networks: [gone]}\n"


def found(root: Path) -> list[Finding]:
    given = Given(root=str(root), plan=None)
    scene = Scene(given=given, workspace=Workspace(root), stack=None)

    async def look() -> object:
        return await CHECK.observe(scene)

    return list(CHECK.judge(asyncio.run(look()), given))


@pytest.mark.parametrize("text", [None, "services:\n  a: {image: 'a:latest', ports: ['80:80']}\n"])
def test_no_file_or_no_error_is_nothing(text: str | None, tmp_path: Path) -> None:
    if text:
        (tmp_path / "compose.yaml").write_text(text)
    assert found(tmp_path) == []


def test_errors_are_one_finding_with_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "docker-compose.yml").write_text(BAD)
    (finding,) = found(tmp_path)
    assert finding.evidence[0].startswith(f"{tmp_path}/docker-compose.yml:2: ")
    assert finding.cause.endswith("and 1 more")
    assert finding.fix.commands == (f"alfred-dev lint '{tmp_path}'",)
