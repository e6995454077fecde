"""Deliveries as bytes: a message is serialised once, however many subscriptions it goes to.

``PullResponse`` and ``StreamingPullResponse`` begin alike: field 1 is a ``ReceivedMessage``, whose
fields are 1 ack_id, 2 message, 3 delivery_attempt.
"""

from __future__ import annotations

_ACK_ID, _MESSAGE, _RECEIVED, _PROPERTIES = b"\x0a", b"\x12", b"\x0a", b"\x22"
_ATTEMPT, _ORDERED = b"\x18", b"\x10\x01"


def received(ack_id: str, body: bytes, attempt: int) -> bytes:
    """Return one received message as a field of a response; an ``attempt`` of 0 is not told."""
    ack = ack_id.encode()
    counted = _ATTEMPT + _varint(attempt) if attempt else b""
    size = len(ack) + len(body) + len(counted)
    parts = (_ACK_ID, _varint(len(ack)), ack, _MESSAGE, _varint(len(body)), body, counted)
    size = sum(map(len, parts))
    return b"".join((_RECEIVED, _varint(size), *parts))


def properties(*, ordered: bool) -> bytes:
    """Return what a stream says about its subscription, as a field of a response."""
    said = _ORDERED if ordered else b""
    return _PROPERTIES + _varint(len(said)) + said


def _varint(number: int) -> bytes:
    if number < 0x80:
        return bytes((number,))
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
