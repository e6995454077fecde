"""What is seen of a service, and which check names its cause: one row a kind of trouble."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from alfred_dev.doctor import registry, triage
from alfred_dev.doctor.checks import (
    data_access,
    data_other_version,
    module_missing,
    out_of_memory,
    program_unusable,
    service_restarting,
)
from alfred_dev.doctor.look.inside import Listening, listening, understood
from alfred_dev.doctor.look.services import earliest, services
from alfred_dev.doctor.model import Cause, Outcome, State
from alfred_dev.doctor.seen import Process, Services
from alfred_dev.plan import Source, SourceKind
from alfred_dev.probe.base import Reason, ill
from alfred_dev.runtime import base
from tests import worlds
from tests.unit.doctor.scenes import given, judged, seen

ON_SERVICES = [check for check in registry.every() if check.observe in (services, listening)]
Inside = Mapping[str, tuple[tuple[str, int], ...]]
FATAL, STOPPED = base.State.FATAL, base.State.STOPPED


def diagnosed(look: Services, inside: Inside | None = None, **known: Any) -> list[Cause]:
    outcomes = []
    for check in ON_SERVICES:
        asked = Listening(services=look, inside=inside or {})
        findings = tuple(
            judged(check, asked if check.observe is listening else look, given(**known))
        )
        state = State.FOUND if findings else State.OK
        outcomes.append(Outcome(check=check, state=state, findings=findings))
    return list(triage.causes(outcomes, given().plan))


def ended(name: str, *said: str, detail: str = "exit status 1") -> Services:
    return seen(states={name: FATAL}, details={name: detail}, said={name: said})


def test_a_healthy_stack_has_no_finding() -> None:
    assert diagnosed(seen()) == []


def test_nothing_was_started() -> None:
    found = diagnosed(seen(alive=False), ever_up=False)
    assert [(c.check.code, c.severity) for c in found] == [("stack-down", "info")]


def test_only_what_was_selected_counts() -> None:
    chosen = {"redis", "db-postgres"}
    others = {n: STOPPED for n in given().plan.ids if n not in chosen}  # type: ignore[union-attr]
    assert diagnosed(seen(states=others, selected=chosen)) == []


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("OSError: [Errno 98] Address already in use", "port-was-taken"),
        ("PANIC:  could not write: No space left on device", "volume-full"),
        ("FATAL: database files are incompatible with server", "data-other-version"),
        ("/d was written by PostgreSQL 14, and this is PostgreSQL 18", "data-other-version"),
        ('FATAL: could not open file "global/pg_control": No such file', "data-damaged"),
        ("Bad file format reading the append only file", "data-damaged"),
        ("others may enter /p/.alfred/data/db-postgres (mode 0755)", "data-access"),
        ("FATAL: data directory has wrong ownership", "data-access"),
        ("exec /app: exec format error", "program-unusable"),
        ("python: can't open file '/simple_bot.py': [Errno 2]", "program-unusable"),
        ("ModuleNotFoundError: No module named 'fastapi'", "module-missing"),
        ("KeyError: 'TELEGRAM_BOT_TOKEN'", "setting-refused"),
        ("ValueError: SLACK_BOT_TOKEN is empty", "setting-refused"),
        (
            "OSError: [Errno 13] error while attempting to bind: permission denied",
            "port-privileged",
        ),
        ("MemoryError", "out-of-memory"),
        ("OSError: [Errno 24] Too many open files", "too-many-open-files"),
        ("RuntimeError: can't start new thread", "too-many-threads"),
        ('FATAL: lock file "postmaster.pid" already exists', "data-locked"),
        ('database "alfred" does not exist', "database-object-missing"),
        ('could not translate host name "rediss" to address', "name-unknown"),
        ("/d/mails cannot be read: file is not a database", "data-damaged"),
        ("/d/edge/x cannot be read: Expecting value: line 1 column 1 (char 0)", "data-damaged"),
        ("something nobody has a pattern for", "service-ended"),
    ],
)
def test_the_last_words_say_why_it_ended(line: str, code: str) -> None:
    found = diagnosed(ended("db-postgres", "starting", line))
    assert [c.check.code for c in found] == [code]
    assert found[0].finding.subject == "db-postgres"
    assert line in found[0].finding.evidence


def test_what_waits_follows_from_what_ended() -> None:
    look = seen(
        states={"db-postgres": FATAL},
        details={"db-postgres": "exit status 1"},
        answers={name: ill(Reason.STATUS, "answers 503: waiting for db-postgres")
                 for name in ("model-registry", "model-router", "agent-core", "ui-chat")},
    )  # fmt: skip
    (only,) = diagnosed(look)
    assert (only.check.code, only.finding.subject) == ("service-ended", "db-postgres")
    assert "ui-chat: service-unready" in only.masks


def test_who_is_named_at_the_bottom_of_an_answer_is_the_cause() -> None:
    full = "redis: ERR max number of clients reached"
    look = seen(answers={
        "agent-rag": ill(Reason.STATUS, f"answers 503: {full}, waiting for redis"),
        "ui-admin": ill(Reason.STATUS, f"answers 503: agent-rag: answers 503: {full}, waiting"),
    })  # fmt: skip
    (only,) = diagnosed(look)
    assert (only.check.code, only.finding.subject) == ("service-unready", "redis")
    assert only.finding.about == {"agent-rag"}
    assert only.finding.cause.endswith("need it: ERR max number of clients reached")


def test_what_a_service_says_itself_mends_it() -> None:
    own = "it does not start: /d is odd; to mend it: move it: mv '/d/a b' '/d/a b.old'"
    (only,) = diagnosed(ended("redis", own))
    assert only.finding.fix.commands == ("mv '/d/a b' '/d/a b.old'", "alfred-dev up redis")
    said = "/d/mails cannot be read: not a database; to mend it: mv /d/mails /d/mails.broken, then"
    (only,) = diagnosed(ended("mail-server", said))
    assert only.finding.fix.commands[0] == "mv /d/mails /d/mails.broken"


def test_what_is_well_between_two_crashes_is_told() -> None:
    look = seen()
    rows = tuple(
        replace(r, status=replace(r.status, running=replace(r.status.running, restarts=5)))
        for r in look.rows if r.id == "redis"
    )  # fmt: skip
    (found,) = judged(service_restarting.CHECK, replace(look, rows=rows), given(now=60.0))
    assert (found.subject, found.severity) == ("redis", None)
    assert judged(service_restarting.CHECK, replace(look, rows=rows), given(now=9000.0)) == []
    assert judged(service_restarting.CHECK, look, given(now=60.0)) == []


def test_between_two_starts_it_has_ended() -> None:
    closed = seen(closed=["redis"], said={"redis": ["Bad file format reading the append only"]})
    row = closed["redis"]
    running = replace(row.status.running, restarts=2)
    young = replace(row, young=True, status=replace(row.status, running=running))
    assert young.ended and not young.runs
    assert not replace(young, young=False).ended


def test_only_the_last_two_starts_say_why_it_ended() -> None:
    often: dict[str, Any] = {"restarts": 4, "started_at": 100.0}
    assert earliest(base.Running(state=FATAL, started_at=100.0)) == 100.0
    assert earliest(base.Running(state=FATAL, started_before=97.5, **often)) == 97.5
    assert earliest(base.Running(state=FATAL, **often)) == 99.5  # an older fault is over
    assert earliest(base.Running(state=base.State.STARTING, **often)) == 40.0


def test_a_kill_is_told_from_a_crash_and_from_a_lack_of_memory() -> None:
    killed = {"redis": "terminated by SIGKILL"}
    look = seen(states={"redis": FATAL}, details=killed)
    assert "from outside" in diagnosed(look)[0].finding.cause
    look = seen(states={"redis": FATAL}, details=killed, oom_kills=1)
    assert diagnosed(look)[0].check.code == "out-of-memory"
    look = seen(states={"redis": FATAL}, details={"redis": "terminated by SIGSEGV"})
    assert "crashed" in diagnosed(look)[0].finding.cause


def test_a_frozen_service_is_not_merely_silent() -> None:
    look = seen(
        answers={"redis": ill(Reason.TIMEOUT, "no complete answer")},
        processes={"redis": Process(pids=(7,), frozen=(7,))},
    )
    (only,) = diagnosed(look)
    assert only.check.code == "service-frozen"
    assert only.finding.fix.commands == ("kill -CONT 7",)


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        (Reason.TIMEOUT, "service-silent"),
        (Reason.STATUS, "service-unready"),
        (Reason.RESET, "service-unready"),
        (Reason.PROTOCOL, "wrong-protocol"),
    ],
)
def test_the_way_a_port_answers_says_what_ails_it(reason: Reason, code: str) -> None:
    (only,) = diagnosed(seen(answers={"vector-db": ill(reason, "so it is")}))
    assert (only.check.code, only.finding.subject) == (code, "vector-db")


def test_a_service_that_listens_elsewhere() -> None:
    look = seen(
        closed={"monitoring-metrics"},
        processes={"monitoring-metrics": Process(pids=(9,), listens=("127.0.0.1:9097",))},
    )
    (only,) = diagnosed(look)
    assert only.check.code == "service-not-listening"
    assert "127.0.0.1:9097" in only.finding.cause


def test_a_lost_supervisor_is_one_finding() -> None:
    (only,) = diagnosed(seen(alive=False), ever_up=True)
    assert only.check.code == "supervisor-lost"
    (only,) = diagnosed(seen(trouble="the supervisor was killed; 3 of its services live on"))
    assert only.finding.fix.commands == ("alfred-dev up",)


def test_two_independent_faults_are_both_named() -> None:
    look = seen(
        states={"db-postgres": STOPPED},
        answers={
            "agent-core": ill(Reason.TIMEOUT, "no answer"),
            "model-registry": ill(Reason.STATUS, "waiting for db-postgres"),
        },
        processes={"agent-core": Process(pids=(5,), frozen=(5,))},
    )
    found = {(c.check.code, c.finding.subject) for c in diagnosed(look)}
    assert found == {("service-stopped", "db-postgres"), ("service-frozen", "agent-core")}


def test_what_changed_since_it_started_is_one_warning_for_all() -> None:
    drift = ("ALFRED_LOG_LEVEL changed",)
    (only,) = diagnosed(seen(drift={"agent-core": drift, "ui-chat": drift}))
    assert (only.check.code, only.severity) == ("settings-changed", "warning")
    assert "ui-chat" in only.finding.cause


@pytest.mark.parametrize(
    ("inside", "said"),
    [
        ((("127.0.0.1", 8501),), "agent-rag listens on 127.0.0.1:8501 inside its container, where"),
        ((("0.0.0.0", 9103),), "published as 8501: it listens on 0.0.0.0:9103 instead"),
        ((), "published as 8501: it listens nowhere"),
    ],
)
def test_the_engine_accepts_for_a_container_that_does_not_listen(
    inside: tuple[tuple[str, int], ...], said: str
) -> None:
    look = seen(answers={"agent-rag": ill(Reason.RESET, "closes the connection")})
    (only,) = diagnosed(look, {"agent-rag": inside})
    assert (only.check.code, only.finding.subject) == ("service-not-listening", "agent-rag")
    assert said in only.finding.cause


def test_a_container_that_listens_and_hangs_up_says_so_itself() -> None:
    look = seen(answers={"agent-rag": ill(Reason.RESET, "closes the connection")})
    (only,) = diagnosed(look, {"agent-rag": (("::", 8501),)})
    assert only.check.code == "service-unready"


def test_a_table_of_a_container() -> None:
    rest = "00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 21 1 0"
    head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid"
    table = "\n".join([head, f"   0: 0B00007F:B1D5 {rest}", f"   1: 0100007F:2135 {rest}", ""])
    assert understood(table) == (("127.0.0.1", 8501),)
    assert understood("OCI runtime exec failed: cat: not found") is None


def docker_given(look: Services, name: str, kind: SourceKind, path: str = "") -> tuple[Any, Any]:
    """The same service in a container, and what judges know there."""
    row = look[name]
    source = Source(kind=kind, detail=path, path=path)
    service = replace(row.status.service, source=source, contained=True)
    contained = replace(row, status=replace(row.status, service=service))
    plan = replace(worlds.plan(), runtime="docker")
    return replace(look, rows=(contained,)), given(plan=plan, project="alfred-1")


@pytest.mark.parametrize(
    ("line", "first"),
    [
        ("others may enter /v/d; chmod 700 '/v/d'", "chmod 700 '/v/d'"),
        ("it has wrong ownership; sudo chown -R 5 '/v/d'", "chown -R 5 '/v/d'"),
        ("written by PostgreSQL 14", "mv '/var/lib/alfred/db-postgres' "),
    ],
)
def test_data_in_a_volume_is_mended_there(line: str, first: str) -> None:
    look, known = docker_given(ended("db-postgres", line), "db-postgres", SourceKind.EMBEDDED)
    check = data_other_version.CHECK if "14" in line else data_access.CHECK
    (found,) = judged(check, look, known)
    name = "alfred-1-db-postgres-1"
    head = "docker run --rm --user 0 --entrypoint sh --volumes-from"
    image = f"$(docker inspect -f '{{{{.Image}}}}' {name})"
    assert found.fix.commands[0].startswith(f'{head} {name} {image} -c "{first}')


def test_what_an_image_cannot_run_is_done_without_it() -> None:
    look = ended("agent-rag", "exec: simple_bot.py: executable file not found in $PATH")
    look, known = docker_given(look, "agent-rag", SourceKind.IMAGE, "my/rag:1")
    (found,) = judged(program_unusable.CHECK, look, known)
    assert found.fix.commands == (
        "unset ALFRED_IMAGE_AGENT_RAG; sed -i '/^ALFRED_IMAGE_AGENT_RAG=/d' .env",
        "alfred-dev up agent-rag",
    )


def test_a_container_gets_its_own_limit_back() -> None:
    look = ended("redis", detail="killed for memory (its limit is 12 MB)")
    look, known = docker_given(look, "redis", SourceKind.EMBEDDED)
    (found,) = judged(out_of_memory.CHECK, look, known)
    assert found.fix.commands == ("docker rm --force alfred-1-redis-1", "alfred-dev up redis")


def test_a_module_that_our_image_lacks() -> None:
    look = ended("redis", "ModuleNotFoundError: No module named 'x'")
    look, known = docker_given(look, "redis", SourceKind.EMBEDDED)
    (found,) = judged(module_missing.CHECK, look, known)
    assert found.fix.commands == ("alfred-dev up --build",)


def test_a_port_that_moved_in_the_configuration_is_one_finding_and_up_mends_it() -> None:
    look = seen(
        answers={"redis": ill(Reason.REFUSED, "nothing listens on 127.0.0.1:6380")},
        processes={"redis": Process(pids=(9,), listens=("127.0.0.1:6379",))},
        drift={"redis": ("what it is told (ports) changed",)},
    )
    (only,) = diagnosed(look)
    assert only.check.code == "settings-changed"
    assert only.finding.fix.commands == ("alfred-dev up",)
    assert "redis: service-not-listening" in only.masks
