"""Documents -> the text of a file."""

from __future__ import annotations

from typing import Any

import yaml

# libyaml writes the same and is ten times faster.
FASTEST: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def yaml_text(document: object, dumper: Any = FASTEST) -> str:
    """Return YAML, keys in their order. Nothing is folded: there the two dumpers would differ."""
    return str(yaml.dump(document, Dumper=dumper, sort_keys=False, width=1_000_000))
