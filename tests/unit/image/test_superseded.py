"""Which images are removed, and which never are."""

from __future__ import annotations

from typing import Any

from alfred_dev.engine.api import Engine
from alfred_dev.engine.command import Docker, Done
from alfred_dev.engine.endpoint import Endpoint
from alfred_dev.image.build import BASE, LABEL, REPOSITORY
from alfred_dev.image.superseded import Tidied, remove, unused

NOWHERE = Endpoint(url="unix:///nonexistent")


def image(*names: str, label: str = LABEL) -> dict[str, Any]:
    return {"Id": f"id-{names[0] if names else ''}", "RepoTags": [*names], "Labels": {label: "x"}}


def container(name: str) -> dict[str, Any]:
    return {"ImageID": f"id-{name}", "State": "exited"}


class Known(Engine):
    """An engine that has these images and containers."""

    def __init__(self, images: list[dict[str, Any]], containers: list[dict[str, Any]]) -> None:
        super().__init__(NOWHERE)
        self.found = {"/images/json": images, "/containers/json": containers}

    def get(self, path: str, **_: object) -> Any:
        return self.found[path]


class Removing(Docker):
    """Refuses to remove ``busy``; remembers what it removed."""

    def run(self, *arguments: str, **_: Any) -> Done:
        refused = arguments[-1].endswith(":busy")
        return Done(code=int(refused), out="", error="")


OLD, OLD_BASE, NEW = f"{REPOSITORY}:old", f"{BASE}:old", f"{REPOSITORY}:new"


def removed(
    images: list[dict[str, Any]], containers: list[dict[str, Any]], *old: str, kept: str = ""
) -> Tidied:
    return remove(Removing(endpoint=NOWHERE), Known(images, containers), old, kept={kept})


def test_what_was_started_from_before_is_removed_and_nothing_else() -> None:
    images = [image(OLD), image(OLD_BASE), image(NEW), image("mine:old")]
    assert removed(images, [container(NEW)], OLD, OLD_BASE) == Tidied(removed=(OLD_BASE, OLD))


def test_what_a_container_has_is_tried_again_and_what_is_gone_is_forgotten() -> None:
    images = [image(OLD), image(f"{BASE}:busy")]
    found = removed(images, [container(OLD)], OLD, f"{BASE}:busy", f"{BASE}:gone")
    assert found == Tidied(left=(f"{BASE}:busy", OLD))


def test_what_another_checkout_starts_from_is_its_own_to_remove() -> None:
    assert removed([image(OLD)], [], OLD, kept=OLD) == Tidied()


def test_an_image_with_a_name_or_without_a_label_of_ours_is_somebody_elses() -> None:
    theirs = [image(OLD, "registry.example/kept:1"), image(f"{BASE}:2", label="other"), image()]
    assert unused(theirs, []) == set()
