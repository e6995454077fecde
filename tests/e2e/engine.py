"""Checkouts that run in containers of a real engine, driven by the command line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alfred_dev.cli.containers import LOCK
from alfred_dev.engine.api import Engine as Api
from alfred_dev.engine.command import Docker
from alfred_dev.engine.endpoint import find
from alfred_dev.image.build import Builder
from alfred_dev.image.registry import BASE_IMAGE
from tests.e2e.checkout import Checkout
from tests.e2e.compose_cli import outside

KEPT = ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG")
IMAGE_TIMEOUT_S = 400


@dataclass(frozen=True)
class Engine:
    """An engine, as the docker command reaches it with ``variables``; ``inside``: what runs a
    command in the network that has its published ports."""

    variables: Mapping[str, str] = field(default_factory=dict)
    inside: Sequence[str] = ()

    @classmethod
    def of_this_machine(cls) -> Engine:
        return cls({key: os.environ[key] for key in KEPT if key in os.environ})

    def docker(self, *arguments: str, given: str | None = None, both: bool = False) -> str:
        """What a command that must succeed prints, on stderr too when ``both``."""
        done = self.try_docker(*arguments, given=given)
        assert done.returncode == 0, f"docker {arguments}: {done.stderr}"
        return (done.stdout + (done.stderr if both else "")).strip()

    def try_docker(
        self, *arguments: str, given: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["docker", *arguments],
            env={**os.environ, **self.variables},
            input=given or "",
            capture_output=True,
            text=True,
            timeout=IMAGE_TIMEOUT_S,
        )

    def why_not(self) -> str:
        """Why no containers can be run, nothing when they can."""
        if shutil.which("docker") is None:
            return "there is no docker command"
        if self.try_docker("version").returncode != 0:
            return "no Docker engine answers"
        version = self.try_docker("compose", "version", "--short").stdout
        return "" if version.strip() else "there is no Compose"

    def small(self, name: str, folder: Path) -> None:
        """Have an image of one program, /busybox, which is pushed and pulled in no time."""
        alone = ("run", "--rm", "--network", "none", "--user", "0", "--volume", f"{folder}:/out")
        self.docker(*alone, self.embedded, "busybox", "cp", "/usr/bin/busybox", "/out/busybox")
        with tarfile.open(folder / "small.tar", "w") as tar:
            tar.add(folder / "busybox", "busybox")
        self.docker("import", str(folder / "small.tar"), name)

    @property
    def embedded(self) -> str:
        """The image of ours that the code of now runs from: all of them are of the same age."""
        return self.builder(LOCK, BASE_IMAGE).name()

    def has_image(self, name: str) -> bool:
        return self.try_docker("image", "inspect", name).returncode == 0

    def second_names(self) -> list[str]:
        """Give our images names of somebody else, so that no test removes what others use."""
        made = self.builder(LOCK, BASE_IMAGE)
        names = {"alfred-tests:embedded": made.name(), "alfred-tests:base": made.base_name()}
        # Whoever uninstalled a checkout here may have taken one of them with it.
        there = [name for name, image in names.items() if self.has_image(image)]
        for name in there:
            self.docker("tag", names[name], name)
        return there

    def builder(self, lock: Path, base_image: str) -> Builder:
        place = find({**os.environ, **self.variables}, Path.home())
        return Builder(
            docker=Docker(endpoint=place), engine=Api(place), lock=lock,
            tell=lambda _: None, base_image=base_image,
        )  # fmt: skip


@dataclass(frozen=True)
class Contained(Checkout):
    """A checkout in the Docker runtime, in a slot that is free."""

    engine: Engine = field(default_factory=Engine)

    @classmethod
    def on(cls, engine: Engine, root: Path, text: str = "") -> Contained:
        root.mkdir(parents=True, exist_ok=True)
        (root / "alfred.yaml").write_text(text)
        ours = {"ALFRED_RUNTIME": "docker", "ALFRED_SLOT": "auto"}
        return cls(root, {**ours, **engine.variables}, engine)

    def command(self, *arguments: str) -> list[str]:
        # Another test may have moved this process into a network of its own.
        return [*(self.engine.inside or outside()), *super().command(*arguments)]

    def first(self, *arguments: str) -> None:
        """Run a command that may have to make the image."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.root,
            env=self.variables(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=IMAGE_TIMEOUT_S,
        )
        assert done.returncode == 0, f"{arguments}: {done.stderr}{done.stdout}"

    @property
    def project(self) -> str:
        from alfred_dev.workspace import Workspace

        return Workspace(self.root).project

    def labelled(self, kind: str) -> list[str]:
        """Names of the containers, networks or volumes of this checkout."""
        what = {"container": ["ps", "--all"], "network": ["network", "ls"]}.get(
            kind, ["volume", "ls"]
        )
        label = f"label=com.docker.compose.project={self.project}"
        form = "{{.Names}}" if kind == "container" else "{{.Name}}"
        return sorted(self.engine.docker(*what, "--filter", label, "--format", form).split())

    def container(self, service: str) -> str:
        return f"{self.project}-{service}-1"

    def inspect(self, service: str) -> Any:
        return json.loads(self.engine.docker("inspect", self.container(service)))[0]

    def ids(self) -> dict[str, str]:
        """Service -> the container's id."""
        return {name: self.engine.docker("inspect", "-f", "{{.Id}}", name) for name in
                self.labelled("container")}  # fmt: skip

    def port(self, service: str) -> int:
        return int(self.status(service)["endpoints"][0]["port"])

    def end(self) -> None:
        """End everything; nothing of this checkout may be left."""
        (self.root / "alfred.yaml").write_text("")
        done = self.run("down", "--volumes", "--yes")
        assert done.returncode == 0, done.stderr
        for kind in ("container", "network", "volume"):
            assert self.labelled(kind) == []
