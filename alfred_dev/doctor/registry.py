"""Every check there is, found by one rule: a module of ``checks`` that exports ``CHECK``."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

from alfred_dev.doctor import checks, scans
from alfred_dev.doctor.model import Category, Check


def every() -> tuple[Check, ...]:
    """Return all checks of the doctor by category, rank and code."""
    return _of(checks)


def scanning() -> tuple[Check, ...]:
    """Return the checks of ``scan``."""
    return (*_of(scans), *(c for c in every() if c.code in scans.SHARED))


def _of(package: ModuleType) -> tuple[Check, ...]:
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    modules = (importlib.import_module(f"{package.__name__}.{name}") for name in names)
    found = [m.CHECK for m in modules if hasattr(m, "CHECK")]
    order = list(Category)
    return tuple(sorted(found, key=lambda c: (order.index(c.category), c.rank, c.code)))
