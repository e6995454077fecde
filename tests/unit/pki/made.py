"""A CA and a store in a folder of their own."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from alfred_dev.ledger import Ledger
from alfred_dev.pki.authority import Store

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DOMAIN = "dev.alfred-platform.example.com"
NAMES = (DOMAIN, f"api.{DOMAIN}", "alfred.localhost", "api.alfred.localhost")


def store(folder: Path, *, domain: str = DOMAIN, name: str = "project") -> Store:
    root = folder / name
    root.mkdir(exist_ok=True)
    shared = folder / "data"
    return Store(root=root, shared=shared, domain=domain, ledger=Ledger(shared / "ledger.json"))
