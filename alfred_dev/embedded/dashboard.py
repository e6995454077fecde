"""The dashboard's process: it becomes our own command, which knows the whole stack.

The other engines are told what they must know; this one looks at everything, as ``status`` does.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from alfred_dev.embedded.become import become
from alfred_dev.embedded.listen import check_free
from alfred_dev.embedded.spec import VARIABLE, EmbeddedSpec

COMMAND = "dashboard-server"


def run(spec: EmbeddedSpec, environ: Mapping[str, str]) -> NoReturn:
    """Become the server. Raises AlfredError: the port is taken."""
    for port in spec.ports:
        check_free(spec.bind, port.listen)
    passed = {key: value for key, value in environ.items() if key != VARIABLE}
    become(Path(sys.executable), ["-m", "alfred_dev", COMMAND], passed)
