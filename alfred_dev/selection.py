"""What ``up`` was last told to run, and in which slot; forgotten by ``down``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from alfred_dev.plan import Plan
from alfred_dev.workspace import Workspace, write


def of(workspace: Workspace, plan: Plan) -> tuple[str, ...]:
    """Return the part of ``plan`` that ``up`` last selected; all of it when that is not known."""
    wanted = recorded(workspace).get("selected", ())
    return tuple(name for name in plan.ids if name in wanted) or plan.ids


def add(workspace: Workspace, names: Iterable[str], *, slot: int) -> None:
    """Remember what should run, besides what already should, and in which slot."""
    old = recorded(workspace)
    state = {"selected": sorted({*old.get("selected", ()), *names}), "slot": slot}
    write(_state_file(workspace), (json.dumps(state) + "\n").encode())


def recorded(workspace: Workspace) -> Mapping[str, Any]:
    """Return what the last ``up`` wrote down; nothing after ``down``."""
    try:
        found = json.loads(_state_file(workspace).read_text())
    except (OSError, ValueError):  # never up, or torn: then nothing is known
        return {}
    return found if isinstance(found, dict) else {}


def forget(workspace: Workspace) -> None:
    """Forget what should run."""
    _state_file(workspace).unlink(missing_ok=True)


def _state_file(workspace: Workspace) -> Path:
    return workspace.home / "state.json"
