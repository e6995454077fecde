"""The command line of lint: formats, exit codes, baselines, fixes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BAD = """\
services:
  api:
    image: example/api:1.0
    depends_on: [cache]
    environment:
      CACHE_URL: redis://cache:6380
  cache:
    image: redis:latest
    ports: ['127.0.0.1:6380:6379']
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "compose.yaml").write_text(BAD)
    return tmp_path


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "alfred_dev", "lint", *arguments],
        cwd=folder, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def test_text_names_file_line_fix_and_exits_1(project: Path) -> None:
    done = run(project)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0] == (
        "compose.yaml:6:7: error: CACHE_URL of api: port 6380 of cache answers nobody: 6380 is its "
        "port on the host; inside of the network it is 6379 [url-port]"
    )
    assert lines[1] == "    fix: use port 6379"
    assert lines[-1] == (
        "1 error, 0 warnings, 1 info in 1 file, 2 services; "
        "1 can be mended: alfred-dev lint --fix PATH"
    )


def test_json_has_the_promised_fields(project: Path) -> None:
    done = run(project, "--json", "compose.yaml")
    document = json.loads(done.stdout)
    assert done.returncode == 1
    assert document["schema"] == "alfred-dev/lint/v1"
    assert document["ok"] is False
    assert document["files"] == ["compose.yaml"]
    first = document["findings"][0]
    expected = {"rule": "url-port", "severity": "error", "file": "compose.yaml", "line": 6,
                "service": "api", "fix": "use port 6379"}  # fmt: skip
    assert expected.items() <= first.items()
    assert "answers nobody" in first["message"]


def test_github_writes_annotations(project: Path) -> None:
    first = run(project, "--format", "github").stdout.splitlines()[0]
    assert first.startswith(
        "::error file=compose.yaml,line=6,col=7,title=url-port::CACHE_URL of api"
    )


def test_sarif_names_rules_and_places(project: Path) -> None:
    log = json.loads(run(project, "--format", "sarif").stdout)
    (only,) = log["runs"]
    assert log["version"] == "2.1.0"
    assert [r["ruleId"] for r in only["results"]] == ["url-port", "floating-tag"]
    known = {rule["id"] for rule in only["tool"]["driver"]["rules"]}
    assert {r["ruleId"] for r in only["results"]} <= known
    region = only["results"][0]["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 6, "startColumn": 7}


def test_a_baseline_keeps_old_sins_quiet(project: Path) -> None:
    assert run(project, "--write-baseline", "old.json").returncode == 0
    again = run(project, "--baseline", "old.json")
    assert (again.returncode, again.stdout) == (0, "nothing found in 1 file, 2 services\n")
    (project / "compose.yaml").write_text(BAD.replace("    depends_on: [cache]", "    port: [x]"))
    assert "unknown-key" in run(project, "--baseline", "old.json").stdout


def test_fix_shows_a_diff_and_writes_nothing_without_an_answer(project: Path) -> None:
    done = run(project, "--fix")
    assert (
        "-      CACHE_URL: redis://cache:6380\n+      CACHE_URL: redis://cache:6379\n"
        in done.stdout
    )
    assert (project / "compose.yaml").read_text() == BAD


def test_fix_with_yes_writes_and_is_done_again_without_harm(project: Path) -> None:
    assert run(project, "--fix", "--yes").returncode == 0
    assert run(project, "--fail-on", "error").returncode == 0
    assert (project / "compose.yaml").read_text() == BAD.replace("cache:6380", "cache:6379")
    assert run(project, "--fix", "--yes").stdout == ""


def test_fail_on_makes_less_fail(project: Path) -> None:
    (project / "compose.yaml").write_text(BAD.replace("cache:6380", "cache:6379"))
    assert run(project).returncode == 0
    assert run(project, "--fail-on", "info").returncode == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["gone.yaml"], "file-unreadable"),
        (["--only", "nonsense"], "usage"),
        (["--baseline", "gone.json"], "file-unreadable"),
        (["empty"], "no-compose-file"),
    ],
)
def test_wrong_usage_is_exit_2(project: Path, arguments: list[str], code: str) -> None:
    (project / "empty").mkdir()
    done = run(project, *arguments, "--json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["code"] == code


def test_it_says_which_files_it_took_together(project: Path) -> None:
    (project / "docker-compose.override.yaml").write_text("services:\n  api: {restart: always}\n")
    first = run(project).stdout.splitlines()[0]
    assert first == (
        "read compose.yaml + docker-compose.override.yaml "
        "(Compose lays docker-compose.override.yaml over compose.yaml by itself)"
    )


def test_values_of_secrets_are_never_repeated(project: Path) -> None:
    secret = "ghp_0123456789abcdefghijABCDEFGHIJ012345"
    (project / "compose.yaml").write_text(BAD + f"    environment: {{GITHUB_TOKEN: {secret}}}\n")
    for form in (["--json"], ["--format", "github"]):
        done = run(project, *form)
        assert "secret-in-file" in done.stdout
        assert secret not in done.stdout + done.stderr
