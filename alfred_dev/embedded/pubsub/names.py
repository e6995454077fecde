"""Names of resources, and what may be published: the rules of Google's emulator. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from alfred_dev.embedded.pubsub.errors import Code, PubsubError, invalid

DELETED_TOPIC = "_deleted-topic_"
MESSAGES_LIMIT = 1000  # of one Publish
DEADLINE_S = (10, 600)  # of a stream; a subscription may have less
ATTEMPTS = (5, 100)
BACKOFF_S = (10.0, 600.0)  # what the two bounds are when they are not given
BACKOFF_LIMIT_S = 600.0
RETENTION_S = (600, 31 * 86400)
RETENTION_DEFAULT_S = 7 * 86400

_PROJECT = r"projects/[^/\s]+"
_ID = r"(?!goog)[A-Za-z][A-Za-z0-9._~+%-]{2,254}"


def check(kind: str, name: str) -> str:
    """Return ``name`` if it names one of ``kind`` (``topics``). Raises PubsubError."""
    if not re.fullmatch(f"{_PROJECT}/{kind}/{_ID}", name):
        raise invalid(f"Invalid [{kind}] name: (name={name})")
    return name


def check_project(name: str) -> str:
    """Return ``name`` if it names a project. Raises PubsubError."""
    if not re.fullmatch(_PROJECT, name):
        raise invalid(f"Invalid [projects] name: (name={name})")
    return name


def check_messages(messages: Sequence[Any]) -> None:
    """Raise PubsubError for what cannot be published."""
    if not messages:
        raise invalid("No messages to publish")
    if len(messages) > MESSAGES_LIMIT:
        raise invalid("Too many messages to publish")
    if any(not message.data and not message.attributes for message in messages):
        raise invalid("Some messages are empty")


def check_deadline(seconds: int) -> int:
    """Return the seconds that a message may take, 0 being the default. Raises PubsubError."""
    if not 0 <= seconds <= DEADLINE_S[1]:
        raise invalid("ack_deadline_secs out of bounds")
    return seconds or DEADLINE_S[0]


def check_extension(seconds: int) -> None:
    """Raise PubsubError unless a message may take so many seconds more."""
    if seconds < 0:
        raise invalid("Ack deadline cannot be negative")
    if seconds > DEADLINE_S[1]:
        raise invalid(f"Ack deadline cannot be more than {DEADLINE_S[1]} seconds")


def check_stream_deadline(seconds: int) -> int:
    """Return the seconds that a message of a stream may take. Raises PubsubError."""
    low, high = DEADLINE_S
    if not low <= seconds <= high:
        raise invalid(f"stream_ack_deadline_seconds must be between {low} and {high} seconds")
    return seconds


def check_attempts(attempts: int) -> int:
    """Return after how many attempts a message is dead. Raises PubsubError."""
    low, high = ATTEMPTS
    attempts = attempts or low
    if low <= attempts <= high:
        return attempts
    size, word, bound = ("small", "minimum", low) if attempts < low else ("large", "maximum", high)
    text = f"You passed {attempts} in the request, but the {word} value is {bound}."
    raise PubsubError(
        Code.OUT_OF_RANGE, f"The value for max_delivery_attempts is too {size}. {text}"
    )


def check_backoff(low: float, high: float) -> None:
    """Raise PubsubError unless the two bounds, in seconds, are possible."""
    for name, seconds in (("minimum_backoff", low), ("maximum_backoff", high)):
        if not 0 <= seconds <= BACKOFF_LIMIT_S:
            text = f"The value for {name} is out of bounds. You passed {seconds:g}s in the request"
            raise invalid(f"{text}, but the value must be between 0s and {BACKOFF_LIMIT_S:g}s.")
    if low > high:
        text = f"The value for maximum_backoff is too small. You passed {high:g}s in the request"
        raise invalid(f"{text}, but the minimum value is {low:g}s.")


def check_retention(seconds: float) -> None:
    """Raise PubsubError unless messages may be kept for so long."""
    if not RETENTION_S[0] <= seconds <= RETENTION_S[1]:
        raise invalid("message_retention_duration out of bounds")


def check_mask(
    kind: str, paths: Sequence[str], fields: Iterable[str], mutable: Collection[str]
) -> None:
    """Raise PubsubError unless ``paths`` of an update name what may be changed."""
    request = f"Update{kind}Request"
    wrong = f"Invalid update_mask provided in the {request}"
    if not paths:
        raise invalid(
            f"The update_mask in the {request} must be set, "
            "and must contain a non-empty paths list."
        )
    known = set(fields)
    for path in paths:
        field = path.partition(".")[0]
        if field not in known:
            raise invalid(f"{wrong}: {path} is not a known {kind} field.")
        if field not in mutable:
            raise invalid(f"{wrong}: the {path} field in the {kind} is not mutable.")


def ack_number(ack_id: str, subscription: str) -> int:
    """Return the number in an ack id of ``subscription``. Raises PubsubError for any other."""
    owner, _, number = ack_id.rpartition(":")
    if not owner or not re.fullmatch(r"[0-9]{1,18}", number):
        raise invalid(f"Invalid ack id (ack_id={ack_id})")
    if owner != subscription:
        raise invalid(
            f"Subscription {subscription} received an invalid ack ID {ack_id}, "
            f"meant for subscription: {owner}"
        )
    return int(number)
