"""Specs and records as tests need them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alfred_dev.tunnel.model import Guard, Record, State, TunnelSpec

NOW = 1_700_000_000.0


def spec(**changes: Any) -> TunnelSpec:
    found: dict[str, Any] = {
        "name": "agent-core",
        "service": "agent-core",
        "provider": "ngrok",
        "guard": Guard(),
        "upstream": 8011,
        "host": "127.0.0.1:8011",
        "health_path": "/health",
        "expires_at": NOW + 7200,
        "nonce": "abc",
        "home": "/nowhere/.alfred",
        **changes,
    }
    return TunnelSpec(**found)


def record(**changes: Any) -> Record:
    found: dict[str, Any] = {
        "name": "agent-core",
        "service": "agent-core",
        "provider": "ngrok",
        "protected_by": "password",
        "opened_at": NOW,
        "expires_at": NOW + 7200,
        "state": State.OPEN,
        "url": "https://one.ngrok.app",
        **changes,
    }
    return Record(**found)


def home(tmp_path: Path) -> Path:
    made = tmp_path / "project" / ".alfred"
    made.mkdir(parents=True)
    return made
