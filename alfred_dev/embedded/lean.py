"""uvicorn without its command line.

``import uvicorn`` loads click, reloaders and multiprocessing as well: 17 of the 145 ms that a
stand-in takes to load, and fifteen of them start at once.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec, module_from_spec

PACKAGE = "uvicorn"


def uvicorn() -> None:
    """Have the modules of uvicorn be found; the package itself is run when asked for more."""
    spec = None if PACKAGE in sys.modules else find_spec(PACKAGE)
    if spec is None or spec.loader is None:
        return
    loader, package = spec.loader, module_from_spec(spec)

    def missing(name: str) -> object:
        """Return what the package has under ``name``; see PEP 562."""
        if name == "Config":  # its own modules ask for that
            from uvicorn.config import Config

            return Config
        if name.startswith("__"):
            raise AttributeError(name)
        del package.__dict__["__getattr__"]
        loader.exec_module(package)
        return getattr(package, name)

    package.__dict__["__getattr__"] = missing
    sys.modules[PACKAGE] = package
