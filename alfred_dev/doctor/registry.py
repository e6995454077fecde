"""Every check there is, found by one rule: a module of ``checks`` that exports ``CHECK``."""

from __future__ import annotations

import importlib
import pkgutil

from alfred_dev.doctor import checks
from alfred_dev.doctor.model import Category, Check


def every() -> tuple[Check, ...]:
    """Return all checks by category, rank and code."""
    names = sorted(module.name for module in pkgutil.iter_modules(checks.__path__))
    modules = (importlib.import_module(f"{checks.__name__}.{name}") for name in names)
    found = [m.CHECK for m in modules if hasattr(m, "CHECK")]
    order = list(Category)
    return tuple(sorted(found, key=lambda c: (order.index(c.category), c.rank, c.code)))
