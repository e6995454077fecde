"""The committed lock files belong to pyproject.toml, and say nothing of where they were made."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import distributions

import pytest
from packaging.requirements import Requirement

from tests.e2e.bootstrap import CLONE


def pinned(name: str) -> dict[str, str]:
    """Return package -> version of a lock file."""
    lines = (CLONE / name).read_text().splitlines()
    matches = (re.match(r"([a-z0-9.-]+)(?:\[[^]]*\])?==(\S+)", line) for line in lines)
    return {match[1]: match[2] for match in matches if match}


def test_the_lock_files_fit_pyproject_and_each_other() -> None:
    project = tomllib.loads((CLONE / "pyproject.toml").read_text())["project"]
    runtime, dev = pinned("requirements.lock"), pinned("requirements-dev.lock")
    wanted = [(runtime, line) for line in project["dependencies"]]
    wanted += [(dev, line) for line in project["optional-dependencies"]["dev"]]
    for lock, line in wanted:
        requirement = Requirement(line)
        version = lock[re.sub(r"[-_.]+", "-", requirement.name).lower()]
        assert requirement.specifier.contains(version), f"{line}: locked at {version}"
    assert runtime.items() <= dev.items()


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_the_lock_files_name_no_place_and_hash_everything(name: str) -> None:
    text = (CLONE / name).read_text()
    assert not re.search(r"https?://|file:|--index|--find-links|@ ", text)
    packages = re.split(r"\n(?=\S)", text.strip())
    assert all("--hash=sha256:" in package for package in packages)


def test_an_extra_that_a_package_asks_for_is_pinned_by_its_own_name() -> None:
    """pip takes the newest release of "name[extra]" unless that is pinned, and then refuses it."""
    lock = (CLONE / "requirements-dev.lock").read_text()
    pins = re.findall(r"^([a-z0-9.-]+)(?:\[([^]]*)\])?==", lock, re.MULTILINE)
    held = {name: set(extras.split(",")) for name, extras in pins}
    asked = [Requirement(line) for found in distributions() for line in found.requires or ()]
    with_extras = [
        r for r in asked if r.extras and (r.marker is None or r.marker.evaluate({"extra": ""}))
    ]
    missing = {str(r) for r in with_extras if not r.extras <= held.get(r.name.lower(), r.extras)}
    assert with_extras, "no package here asks for an extra: nothing was compared"
    assert not missing
