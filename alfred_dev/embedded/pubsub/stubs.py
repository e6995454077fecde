"""The messages of Pub/Sub's API, taken out of google-cloud-pubsub without its client.

Importing the package itself costs 0.4 s, for credentials, retries and transports that a server
has no use for. Its message types alone cost a tenth of that.
"""

from __future__ import annotations

import importlib
import sys
from importlib.util import find_spec
from types import ModuleType
from typing import Any

_PACKAGE = "google.pubsub_v1"


def _types() -> ModuleType:
    """Import the types below a shell of their package, unless somebody has the real one."""
    known = sys.modules.get(_PACKAGE)
    if known is None:
        spec = find_spec(_PACKAGE)
        shell = ModuleType(_PACKAGE)
        shell.__path__ = list((spec.submodule_search_locations if spec else None) or ())
        sys.modules[_PACKAGE] = shell
    try:
        return importlib.import_module(f"{_PACKAGE}.types.pubsub")
    finally:
        if known is None:
            del sys.modules[_PACKAGE]  # so that whoever wants the client gets it whole


_FOUND = _types()


def message(name: str) -> Any:
    """Return the plain protobuf class of a message, the quick one below the package's own."""
    return getattr(_FOUND, name).pb()
