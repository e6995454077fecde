"""The store as both doors use it: one thread, errors in one form, and files sealed in time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TypeVar

from alfred_dev.embedded.vectors.errors import VectorError
from alfred_dev.embedded.vectors.store import Store

log = logging.getLogger("alfred_dev.embedded")

SEAL_AFTER_S = 5.0
TITLE = "qdrant - vector search engine"
COMMIT = "alfred-dev embedded engine"
_BAD = (TypeError, KeyError, ValueError, AttributeError, IndexError, OverflowError)

T = TypeVar("T")


def client_version() -> str:
    """Return the version to report: clients warn of one that is far from their own."""
    try:
        return version("qdrant-client")
    except PackageNotFoundError:
        return "1.15.0"


class Service:
    """An open store, asked one request at a time. Raises RefusedError when it cannot be opened."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.version = client_version()
        self._thread = ThreadPoolExecutor(1, "vectors")
        self._sealing: asyncio.TimerHandle | None = None

    async def ask(self, work: Callable[[], T]) -> T:
        """Return what ``work`` returns. Raises VectorError for everything that goes wrong."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, _translated, work)

    async def change(self, work: Callable[[], T]) -> T:
        """Do the same for work that changes the store: what returns is in the log."""
        done = await self.ask(work)
        if self._sealing is None:
            loop = asyncio.get_running_loop()
            self._sealing = loop.call_later(SEAL_AFTER_S, self._seal)
        return done

    def _seal(self) -> None:
        self._sealing = None
        self._thread.submit(self._try_to_seal)

    def _try_to_seal(self) -> None:
        try:
            self.store.seal()
        except Exception as error:  # a full disk; all of it is still in the log
            log.warning("the vectors stay in the log: %s", error)

    def close(self) -> None:
        """Finish what is being done, write everything to the files."""
        if self._sealing is not None:
            self._sealing.cancel()
        self._thread.shutdown(wait=True, cancel_futures=True)
        self.store.close()


def _translated(work: Callable[[], T]) -> T:
    try:
        return work()
    except VectorError:
        raise
    except _BAD as error:
        missing = "missing " if isinstance(error, KeyError) else ""
        raise VectorError(400, f"Bad request: {missing}{_line(error)}") from None
    except OSError as error:
        raise VectorError(507 if error.errno == 28 else 500, _line(error)) from None
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        raise VectorError(_status(error), _line(error)) from None


def _status(error: BaseException) -> int:
    """Return the status of what the engine raises, which has one class and many words."""
    text = str(error).lower()
    if not isinstance(error, Exception):  # a panic
        log.error("the engine stumbled: %s", _line(error))
        return 500
    if "no space left" in text:
        return 507
    if "not found" in text or "no point with id" in text:
        return 404
    return 500 if "service runtime error" in text or "io error" in text else 400


def _line(error: Any) -> str:
    return " ".join(str(error).split())[:500] or type(error).__name__
