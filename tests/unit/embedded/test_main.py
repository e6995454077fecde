from __future__ import annotations

import os
import subprocess
import sys

import pytest

from alfred_dev.catalog.model import ProbeKind
from alfred_dev.embedded.spec import VARIABLE, EmbeddedSpec
from tests.servers import free_port
from tests.unit.embedded import running
from tests.unit.embedded.running import http, listener, spec_of


def run(arguments: list[str], document: str | None) -> tuple[int, str]:
    """Run the program to its end; return exit code and all that it said."""
    variables = {} if document is None else {VARIABLE: document}
    done = subprocess.run(
        [*running.command("x")[:-1], *arguments],
        cwd=running.ROOT, env={**os.environ, **variables}, capture_output=True, text=True,
        timeout=running.TIMEOUT_S,
    )  # fmt: skip
    assert done.stdout == ""
    return done.returncode, done.stderr


def unplayable(service: str, kind: ProbeKind, *, stands_in: bool) -> EmbeddedSpec:
    return spec_of(service, [listener(1, kind)], stands_in=stands_in)


@pytest.mark.parametrize(
    ("arguments", "document", "words"),
    [
        ([], "{}", "one service must be named"),
        (["a", "b"], "{}", "2 names were given"),
        (["agent-core"], None, "ALFRED_EMBEDDED cannot be used: it is not set"),
        (["agent-core"], "", "it is not JSON"),
        (["agent-core"], "[]", "is not an object"),
        (["agent-core"], "{}", "has no id"),
        (["agent-core"], spec_of("redis", [http(1)]).to_json(), "describes redis, not agent-core"),
        (["nobody"], spec_of("nobody", [http(1)], stands_in=False).to_json(), "unknown service"),
        (
            ["db-postgres"],
            unplayable("db-postgres", ProbeKind.POSTGRES, stands_in=True).to_json(),
            "no stand-in can play postgres",
        ),
    ],
)
def test_a_mistake_is_one_line_and_no_traceback(
    arguments: list[str], document: str | None, words: str
) -> None:
    code, said = run(arguments, document)
    assert words in said
    assert code == 2
    assert said.count("\n") == 1 and "Traceback" not in said


@pytest.mark.parametrize(
    ("api", "words"), [("stocks", "no stand-in plays the part stocks"), ("tasks", "no Postgres")]
)
def test_a_part_of_the_api_that_cannot_be_played_is_refused(api: str, words: str) -> None:
    code, lines = running.run_to_end(spec_of("agent-core", [http(free_port())], api=[api]))
    assert code == 2
    assert len(lines) == 1 and words in lines[0]


def test_a_platform_service_loads_no_more_than_it_needs() -> None:
    code = (
        "import sys\n"
        "from alfred_dev.embedded import play, serve, smtp, standin\n"
        "from alfred_dev.probe import http, postgres, redis\n"
        "print({'asyncpg', 'grpc', 'h2', 'httpx', 'prometheus_client', 'psutil', 'rich', 'typer',"
        " 'yaml'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr
