"""Faults that nobody had in mind: what is seen of each, and the first line that is said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from alfred_dev.catalog import schema, unmerged
from alfred_dev.doctor import triage, words
from alfred_dev.doctor.checks import (
    container_network,
    cpu_busy,
    engine_refused,
    flow_broken,
    limit_inherited,
    login_refused,
    logs_lost,
    password_mismatch,
    port_public,
    runtime_other,
    service_ended,
    service_not_listening,
    service_silent,
    service_unready,
    volume_full,
)
from alfred_dev.doctor.look.busy import Busy, Hog, Strained
from alfred_dev.doctor.look.flows import Flows
from alfred_dev.doctor.look.inside import Listening
from alfred_dev.doctor.look.keeping import Keeping, understood
from alfred_dev.doctor.look.ports import _ports
from alfred_dev.doctor.look.secrets import Passwords, Refused
from alfred_dev.doctor.model import Finding, Fix, Outcome
from alfred_dev.doctor.model import State as Came
from alfred_dev.doctor.seen import Process, Services
from alfred_dev.envtext import parse_env_file
from alfred_dev.errors import ConfigError
from alfred_dev.flow.model import Broken
from alfred_dev.host.listeners import Listener
from alfred_dev.host.upkeep import Keeper
from alfred_dev.pki import store as pki_store
from alfred_dev.pki.certificates import Pair
from alfred_dev.plan import Source, SourceKind
from alfred_dev.probe.base import ProbeResult, Reason, ill
from alfred_dev.runtime.base import State
from alfred_dev.settings import Origin, Value
from tests import worlds
from tests.unit.doctor.scenes import given, judged, seen

CONFLICT = "a: 1\n<<<<<<< HEAD\nb: 1\n=======\nb: 2\n>>>>>>> main\n"


def yours(answer: ProbeResult, *listens: str) -> Services:
    """See agent-core as the developer's own process, which answers so."""
    look = seen(answers={"agent-core": answer}, processes={"agent-core": Process(listens=listens)})
    rows = []
    for row in look.rows:
        if row.id == "agent-core":
            source = Source(kind=SourceKind.HOST, detail="your own process on port 9911")
            service = replace(row.status.service, source=source)
            row = replace(row, status=replace(row.status, service=service))
        rows.append(row)
    return replace(look, rows=tuple(rows))


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("answers 400 Bad Request", "allowed hosts"),
        ("answers 401 Unauthorized: Not authenticated", "asks for credentials at /health"),
        ("answers 403 Forbidden", "forbids /health"),
        ("answers 404 Not Found: Not Found", "has no page /health"),
        ("answers 500 Internal Server Error: KeyError: 'X'", "KeyError: 'X'"),
    ],
)
def test_an_answer_that_is_about_the_question_says_so(answer: str, says: str) -> None:
    (found,) = judged(service_unready.CHECK, yours(ill(Reason.STATUS, answer)))
    assert says in found.cause
    assert not found.fix.commands, "nothing that can be typed restarts the developer's process"


def test_what_the_developer_runs_is_never_restarted_by_us() -> None:
    (found,) = judged(service_silent.CHECK, yours(ill(Reason.TIMEOUT, "no complete answer")))
    assert not found.fix.commands


def test_a_process_that_listens_elsewhere_is_named_with_the_place() -> None:
    refused = ill(Reason.REFUSED, "nothing listens")
    look = Listening(services=yours(refused, "::1:8011"))
    (found,) = judged(service_not_listening.CHECK, look)
    assert "it listens on ::1:8011, not on 127.0.0.1" in found.cause
    look = Listening(services=yours(refused))
    (found,) = judged(service_not_listening.CHECK, look)
    assert "nothing listens there" in found.cause


@pytest.mark.parametrize(
    ("detail", "repair", "command"),
    [
        ('role "postgres" is not permitted to log in', "set_password", "login-refused --fix"),
        ('pg_hba.conf rejects connection for host "127.0.0.1"', "", "sed -i '1i host all all"),
        ('database "postgres" is not currently accepting connections', "", "logs --tail 50"),
    ],
)
def test_a_refused_log_in_is_no_wrong_password(detail: str, repair: str, command: str) -> None:
    row = Refused(service="db-postgres", key="POSTGRES_PASSWORD", origin=Origin(".env", ".env:1"),
                  works="", open=False, detail=detail)  # fmt: skip
    look = Passwords(rows=(row,), services=seen())
    assert judged(password_mismatch.CHECK, look) == []
    (found,) = judged(login_refused.CHECK, look)
    assert detail in found.cause
    assert found.fix.repair == repair
    assert any(command in line for line in found.fix.commands)


def test_a_hog_that_is_ours_is_named_and_not_killed() -> None:
    busy = Busy(idle=0.0, waiting=7, processors=2, hogs=(Hog(pids=(7,), program="java", share=2),))
    (found,) = judged(cpu_busy.CHECK, Strained(busy=busy, ours={7: "pubsub-emulator"}))
    assert found.subject == "pubsub-emulator"
    assert not [line for line in found.fix.commands if line.startswith("kill")]


@pytest.mark.parametrize(
    ("detail", "reason"),
    [
        ('HTTP 503: {"error":{"code":"x","message":"no database: no tasks on fridays"}}',
         "no database: no tasks on fridays"),
        ('agent-rag: HTTP 503: {"error":{"code":"v","message":"vector-db: HTTP 400: {\\"status\\":'
         ' {\\"error\\": \\"Vector dimension error: expected dim: 3, got 64\\"}, \\"time\\": 0.',
         "Vector dimension error: expected dim: 3, got 64"),
        ("not seen within 4 s", "not seen within 4 s"),
    ],
)  # fmt: skip
def test_the_innermost_reason_stands_in_the_first_line(detail: str, reason: str) -> None:
    broken = Broken(hop="stored", service="agent-core", peer="db-postgres", detail=detail)
    (found,) = judged(flow_broken.CHECK, Flows(sent=True, broken=broken))
    assert found.cause.endswith(f"did not happen: {reason}")


LIMITS = """Limit                     Soft Limit           Hard Limit           Units
Max cpu time              unlimited            unlimited            seconds
Max file size             4096000              unlimited            bytes
Max address space         unlimited            unlimited            bytes
Max open files            1024                 1048576              files
"""


def test_limits_of_the_shell_are_the_cause_of_what_is_ill() -> None:
    limits = understood(LIMITS)
    assert limits == {"file size": 4096000, "open files": 1024}
    well = Keeping(pid=7, limits=limits, services=seen())
    (found,) = judged(limit_inherited.CHECK, well)
    assert (found.severity, found.fix.commands[0]) == ("warning", "ulimit -f unlimited")
    sick = replace(well, services=seen(states={"redis": State.FATAL}))
    (found,) = judged(limit_inherited.CHECK, sick)
    assert found.severity == "error"
    assert "redis" in found.about
    assert judged(limit_inherited.CHECK, replace(well, limits={"open files": 1024})) == []


def test_deleted_logs_are_opened_anew() -> None:
    look = Keeping(pid=7, deleted=("/p/.alfred/logs/redis.log",), services=seen())
    (found,) = judged(logs_lost.CHECK, look)
    assert found.fix.commands[-1] == "kill -USR2 7"
    assert judged(logs_lost.CHECK, Keeping(services=seen())) == []


def test_shared_memory_is_not_the_disk() -> None:
    said = 'FATAL:  could not resize shared memory segment "/x": No space left on device'
    look = seen(states={"db-postgres": State.FATAL}, said={"db-postgres": [said]})
    (found,) = judged(volume_full.CHECK, look)
    assert "/dev/shm" in found.cause
    assert "df -h /dev/shm" in found.fix.commands


def test_the_lines_that_tell_are_the_evidence() -> None:
    said = ["LOG:  terminated by signal 25: File size limit exceeded", "a", "b", "c"]
    assert words.telling(said, 2) == (said[0],)
    assert words.telling(["a", "b", "c"], 2) == ("b", "c")


def test_an_unfinished_merge_is_called_so() -> None:
    (problem,) = unmerged.markers(CONFLICT, "x")
    assert (problem.line, problem.message) == (2, unmerged.WHAT)
    assert unmerged.markers("title: |\n  ======= x\n", "x") == []
    document = schema.read(CONFLICT, schema.Flag("x"), file="alfred.yaml")
    assert [p.message for p in document.problems] == [unmerged.WHAT]
    with pytest.raises(ConfigError, match="unfinished merge"):
        parse_env_file(b"A=1\n<<<<<<< HEAD\nB=1\n=======\nB=2\n>>>>>>> main\n", file=".env")


def test_a_secret_stays_private_while_its_file_is_saved_anew() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_env_file("A=1\n".encode("utf-16"), file=".env")
    assert caught.value.fix[0].startswith("(umask 077; iconv")


@pytest.mark.parametrize(
    ("certificate", "key", "says"),
    [
        (b"-----BEGIN CERTIFICATE-----\nabc", b"x-----END", "its certificate was damaged (cut)"),
        (b"x-----END", b"-----BEGIN EC PRIVATE KEY-----\nab", "its key was damaged (cut)"),
        (b"x-----END", b"Proc-Type: 4,ENCRYPTED\nx-----END", "has a passphrase"),
        (b"x-----END", b"x-----END", "could not be read"),
    ],
)
def test_why_a_pair_cannot_be_read(
    certificate: bytes, key: bytes, says: str, tmp_path: Path
) -> None:
    assert says in pki_store.unreadable(Pair(certificate, key))


def test_ports_that_the_engine_publishes_elsewhere_are_one_finding() -> None:
    refused = ill(Reason.REFUSED, "nothing listens")
    look = seen(answers={"redis": refused, "agent-core": refused})
    inside = {"redis": (("0.0.0.0", 6379),), "agent-core": (("::", 8011),)}  # noqa: S104
    (found,) = judged(service_not_listening.CHECK, Listening(services=look, inside=inside))
    assert (found.subject, found.about) == ("engine", frozenset({"redis", "agent-core"}))
    inside["redis"] = (("127.0.0.1", 6379),)
    found = judged(service_not_listening.CHECK, Listening(services=look, inside=inside))[1]
    assert found.subject == "redis"


def test_one_listener_of_two_that_died_takes_a_restart_and_no_other_port() -> None:
    look = seen(answers={"vector-db": ill(Reason.RESET, "closed the connection")})
    inside = {"vector-db": (("0.0.0.0", 6333),)}  # noqa: S104
    (found,) = judged(service_not_listening.CHECK, Listening(services=look, inside=inside))
    assert "listens on some of its ports only" in found.cause
    assert "6334 (Qdrant vector DB gRPC) is closed, and 6333 is open" in found.cause
    assert found.fix.commands == ("alfred-dev restart vector-db",)


def test_a_container_that_the_engine_does_not_start_is_not_said_to_end_by_itself() -> None:
    said = "(iptables failed: iptables -t nat -A DOCKER: No chain/target/match by that name.)"
    look = seen(states={"redis": State.EXITED}, details={"redis": said})
    (found,) = judged(engine_refused.CHECK, look, given(sudo="sudo "))
    assert "rules in the firewall are gone" in found.cause
    assert found.fix.commands == ("sudo systemctl restart docker", "alfred-dev up")
    assert "engine-refused" in service_ended.CHECK.depends_on
    itself = seen(states={"redis": State.EXITED}, details={"redis": "exit status 1"})
    assert judged(engine_refused.CHECK, itself) == []


def test_who_is_started_over_is_not_said_to_refuse_others() -> None:
    said = ill(Reason.STATUS, "answers 503: x, waiting for redis: redis: nothing listens")
    look = seen(answers={"agent-rag": ill(Reason.STATUS, said.detail)})
    (found,) = judged(service_unready.CHECK, look)
    assert (found.subject, "not the services that need it" in found.cause) == ("redis", True)
    rows = tuple(
        replace(
            row, young=True,
            status=replace(row.status, running=replace(row.status.running, restarts=2)),
        ) if row.id == "redis" else row
        for row in look.rows
    )  # fmt: skip
    (found,) = judged(service_unready.CHECK, replace(look, rows=rows))
    assert "redis ends again and again (it was started over 2 times)" in found.cause


def test_a_runtime_that_is_asked_for_and_does_not_run_is_one_finding() -> None:
    plan = worlds.plan()
    for layer, fix in (("environment", ("unset ALFRED_RUNTIME",)),
                       (".env", ("alfred-dev down", "alfred-dev up"))):  # fmt: skip
        value = Value(text="docker", origin=Origin(layer))
        settings = replace(plan.settings, values={**plan.settings.values, "ALFRED_RUNTIME": value})
        other = given(plan=replace(plan, settings=settings))
        (found,) = judged(runtime_other.CHECK, seen(), other)
        assert (found.subject, found.fix.commands) == ("ALFRED_RUNTIME", fix)
        assert not judged(runtime_other.CHECK, seen(alive=False), other)
    assert not judged(runtime_other.CHECK, seen())


def test_our_own_listener_is_ours_and_no_conflict_whoever_keeps_it() -> None:
    look = seen(processes={"redis": Process(pids=(100,))})
    keeper = Keeper(pid=50, root="/p", gone=False)
    known, fresh = (
        Listener(address="0.0.0.0", port=6379, pid=pid, program="r", command="r", uid=0,  # noqa: S104
                 user="root", keeper=keeper)
        for pid in (100, 101)  # the second was started since
    )  # fmt: skip
    found = _ports([known, fresh], look, Path("/p"), inside=False)
    assert (found.ours, found.conflicts) == ((("redis", known),), ())
    assert [f.subject for f in judged(port_public.CHECK, found)] == ["redis"]
    foreign = _ports([fresh], look, Path("/other"), inside=False)
    assert [c.port for c in foreign.conflicts] == [6379]


def test_wrongpass_of_redis_is_a_wrong_password() -> None:
    said = "WRONGPASS invalid username-password pair or user is disabled."
    assert words.PASSWORD.search(said) and not words.LOGIN.search(said)


def test_many_busy_programs_are_told_and_hide_nothing() -> None:
    many = Busy(idle=0.0, waiting=9.0, processors=2, hogs=(Hog(pids=(1,), program="x", share=0.3),))
    (found,) = judged(cpu_busy.CHECK, Strained(busy=many, late=("redis",)))
    assert (found.severity, found.about) == (None, frozenset())
    assert judged(cpu_busy.CHECK, Strained(busy=many)) == []


def test_a_container_on_no_network_is_not_an_engine_that_runs_elsewhere() -> None:
    detached = Finding(subject="redis", cause="on no network", fix=Fix(text="x"))
    look = seen(answers={"redis": ill(Reason.REFUSED, "nothing listens")})
    lost = judged(
        service_not_listening.CHECK,
        Listening(services=look, inside={"redis": (("0.0.0.0", 6379),)}),  # noqa: S104
    )
    (only,) = triage.causes(
        [
            Outcome(check=check, state=Came.FOUND, findings=tuple(found))
            for check, found in (
                (container_network.CHECK, [detached]),
                (service_not_listening.CHECK, lost),
            )
        ],
        worlds.plan(),
    )
    assert only.finding is detached
