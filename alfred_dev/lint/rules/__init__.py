"""The rules: every file here that does not begin with _ holds one RULE."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from alfred_dev.lint.rule import Rule


@cache
def rules() -> tuple[Rule, ...]:
    """Return all rules, by code. A new file in this folder is a new rule."""
    names = sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))
    found = [importlib.import_module(f"{__name__}.{name}").RULE for name in names]
    return tuple(sorted(found, key=lambda rule: rule.code))
