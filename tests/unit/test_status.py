"""What a snapshot and probes amount to."""

from __future__ import annotations

from alfred_dev.failure import FailureClass, explain, is_definite
from alfred_dev.plan import Request
from alfred_dev.planner import narrow
from alfred_dev.probe.base import ProbeResult, Reason
from alfred_dev.runtime.base import Observed, Running, State
from alfred_dev.status import Health, ServiceStatus, all_well, assess
from tests.worlds import plan

CORE = ("db-postgres", "model-registry", "model-router")
WELL = ProbeResult(ok=True, detail="ok", latency_ms=1.25, reason=Reason.OK)


def ill(reason: Reason, detail: str = "it is ill") -> ProbeResult:
    return ProbeResult(ok=False, detail=detail, reason=reason)


def statuses(
    probes: dict[str, ProbeResult] | None = None, **running: Running
) -> dict[str, ServiceStatus]:
    """Three services in a chain, all well but for what is given."""
    made = narrow(plan(), Request(names=CORE))
    given = {name.replace("_", "-"): value for name, value in running.items()}
    services = {
        s.id: given.get(
            s.id,
            Running(state=State.RUNNING, pid=9, ports=frozenset(e.listen for e in s.endpoints)),
        )
        for s in made.services
    }
    results = {e.port: (probes or {}).get(e.service, WELL) for e in made.endpoints}
    found = assess(made, Observed(alive=True, services=services), results, CORE)
    return {status.id: status for status in found}


def test_all_is_well() -> None:
    found = statuses()
    assert all_well(list(found.values()))
    assert found["db-postgres"].endpoints[0].latency_ms == 1.2


def test_what_waits_is_blocked_by_the_root_and_is_no_failure() -> None:
    waiting = ill(Reason.STATUS, "waiting for db-postgres")
    found = statuses(
        {"db-postgres": ill(Reason.AUTH), "model-registry": waiting, "model-router": waiting}
    )
    assert found["model-router"].blocked_by == ("db-postgres",)
    failures = explain(list(found.values()), {}, frozenset())
    assert [(f.service, f.kind, f.blocks) for f in failures] == [
        ("db-postgres", FailureClass.ENVIRONMENT, ("model-registry", "model-router"))
    ]
    assert failures[0].definite


def test_two_independent_causes_are_two() -> None:
    made = plan()
    observed = Observed(alive=True, services={})
    found = assess(made, observed, {}, ("redis", "vector-db"))
    assert [f.service for f in explain(found, {}, frozenset())] == ["redis", "vector-db"]


def test_a_strangers_answer_is_not_ours() -> None:
    found = statuses(model_router=Running(state=State.RUNNING, pid=9))["model-router"]
    assert found.health is Health.UNHEALTHY
    assert found.detail == "somebody else answers on port 8080, not model-router"
    assert is_definite(found)


def test_a_process_that_only_just_began_is_starting() -> None:
    young = Running(state=State.STARTING, pid=9)
    found = statuses({"model-router": ill(Reason.REFUSED)}, model_router=young)["model-router"]
    assert found.health is Health.STARTING
    assert not is_definite(found)


def test_a_stopped_service_is_down() -> None:
    stopped = Running(state=State.STOPPED)
    found = statuses({"model-router": ill(Reason.REFUSED)}, model_router=stopped)["model-router"]
    assert (found.health, found.detail) == (Health.DOWN, "it does not run")


def failure_of(
    log: str, detail: str = "exit status 1", *, out_of_memory: bool = False
) -> FailureClass:
    broken = Running(state=State.FATAL, detail=detail)
    found = statuses({"db-postgres": ill(Reason.REFUSED)}, db_postgres=broken)
    logs = {"db-postgres": log}
    return explain(list(found.values()), logs, frozenset(), out_of_memory=out_of_memory)[0].kind


def test_the_last_lines_tell_the_class() -> None:
    assert failure_of("[Errno 98] Address already in use") is FailureClass.PORT
    assert failure_of("FATAL: could not write: No space left on device") is FailureClass.DISK
    assert failure_of("MemoryError") is FailureClass.MEMORY
    assert failure_of("/x/prometheus cannot be executed: Exec format error") is FailureClass.BINARY
    assert failure_of("POSTGRES_PASSWORD is missing") is FailureClass.ENVIRONMENT
    assert failure_of("IndexError: list index out of range") is FailureClass.CRASH


def test_a_kill_is_for_memory_only_when_the_kernel_says_so() -> None:
    assert failure_of("", "terminated by SIGKILL", out_of_memory=True) is FailureClass.MEMORY
    assert failure_of("", "terminated by SIGKILL") is FailureClass.CRASH
    assert failure_of("", "killed for memory (its limit is 32 MB)") is FailureClass.MEMORY


def test_evidence_is_masked() -> None:
    broken = Running(state=State.FATAL, detail="exit status 1")
    found = statuses({"db-postgres": ill(Reason.REFUSED)}, db_postgres=broken)
    log = "cannot log in with pg-secret-1\n\n"
    failure = explain(list(found.values()), {"db-postgres": log}, frozenset({"pg-secret-1"}))[0]
    assert failure.evidence == ("cannot log in with ***",)


def test_what_an_engine_says_that_mends_it_comes_first() -> None:
    broken = Running(state=State.FATAL, detail="exit status 78")
    found = statuses({"db-postgres": ill(Reason.REFUSED)}, db_postgres=broken)
    log = "it does not touch its data: it is torn; to mend it: mv /a /b | alfred-dev up db-postgres"
    (failure, *_) = explain(list(found.values()), {"db-postgres": log}, frozenset())
    assert failure.fix[:2] == ("mv /a /b", "alfred-dev up db-postgres")


def test_silence_is_a_time_out_and_an_error_answer_is_the_probes() -> None:
    found = statuses({"db-postgres": ill(Reason.TIMEOUT)})
    assert explain(list(found.values()), {}, frozenset())[0].kind is FailureClass.TIMEOUT
    found = statuses({"db-postgres": ill(Reason.STATUS)})
    assert explain(list(found.values()), {}, frozenset())[0].kind is FailureClass.PROBE
