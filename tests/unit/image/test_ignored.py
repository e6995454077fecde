"""``.dockerignore`` as Docker's documentation explains it."""

from __future__ import annotations

from pathlib import Path

import pytest

from alfred_dev.image.contexts import fingerprint
from alfred_dev.image.ignored import ignored


@pytest.mark.parametrize(
    ("lines", "out", "kept"),
    [
        ("*/temp*", ["a/temporary.txt", "a/temp", "a/temp/x"], ["temp", "a/b/temporary.txt"]),
        ("*/*/temp*", ["a/b/temporary.txt"], ["a/temporary.txt"]),
        ("temp?", ["tempa", "tempb/x"], ["temp", "tempab", "a/tempa"]),
        ("**/*.go", ["x.go", "a/b/x.go"], ["x.gob"]),
        ("*.md\n!README.md", ["NEWS.md"], ["README.md", "docs/x.md"]),
        ("*.md\n!README*.md\nREADME-secret.md", ["README-secret.md"], ["README-a.md"]),
        ("# a comment\n\n/build/\n", ["build/x", "build"], ["a/build", "builds"]),
        ("a/**", ["a/x", "a/b/c"], ["b/a/x"]),
        ("[a-c].txt\nx[", ["b.txt"], ["d.txt", "y"]),
        ("*\n!src", ["x", "a/b"], ["src/x"]),
        ("a+b.(c)", ["a+b.(c)"], ["aab.c"]),
    ],
)
def test_what_is_left_out(lines: str, out: list[str], kept: list[str]) -> None:
    leaves_out = ignored(lines)
    assert [path for path in out if not leaves_out(path)] == []
    assert [path for path in kept if leaves_out(path)] == []


def test_a_file_that_no_image_is_made_of_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch")
    (tmp_path / ".dockerignore").write_text("*\n!src")
    (tmp_path / "src").mkdir()
    first = fingerprint(tmp_path)
    (tmp_path / "notes.txt").write_text("x")
    assert fingerprint(tmp_path) == first
    (tmp_path / "src" / "main.py").write_text("x")
    second = fingerprint(tmp_path)
    assert second != first
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCMD x")
    assert fingerprint(tmp_path) != second
