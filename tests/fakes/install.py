"""Puts the fake ngrok agent onto a PATH of a test's own."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class FakeNgrok:
    """``path``: a PATH on which ``ngrok`` is the fake one."""

    folder: Path

    @property
    def path(self) -> str:
        return f"{self.folder / 'bin'}:{os.environ.get('PATH', '')}"

    def behave(self, mode: str, **more: Any) -> None:
        """Say how the agent behaves from its next start on."""
        document = {"mode": mode, "journal": str(self.folder / "journal.json"), **more}
        (self.folder / "behaviour.json").write_text(json.dumps(document))

    @property
    def journal(self) -> dict[str, Any]:
        """How the agent was started last: argv, environ, config, pid."""
        found: dict[str, Any] = json.loads((self.folder / "journal.json").read_text())
        return found


def ngrok(folder: Path, mode: str = "ok") -> FakeNgrok:
    """Install it below ``folder``."""
    made = FakeNgrok(folder)
    program = folder / "bin" / "ngrok"
    program.parent.mkdir(parents=True)
    script = Path(__file__).parent / "ngrok.py"
    variable = f"FAKE_NGROK='{folder / 'behaviour.json'}'"
    program.write_text(f"#!/bin/sh\n{variable} exec '{sys.executable}' '{script}' \"$@\"\n")
    program.chmod(0o755)
    made.behave(mode)
    return made
