"""Compose's own ``config`` and our reader agree on what a project is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from alfred_dev.lint import reader
from alfred_dev.lint.discover import Group
from alfred_dev.lint.files import Disk
from alfred_dev.lint.model import Project, Service
from alfred_dev.lint.rule import Rule
from alfred_dev.lint.rules import rules
from tests.unit.lint import planting
from tests.unit.lint.worlds import files, lint

# Variables of the cases: whoever runs the tests must not set them.
VARIABLES = {"TAG", "PORT", "PLAIN", "BARE", "EMPTY", "NOT", "FAR", "COMMENT", "QUOTED"}
CASES = {
    "merge": """\
services:
  a:
    image: one:1
    command: [serve, a]
    environment: [A=1, B=2]
    ports: ["8080:80", "127.0.0.1:9000:9000"]
    volumes: ["data:/data", "./x:/x"]
    depends_on: [b]
    networks: [front]
  b: {image: 'b:1'}
networks: {front: {}, back: {}}
volumes: {data: {}, other: {}}
# --- over.yaml
services:
  a:
    image: two:2
    command: [serve, b]
    environment: {B: '3', C: 4}
    ports: ["8080:80", "7000:70"]
    volumes: ["other:/data", "./y:/y"]
    depends_on: {b: {condition: service_healthy}}
    networks: {back: {aliases: [z]}}
""",
    "reset": """\
services:
  a:
    image: one:1
    ports: ["8080:80"]
    environment: {A: '1', B: '2'}
    command: [x]
# --- over.yaml
services:
  a:
    ports: !override ["9090:90"]
    environment: !override {C: '3'}
    command: !reset null
""",
    "extends": """\
services:
  base:
    image: base:1
    environment: {A: '1', B: '2'}
    ports: ["8000:80"]
    volumes: ["./v:/v"]
  a:
    extends: base
    environment: {B: '3'}
    command: run me
  c:
    extends: {file: sub/other.yaml, service: far}
    environment: {D: '4'}
# --- sub/other.yaml
services:
  near:
    image: near:1
    environment: {N: '1'}
    volumes: ["./here:/here"]
  far:
    extends: near
    environment: {F: '${FAR:-far}'}
""",
    "include": """\
include:
  - sub/one.yaml
  - path: [sub/two.yaml]
    project_directory: .
services:
  a: {image: 'a:1', depends_on: [one, two]}
# --- sub/one.yaml
services:
  one: {image: 'one:${TAG:-9}', volumes: ['./d:/d']}
# --- sub/.env
TAG=7
# --- sub/two.yaml
services:
  two: {image: 'two:1', volumes: ['./d:/d']}
""",
    "anchors": """\
x-env: &env {A: '1', B: '2'}
x-all: &all
  restart: always
  environment:
    <<: *env
    C: '3'
services:
  a:
    <<: *all
    image: a:1
  b:
    <<: [*all, {image: 'b:1'}]
    environment:
      <<: *env
      B: '4'
""",
    "interpolation": """\
services:
  a:
    image: a:${TAG:-1}
    environment:
      PLAIN: ${PLAIN}
      BARE: $BARE
      DASH: ${EMPTY-d}
      COLON: ${EMPTY:-d}
      PLUS: ${PLAIN:+set}
      NESTED: ${NOT:-${PLAIN:-x}}
      DOLLAR: $$HOME
      LONE: x$ y$5
      UNSET: ${NOT}
      QUOTED: ${QUOTED}
      COMMENT: ${COMMENT}
    ports: ["${PORT:-8080}:80"]
# --- .env
PLAIN=plain
BARE=bare
EMPTY=
QUOTED="a # b"
COMMENT=value # a comment
export PORT='9191'
""",
    "env_file": """\
services:
  a:
    image: a:1
    env_file: [one.env, {path: gone.env, required: false}, two.env]
    environment: {B: own}
# --- one.env
A=1
B=2
# --- two.env
A=3
D=4
C="with ${D}"
""",
    "ports": """\
services:
  a:
    image: a:1
    ports:
      - "80"
      - 8080:80
      - 127.0.0.1:8081:81
      - 127.0.0.1::82
      - 8090-8092:90-92
      - 53:53/udp
      - {target: 443, published: '8443', host_ip: 127.0.0.1}
      - '[::1]:8444:444'
""",
    "override": """\
services:
  a: {image: 'a:1', environment: {A: '1'}}
# --- compose.override.yaml
services:
  a: {environment: {A: '2'}, build: ./made}
# --- made/Dockerfile
FROM scratch
""",
}


def compose() -> list[str] | None:
    docker = shutil.which("docker")
    if docker is None:
        return None
    done = subprocess.run([docker, "compose", "version"], capture_output=True, check=False)
    return [docker, "compose"] if done.returncode == 0 else None


@pytest.fixture(scope="module")
def oracle() -> list[str]:
    found = compose()
    if found is None:
        pytest.skip("needs docker with its compose plugin (no engine)")
    return found


def asked(oracle: list[str], folder: Path, *arguments: str) -> Any:
    """Return what Compose makes of the project; dollars are doubled in its output."""
    outer = {k: v for k, v in os.environ.items() if k not in VARIABLES}
    done = subprocess.run(
        [*oracle, *arguments, "config", "--format", "json", "--no-path-resolution"],
        cwd=folder, capture_output=True, text=True, check=True, env=outer,
    )  # fmt: skip
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", CASES)
def test_a_case_is_read_as_compose_reads_it(
    name: str, oracle: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = files(CASES[name])
    write(tmp_path, written)
    over = ["over.yaml"] if "over.yaml" in written else []
    arguments = [a for f in ["compose.yaml", *over] for a in ("-f", f)] if over else []
    monkeypatch.chdir(tmp_path)
    if over:
        ours = reader.project(Disk(), Group(("compose.yaml", "over.yaml"), "named"))
    else:
        ours = reader.projects(Disk(), ["."])[0]
    compare(ours, asked(oracle, tmp_path, *arguments))


@pytest.mark.parametrize("seed", range(4))
def test_a_generated_project_is_read_as_compose_reads_it(
    seed: int, oracle: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = planting.valid(seed, 4)
    write(tmp_path, {**made, ".env": "POSTGRES_PASSWORD=a\nREDIS_PASSWORD=b\nRABBIT_PASSWORD=c\n"})
    monkeypatch.chdir(tmp_path)
    compare(reader.projects(Disk(), ["."])[0], asked(oracle, tmp_path))


def write(folder: Path, written: dict[str, str]) -> None:
    for path, text in written.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def compare(ours: Project, theirs: Any) -> None:
    assert ours.flaws == ()
    assert set(ours.services) == set(theirs["services"])
    for name, wanted in theirs["services"].items():
        service = ours.services[name]
        assert (service.image.value if service.image else None) == wanted.get("image"), name
        assert environment(service) == undoubled(wanted.get("environment") or {}), name
        assert ports(service) == their_ports(wanted), name
        assert command(service) == wanted.get("command"), name
        assert depends_on(service) == {
            k: v["condition"] for k, v in (wanted.get("depends_on") or {}).items()
        }, name
        assert set(service.networks) == set(wanted.get("networks") or {}), name
        assert mounts(service) == their_mounts(wanted), name


def environment(service: Service) -> dict[str, str]:
    return {k: v.value for k, v in service.environment.items() if v.text is not None}


def undoubled(values: dict[str, Any]) -> dict[str, str]:
    return {k: str(v).replace("$$", "$") for k, v in values.items() if v is not None}


def ports(service: Service) -> set[tuple[str, str, int, str]]:
    return {(p.host_ip, str(p.published or ""), p.target, p.protocol) for p in service.ports}


def their_ports(wanted: dict[str, Any]) -> set[tuple[str, str, int, str]]:
    return {
        (p.get("host_ip", ""), p.get("published", ""), p["target"], p["protocol"])
        for p in wanted.get("ports") or ()
    }


def command(service: Service) -> list[str] | None:
    return list(service.command.words) if service.command else None


def depends_on(service: Service) -> dict[str, str]:
    return {k: v.condition for k, v in service.depends_on.items()}


def mounts(service: Service) -> set[tuple[str, str]]:
    return {(m.path or m.source, m.target) for m in service.mounts}


def their_mounts(wanted: dict[str, Any]) -> set[tuple[str, str]]:
    return {
        (os.path.normpath(v.get("source", "")), v["target"]) for v in wanted.get("volumes") or ()
    }


REFUSED = {
    "duplicate key": "services:\n  a:\n    image: a\n    image: b\n",
    "tab": "services:\n\ta: {image: a}\n",
    "unknown key": "services:\n  a: {image: a, port: ['80:80']}\n",
    "unknown top key": "servces:\n  a: {image: a}\nservices: {}\n",
    "undefined network": "services:\n  a: {image: a, networks: [b]}\n",
    "undefined volume": "services:\n  a: {image: a, volumes: ['vol:/b']}\n",
    "undefined secret": "services:\n  a: {image: a, secrets: [b]}\n",
    "unknown dependency": "services:\n  a: {image: a, depends_on: [b]}\n",
    "circle": "services:\n  a: {image: a, depends_on: [b]}\n  b: {image: b, depends_on: [a]}\n",
    "no image": "services:\n  a: {environment: {A: b}}\n",
    "shell expansion": "services:\n  a: {image: a, environment: {A: '${B//c/d}'}}\n",
    "open brace": "services:\n  a: {image: a, environment: {A: '${B'}}\n",
    "empty mount": "services:\n  a: {image: a, volumes: ['${GONE}:/b']}\n",
    "empty port": "services:\n  a: {image: a, ports: ['${GONE}:${GONE}']}\n",
    "bad port": "services:\n  a: {image: a, ports: ['eighty:80']}\n",
    "extends nobody": "services:\n  a: {extends: b}\n",
    "extends itself": "services:\n  a: {extends: b}\n  b: {extends: a}\n",
    "extends no file": "services:\n  a: {extends: {file: gone.yaml, service: b}}\n",
    "include no file": "include: [gone.yaml]\nservices:\n  a: {image: a}\n",
    "env file": "services:\n  a: {image: a, env_file: [gone.list]}\n",
    "condition": "services:\n  a: {image: a, depends_on: {b: {condition: up}}}\n  b: {image: b}\n",
    "profile": "services:\n  a: {image: a, depends_on: [b]}\n  b: {image: b, profiles: [p]}\n",
    "ports map": "services:\n  a: {image: a, ports: {b: c}}\n",
    "merge": "services:\n  a:\n    <<: text\n    image: a\n",
}  # fmt: skip


def refused(oracle: list[str], folder: Path) -> bool:
    outer = {k: v for k, v in os.environ.items() if k not in VARIABLES}
    done = subprocess.run(
        [*oracle, "config", "--quiet"], cwd=folder, capture_output=True, check=False, env=outer
    )
    return done.returncode != 0


@pytest.mark.parametrize("name", REFUSED)
def test_what_compose_refuses_is_an_error(name: str, oracle: list[str], tmp_path: Path) -> None:
    write(tmp_path, files(REFUSED[name]))
    assert refused(oracle, tmp_path)
    assert "error" in {str(f.severity) for f in lint(REFUSED[name])}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.code)
def test_compose_accepts_what_the_rules_call_good(
    rule: Rule, oracle: list[str], tmp_path: Path
) -> None:
    written = files(rule.good)
    write(tmp_path, {".env": "PW=x\nTOKEN=x\n" + "".join(f"{n}=x\n" for n in NAMES), **written})
    assert not refused(oracle, tmp_path)


NAMES = ("POSTGRES_PASSWORD", "REDIS_PASSWORD", "API_TOKEN", "JWT_SECRET", "AWS_ACCESS_KEY_ID")
