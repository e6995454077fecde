"""Refusals that no restart mends: the folder is wrong, or belongs to somebody else."""

from __future__ import annotations

import os

from alfred_dev.errors import MachineError


class RefusedError(MachineError):
    """The engine does not touch what it was given. A supervisor need not try again."""

    exit_code = os.EX_CONFIG  # 78
