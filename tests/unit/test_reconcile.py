"""desired x observed -> steps with causes, as --dry-run prints them."""

from __future__ import annotations

from dataclasses import replace

from alfred_dev.plan import Request
from alfred_dev.planner import narrow
from alfred_dev.reconcile import differences, steps
from alfred_dev.runtime.base import LaunchSpec, Observed, Running, State
from tests.worlds import plan

SPEC = LaunchSpec(service="redis", source="embedded", argv=("a",), environment={"K": "1"}, code="c")


def only_step(running: Running | None) -> str:
    services = {} if running is None else {"redis": running}
    found = steps(
        narrow(plan(), Request(names=("redis",))),
        {"redis": SPEC},
        Observed(alive=True, services=services),
    )
    return " ".join(str(found[0]).split())


def test_steps_say_why() -> None:
    running = Running(state=State.RUNNING, pid=7, spec=SPEC)
    assert only_step(None) == "start redis it is not running"
    assert only_step(running) == "keep redis it runs as planned (pid 7)"
    ended = Running(state=State.FATAL, detail="exit status 1")
    assert only_step(ended) == "start redis it has ended (exit status 1)"
    old = replace(SPEC, environment={"K": "2", "SECRET": "s"}, code="d")
    assert (
        only_step(replace(running, spec=old))
        == "restart redis alfred-dev was updated, K, SECRET changed"
    )
    assert only_step(replace(running, spec=None)) == "restart redis how it was started is not known"


def test_differences_name_variables_never_values() -> None:
    new = replace(SPEC, environment={f"V{i}": "x" for i in range(5)})
    assert differences(SPEC, new) == ("K, V0, V1 and 3 more changed",)
    assert differences(SPEC, replace(new, source="binary")) == ("it now comes from binary",)
    texts = ('{"ports": [1], "data": "/d"}', '{"ports": [2], "data": "/d"}')
    one, other = (replace(SPEC, environment={"ALFRED_EMBEDDED": text}) for text in texts)
    assert differences(one, other) == ("what it is told (ports) changed",)
    assert differences(SPEC, replace(SPEC, argv=("b",))) == ("its command line changed",)
    assert differences(SPEC, replace(SPEC, files="f")) == ("its configuration file changed",)


def test_a_launch_spec_survives_its_file() -> None:
    assert LaunchSpec.from_json(SPEC.to_json()) == SPEC
