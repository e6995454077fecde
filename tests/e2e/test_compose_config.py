"""What Compose itself makes of the compose file. Needs no engine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from alfred_dev import envfile
from alfred_dev.catalog.project import load
from alfred_dev.embedded.spec import EmbeddedSpec
from alfred_dev.plan import Facts, Plan
from alfred_dev.planner import make
from alfred_dev.render import compose
from alfred_dev.settings import SETTINGS, url_quoted
from alfred_dev.workspace import Workspace
from tests.e2e.compose_cli import TIMEOUT_S, NotHereError, find
from tests.golden.trees import COMPOSE, write_tree
from tests.worlds import catalog, catalog_text, plan, settings

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("compose")]

# Nothing that a .env file in single quotes reads in two ways.
ODD = 'p@ss:/?#x "quoted" é $HOME ${X} % &'


@pytest.fixture(scope="module")
def program(request: pytest.FixtureRequest) -> list[str]:
    """The words that run Compose."""
    cache: Any = request.config.cache
    try:
        return find(Path(cache.mkdir("compose")))
    except NotHereError as error:
        pytest.skip(str(error))


class Project:
    """A folder with a compose file and the .env that ``up`` makes."""

    def __init__(self, root: Path, program: list[str], tree: Plan | None = None) -> None:
        self.root, self.program = root, program
        if tree is None:
            shutil.copytree(COMPOSE, root / "compose")
        else:
            artifacts = compose.render(tree, platform="/src/platform")
            write_tree(root / "compose", {a.path: a.text for a in artifacts})
        place = Workspace(root)
        place.env_file.touch()
        envfile.ensure(place, envfile.load(place, {}), tell=lambda _: None)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        files = ["--env-file", ".env", "-f", "compose/compose.yaml"]
        kept = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME")}
        return subprocess.run(
            [*self.program, *files, "config", *arguments],
            cwd=self.root, env=kept, capture_output=True, text=True, timeout=TIMEOUT_S,
        )  # fmt: skip

    def config(self) -> dict[str, Any]:
        done = self.run("--format", "json")
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found


def test_the_committed_file_is_sound_and_silent(tmp_path: Path, program: list[str]) -> None:
    done = Project(tmp_path, program).run("--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_without_its_secrets_it_says_what_to_type(tmp_path: Path, program: list[str]) -> None:
    project = Project(tmp_path, program)
    (tmp_path / ".env").write_text("")
    done = project.run("--quiet")
    assert done.returncode != 0
    assert "run alfred-dev up, it makes .env" in done.stderr


def test_compose_sees_the_plans_ports_and_network(tmp_path: Path, program: list[str]) -> None:
    found = Project(tmp_path, program).config()
    published = {
        (name, port["host_ip"], int(port["published"]), port["target"])
        for name, entry in found["services"].items()
        for port in entry["ports"]
    }
    expected = {(e.service, "127.0.0.1", e.port, e.container_port) for e in plan().endpoints}
    assert published == expected
    assert len(published) == 19
    assert {key: network["name"] for key, network in found["networks"].items()} == {
        "alfred-network": "alfred-network"
    }
    for name, entry in found["services"].items():
        aliases = (entry["networks"]["alfred-network"] or {}).get("aliases", [])
        assert aliases == list(catalog().services[name].aliases)
    assert found["name"] == "alfred"


def test_the_project_name_comes_from_the_env_file(tmp_path: Path, program: list[str]) -> None:
    (tmp_path / ".env").write_text("ALFRED_PROJECT_NAME=mine\n")
    named = Project(tmp_path, program).config()
    assert named["name"] == "mine"
    assert {v["name"] for v in named["volumes"].values()} >= {"mine_db-postgres", "mine_redis"}


def test_compose_reads_our_instructions_and_commands_as_we_meant_them(
    tmp_path: Path, program: list[str]
) -> None:
    found = Project(tmp_path, program).config()["services"]
    told = found["agent-core"]["environment"]["ALFRED_EMBEDDED"]
    assert EmbeddedSpec.from_json(told.replace("$$", "$")).id == "agent-core"
    # ``config`` writes a dollar twice, as a compose file must have it.
    command = found["redis"]["command"][2].replace("$$", "$")
    known = catalog().services["redis"].container.command[2]
    assert command == known.replace("{port}", "6379")


@pytest.mark.parametrize("password", ["plain-1", ODD])
def test_a_password_reaches_its_service_as_it_is_and_urls_encoded(
    password: str, tmp_path: Path, program: list[str]
) -> None:
    (tmp_path / ".env").write_text(f"POSTGRES_PASSWORD='{password}'\n")
    found = Project(tmp_path, program).config()["services"]
    own = found["db-postgres"]["environment"]["POSTGRES_PASSWORD"]
    assert own.replace("$$", "$") == password
    url = found["agent-core"]["environment"]["DATABASE_URL"]
    assert url == f"postgresql://postgres:{url_quoted(password)}@db-postgres:5432/postgres"


def test_a_project_with_a_checkout_in_another_slot_is_sound(
    tmp_path: Path, program: list[str]
) -> None:
    text = (
        "services: {model-router: {host_port: 18080}, redis: {from: embedded}, "
        "auth-ui: {env: {GREETING: 'cost: $5 ${HOME}'}}}"
    )
    known = {setting.key: setting.secret for setting in SETTINGS}
    merged = load(catalog_text(), text, source="services.yaml", known_settings=known)
    facts = Facts(engines={"redis": "9"})
    project = Project(tmp_path, program, make(merged.catalog, settings(), facts, slot=3))
    assert project.run("--quiet").stderr == ""
    found = project.config()
    assert found["networks"]["alfred-network"]["name"] == "alfred-network-3"
    assert found["services"]["auth-ui"]["environment"]["GREETING"] == "cost: $$5 $${HOME}"
    assert found["services"]["agent-core"]["extra_hosts"] == ["host.docker.internal=host-gateway"]
    assert found["services"]["agent-core"]["build"]["context"] == (
        "/src/platform/services/alfred-core"
    )
