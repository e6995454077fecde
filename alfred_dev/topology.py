"""Making a running Pub/Sub have the topics and subscriptions that are declared, by its REST API.

Any emulator will do: ours, Google's, in a container or not.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from alfred_dev.catalog.topology import VARIABLE, Wanted, from_json

TIMEOUT_S = 10.0
AT_ONCE = 4
_EXISTS, _GONE = 409, 404
# What may be changed of a subscription that is there.
_MUTABLE = ("ackDeadlineSeconds", "deadLetterPolicy", "retryPolicy")


class TopologyError(Exception):
    """The emulator cannot be asked, or refuses."""


def told(environ: Mapping[str, str]) -> list[Wanted]:
    """Return what ``VARIABLE`` says; nothing where it is not set, or the file not there."""
    text = environ.get(VARIABLE, "[]")
    if not text.startswith("["):
        try:
            with open(text) as file:  # noqa: PTH123 - pathlib would double the start of a process
                text = file.read()
        except FileNotFoundError:
            return []
    return from_json(text)


def ensure(host: str, port: int, wanted: Iterable[Wanted]) -> Iterator[str]:
    """Make what is missing, mend what differs; yield a line for each. Raises TopologyError.

    Topics first, all at once: an emulator takes its time for each, and ``up`` waits for it.
    """

    def ensured(one: Wanted) -> str:
        connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
        try:
            return _ensure(connection, one)
        finally:
            connection.close()

    every = list(wanted)
    topics, subscriptions = [w for w in every if not w.body], [w for w in every if w.body]
    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for some in (topics, subscriptions):
                for one, done in zip(some, pool.map(ensured, some), strict=True):
                    if done:
                        yield f"{done} {one.path}"
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise TopologyError(f"Pub/Sub on port {port}: {error or type(error).__name__}") from error


def drift(host: str, port: int, wanted: Iterable[Wanted], timeout_s: float) -> tuple[str, ...]:
    """Return a line for each thing that is missing or differs. Raises TopologyError."""
    connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
    try:
        return tuple(line for one in wanted if (line := _drift(connection, one)))
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise TopologyError(f"Pub/Sub on port {port}: {error or type(error).__name__}") from error
    finally:
        connection.close()


def _drift(connection: http.client.HTTPConnection, one: Wanted) -> str:
    status, found = _ask(connection, "GET", one.path)
    if status == _GONE:
        return f"{one.path} is missing"
    if status != 200:
        raise TopologyError(_reason(one.path, found))
    changed = (
        _differs(one, found, ("topic", "enableMessageOrdering", *_MUTABLE)) if one.body else ""
    )
    return f"{one.path} has another {', '.join(changed)}" if changed else ""


def _ensure(connection: http.client.HTTPConnection, one: Wanted) -> str:
    status, answer = _ask(connection, "PUT", one.path, one.body)
    if status == 200:
        return "made"
    if status != _EXISTS:
        raise TopologyError(_reason(one.path, answer))
    if not one.body:
        return ""
    _, found = _ask(connection, "GET", one.path)
    if _differs(one, found, ("topic", "enableMessageOrdering")):
        # Neither can be changed; its topic may have been deleted, and then it gets nothing more.
        _ask(connection, "DELETE", one.path)
        status, answer = _ask(connection, "PUT", one.path, one.body)
        done = "made anew"
    elif changed := _differs(one, found, _MUTABLE):
        fields = {"name": one.path, **{key: one.body[key] for key in changed if key in one.body}}
        mask = {"subscription": fields, "updateMask": ",".join(changed)}
        status, answer = _ask(connection, "PATCH", one.path, mask)
        done = "changed"
    else:
        return ""
    if status != 200:
        raise TopologyError(_reason(one.path, answer))
    return done


def _differs(one: Wanted, found: Mapping[str, Any], keys: Iterable[str]) -> list[str]:
    return [key for key in keys if one.body.get(key) != found.get(key)]


def _ask(
    connection: http.client.HTTPConnection, method: str, path: str, body: object = None
) -> tuple[int, Any]:
    text = json.dumps(body) if body is not None else None
    # Google's emulator answers 404 to a body without this.
    connection.request(method, f"/v1/{path}", text, {"content-type": "application/json"})
    answer = connection.getresponse()
    raw = answer.read()
    return answer.status, json.loads(raw) if raw.lstrip().startswith(b"{") else {}


def _reason(path: str, answer: Any) -> str:
    error = answer.get("error") if isinstance(answer, dict) else None
    return f"{path}: {error.get('message') if isinstance(error, dict) else 'refused'}"
