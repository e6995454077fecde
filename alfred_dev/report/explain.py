"""Where a value comes from: the winner first, then every layer that it hides. Secrets masked."""

from __future__ import annotations

from typing import Any

from alfred_dev.catalog.project import Loaded
from alfred_dev.catalog.schema import did_you_mean
from alfred_dev.errors import UsageError
from alfred_dev.settings import BY_KEY, DEFAULT_DOMAIN, Settings

Row = dict[str, str]
MASK = "***"


def settings_rows(settings: Settings) -> list[Row]:
    """Return every setting with its value and origin."""
    return [
        {
            "key": key,
            "value": _shown(key, value.text),
            "layer": value.origin.layer,
            "origin": str(value.origin),
        }
        for key, value in settings.values.items()
    ]


def layers(key: str, settings: Settings, found: Loaded) -> list[Row]:
    """Return every layer that gives ``key``, the winner first. Raises UsageError."""
    if key in settings.values:
        value = settings.values[key]
        given = [(value.text, value.origin), *value.shadowed]
        return [_row(_shown(key, text), o.layer, str(o)) for text, o in given]
    if key == "domain":
        mine = found.project.domain
        rows = [_row(mine, "alfred.yaml", "alfred.yaml")] if mine else []
        return [*rows, _row(DEFAULT_DOMAIN, "default", "default")]
    path = tuple(int(part) if part.isdecimal() else part for part in key.split("."))
    rows = [_row(text, where.split(":")[0], where) for text, where in found.given(path)]
    if not rows:
        hint = did_you_mean(key, [*settings.values, "domain"])
        raise UsageError(
            "unknown-key",
            f"nothing gives {key}",
            cause=f"it is neither a setting nor in alfred.yaml or the catalog{hint}",
            fix=["alfred-dev config show", "alfred-dev config schema"],
        )
    return rows


def _row(value: Any, layer: str, origin: str) -> Row:
    return {"value": str(value), "layer": layer, "origin": origin}


def _shown(key: str, text: str) -> str:
    return MASK if BY_KEY[key].secret and text else text
