"""Envoy from its wheel, on the files that were rendered for it.

It becomes this process: Envoy asks the kernel to be ended with the thread that started it, so it
must not be the child of a thread that comes and goes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from alfred_dev.embedded import engines
from alfred_dev.embedded.become import become, plain_environment
from alfred_dev.embedded.listen import check_free
from alfred_dev.embedded.spec import EmbeddedSpec

CONFIGURATION = "render/gateway/bootstrap.json"  # in the folder that services start in
SOCKETS = ("run/gateway/admin.sock", "run/gateway/tunnel.sock")
DASHBOARD_SOCKET = "run/gateway/dashboard.sock"  # the dashboard's, for a gateway in a container
WORKERS = 2
FLUSH_MS = 1000
DRAIN_S = 5  # for connections whose listener has changed


def run(spec: EmbeddedSpec, environ: Mapping[str, str]) -> NoReturn:
    """Become Envoy. Raises AlfredError: a port is taken, there is no Envoy for this machine."""
    program = engines.envoy()
    if program is None:
        raise engines.missing(spec.id, engines.ENVOY_WHEEL)
    for port in spec.ports:
        check_free(spec.bind, port.listen)
    for socket in SOCKETS:  # what a killed Envoy has left
        with contextlib.suppress(FileNotFoundError):
            Path(socket).unlink()
    become(program, arguments(), plain_environment(environ))


def arguments(configuration: str = CONFIGURATION) -> list[str]:
    """Return Envoy's command line."""
    return [
        *("--config-path", configuration),
        "--disable-hot-restart",  # it has one shared memory a machine, for one Envoy
        *("--concurrency", str(WORKERS)),
        *("--file-flush-interval-msec", str(FLUSH_MS)),
        *("--drain-time-s", str(DRAIN_S), "--drain-strategy", "immediate"),
        *("--log-level", "warning"),
        # "work in progress" is what it says of API keys, at each change and each mention.
        *("--component-log-level", "misc:error"),
    ]
