"""alfred-dev: the local development environment of the Alfred Agent Platform."""

__version__ = "0.1.0"
