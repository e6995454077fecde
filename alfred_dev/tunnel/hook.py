"""The command of alfred.yaml that gets each new public URL."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from alfred_dev.tunnel.model import TunnelSpec

TIMEOUT_S = 30.0


def run(argv: Sequence[str], spec: TunnelSpec, url: str, say: Callable[[str], None]) -> int:
    """Run it in the project's folder: the URL comes as JSON on stdin, and in ALFRED_PUBLIC_URL.

    Returns its exit code; says when that is not 0. It never sees a token or a password of ours.
    """
    document = {
        "schema": "alfred-dev/tunnel-hook/v1",
        "service": spec.service,
        "name": spec.name,
        "url": url + spec.guard.path,
        "provider": spec.provider,
        "protected_by": spec.guard.protected_by,
        "expires_at": spec.expires_at,
    }
    kept = {k: v for k, v in os.environ.items() if k not in ("NGROK_AUTHTOKEN", "ALFRED_TUNNEL")}
    try:
        done = subprocess.run(
            list(argv),
            input=json.dumps(document) + "\n",
            cwd=Path(spec.home).parent,
            env={**kept, "ALFRED_PUBLIC_URL": url},
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        say(f"the hook {argv[0]} did not run: {error}")
        return 1
    if done.returncode != 0:
        last = (done.stderr or done.stdout).strip().splitlines()
        say(f"the hook {argv[0]} ended with {done.returncode}: {last[-1] if last else 'no words'}")
    return done.returncode
