"""What a request can hear instead of a result."""

from __future__ import annotations


class VectorError(Exception):
    """The request cannot be done. ``status``: of HTTP; gRPC has its own word for each."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


def bad(message: str) -> VectorError:
    """Say that a request makes no sense."""
    return VectorError(400, message)


def unsupported(what: str) -> VectorError:
    """Say that the real server can do this, and this engine cannot."""
    return VectorError(501, f"{what} needs the real server, Qdrant: this is alfred-dev's engine")
