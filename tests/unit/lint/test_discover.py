"""Which files belong together, and that it is said."""

from __future__ import annotations

import pytest

from alfred_dev.lint import discover, reader
from tests.unit.lint.worlds import Memory

A = "services:\n  a: {image: 'a:1'}\n"
OVER = "services:\n  a: {environment: {A: b}}\n"
OTHER = "services:\n  z: {image: 'z:1'}\n"


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ({"compose.yaml": A, "docker-compose.yml": A},
         [("compose.yaml",), ("docker-compose.yml",)]),
        ({"compose.yaml": A, "compose.override.yaml": OVER},
         [("compose.yaml", "compose.override.yaml")]),
        ({"docker-compose.yml": A, "docker-compose.dev.yml": OVER},
         [("docker-compose.yml",), ("docker-compose.yml", "docker-compose.dev.yml")]),
        ({"docker-compose.yml": A, "docker-compose.tools.yml": OTHER},
         [("docker-compose.yml",), ("docker-compose.tools.yml",)]),
        ({"one.yml": A, "two.yml": OTHER, ".env": "COMPOSE_FILE=one.yml:two.yml\n"},
         [("one.yml", "two.yml")]),
        ({"compose.yaml": "include: [part.yaml]\n" + A, "part.yaml": OTHER}, [("compose.yaml",)]),
        ({"deploy/prod.yaml": A}, [("deploy/prod.yaml",)]),
        ({"k8s.yaml": "apiVersion: v1\nkind: List\nservices: {a: {image: b}}\n"}, []),
        ({"services.yaml": "ranges: {}\nservices:\n  a: {ports: [1]}\n"}, []),
        ({"node_modules/x/compose.yaml": A}, [("node_modules/x/compose.yaml",)]),
    ],
)  # fmt: skip
def test_files_are_taken_together(texts: dict[str, str], expected: list[tuple[str, ...]]) -> None:
    found = discover.groups(Memory(texts), ["."])
    assert [g.files for g in found] == expected
    assert all(g.why for g in found)


def test_a_named_overlay_is_laid_over_its_base() -> None:
    files = Memory({"docker-compose.yml": A, "docker-compose.dev.yml": OVER})
    (found,) = discover.groups(files, ["docker-compose.dev.yml"])
    assert found.files == ("docker-compose.yml", "docker-compose.dev.yml")


def test_a_value_keeps_its_own_file_and_line_through_a_merge() -> None:
    files = Memory({"compose.yaml": A, "compose.override.yaml": OVER})
    (project,) = reader.projects(files, ["."])
    service = project.services["a"]
    assert str(service.environment["A"].where) == "compose.override.yaml:2:21"
    assert service.image is not None
    assert str(service.image.where) == "compose.yaml:2:14"
