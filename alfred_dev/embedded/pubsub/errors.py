"""What an RPC can fail with, for gRPC and for HTTP."""

from __future__ import annotations

from enum import Enum


class Code(Enum):
    """A canonical code of Google's APIs: its number, and the HTTP status that stands for it."""

    CANCELLED = (1, 499)
    INVALID_ARGUMENT = (3, 400)
    DEADLINE_EXCEEDED = (4, 504)
    NOT_FOUND = (5, 404)
    ALREADY_EXISTS = (6, 409)
    FAILED_PRECONDITION = (9, 400)
    OUT_OF_RANGE = (11, 400)
    UNIMPLEMENTED = (12, 501)

    @property
    def http(self) -> int:
        """The HTTP status."""
        return self.value[1]


class PubsubError(Exception):
    """The request cannot be done; the client hears ``code`` and the text."""

    def __init__(self, code: Code, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text


def invalid(text: str) -> PubsubError:
    """Return the error for a request that is wrong in itself."""
    return PubsubError(Code.INVALID_ARGUMENT, text)


def not_done(what: str) -> PubsubError:
    """Return the error for what only the real service does."""
    text = f"alfred-dev's Pub/Sub does not do {what}; Google's emulator or the real service may"
    return PubsubError(Code.UNIMPLEMENTED, text)
