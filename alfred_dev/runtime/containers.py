"""What the engine says of containers -> what a runtime knows of services. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from alfred_dev.runtime.base import LaunchSpec, Running, State

PROJECT_LABEL = "com.docker.compose.project"
SERVICE_LABEL = "com.docker.compose.service"
SPEC_LABEL = "dev.alfred.spec"
START_SECONDS = 10.0  # so long a container counts as starting: as for local processes
SIGNALS: Mapping[int, str] = {130: "SIGINT", 137: "SIGKILL", 139: "SIGSEGV", 143: "SIGTERM"}
KILLED_FOR_MEMORY = "killed for memory"
STOPPED = "stopped by a command"
ENDED_BY = "EndedBy"  # what the runtime adds to a state: STOPPED, where that is known

Listed = Mapping[str, Any]  # a container as /containers/json has it
Inspected = Mapping[str, Any]  # as /containers/ID/json has it


def service_of(container: Listed) -> str:
    """Return the service that a container runs."""
    return str(container["Labels"].get(SERVICE_LABEL, ""))


def running(listed: Listed, inspected: Inspected, spec: LaunchSpec | None, now: float) -> Running:
    """Return what is known of one service. ``now``: seconds since the epoch."""
    state = inspected["State"]
    started = instant(state.get("StartedAt", ""))
    return Running(
        state=state_of(inspected, now - started),
        pid=int(state.get("Pid") or 0),
        started_at=started,
        restarts=int(inspected.get("RestartCount") or 0),
        detail=detail(inspected),
        ports=published(listed),
        spec=spec,
        finished=state.get("Status") == "exited" and state.get("ExitCode") == 0,
    )


def state_of(inspected: Inspected, age_s: float) -> State:
    """Return the state of a container that was started ``age_s`` seconds ago."""
    state = inspected["State"]
    known = {
        "created": State.FATAL if state.get("Error") else State.STOPPED,
        "paused": State.STOPPED,
        "restarting": State.BACKOFF,
        "removing": State.STOPPED,
        "exited": State.EXITED,
        "dead": State.FATAL,
    }
    young = State.STARTING if age_s < START_SECONDS else State.RUNNING
    return known.get(str(state.get("Status")), young)


def detail(inspected: Inspected) -> str:
    """Say why a container does not run, or why it was started over for lack of memory; nothing
    else of one that does."""
    state = inspected["State"]
    status = state.get("Status")
    if status == "running" and not (state.get("OOMKilled") and inspected.get("RestartCount")):
        return ""
    if status == "paused":
        return "it is paused"
    if state.get("Error"):
        return str(state["Error"])
    code = int(state.get("ExitCode") or 0)
    if state.get("OOMKilled"):
        limit = int(inspected.get("HostConfig", {}).get("Memory") or 0)
        return f"{KILLED_FOR_MEMORY} (its limit is {limit // 2**20} MB)"
    if status == "created":
        return "it was never started"
    if state.get(ENDED_BY):
        return str(state[ENDED_BY])
    return f"terminated by {SIGNALS[code]}" if code in SIGNALS else f"exit status {code}"


def failed(inspected: Inspected) -> bool:
    """Tell whether a container has ended in a way that looks like a failure."""
    state = inspected["State"]
    return (
        state.get("Status") == "exited"
        and bool(state.get("ExitCode"))
        and not (state.get("OOMKilled") or state.get("Error"))
    )


def published(listed: Listed) -> frozenset[int]:
    """Return the TCP ports of this machine that a container has, also while it is paused."""
    if listed.get("State") not in ("running", "paused"):
        return frozenset()
    ports = (p for p in listed.get("Ports") or () if p.get("Type") == "tcp")
    return frozenset(int(p["PublicPort"]) for p in ports if p.get("PublicPort"))


def instant(text: str) -> float:
    """Return the engine's time (nanoseconds, UTC) as seconds since the epoch; 0 for never."""
    if not text or text.startswith("0001-"):
        return 0.0
    head, _, fraction = text.rstrip("Z").partition(".")
    try:
        whole = datetime.fromisoformat(f"{head}+00:00").timestamp()
        return whole + float(f"0.{fraction or 0}")
    except ValueError:  # with an offset, as Podman writes it
        return datetime.fromisoformat(text).timestamp()
