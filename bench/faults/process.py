"""Faults of local processes. Identifiers with a letter and two digits are those of the public
list; the others (Q..) are ours, kinds that the list does not have."""

from __future__ import annotations

from bench.faults import config, data, machine, services
from bench.faults.record import Fault

FAULTS: tuple[Fault, ...] = (
    *services.FAULTS,
    *config.FAULTS,
    *data.FAULTS,
    *machine.FAULTS,
)
assert len({f.id for f in FAULTS}) == len(FAULTS)
