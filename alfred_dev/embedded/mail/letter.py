"""What a mail says, however badly it is made. Pure: bytes in, plain data out.

The old policy of ``email`` is used on purpose: the new one raises on headers that only a careless
program would write, and careless programs are what a development mailbox is for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message
from email.utils import format_datetime, getaddresses, parsedate_to_datetime
from html import unescape
from typing import Any

SNIPPET = 250  # characters
INDEXED = 20_000  # characters of the text that a search looks at
PARTS = 1000
_ADDRESSED = {"To": "to", "Cc": "cc", "Bcc": "bcc", "ReplyTo": "reply-to"}
_TAG = re.compile(r"<(style|script|head)\b.*?</\1\s*>|<[^>]*>", re.IGNORECASE | re.DOTALL)

Address = Mapping[str, str]


class Letter:
    """One mail, read. ``recipients``: the envelope's, of whom the headers may not tell."""

    def __init__(self, raw: bytes, recipients: tuple[str, ...] = ()) -> None:
        self.size = len(raw)
        self._recipients = recipients
        try:
            self._message = message_from_bytes(raw)
            self._parts = [p for p in self._message.walk() if not p.is_multipart()][:PARTS]
        except Exception:  # noqa: BLE001 - whatever it is made of, its source can be shown
            self._message, self._parts = Message(), []
            self._message.set_payload(raw.decode("latin-1"))
            self._message["Subject"] = "(this mail cannot be read; see its source)"

    def header(self, name: str) -> str:
        """Return a header, decoded; nothing when there is none."""
        return _decoded(self._message.get(name, ""))

    def headers(self) -> dict[str, list[str]]:
        """Return all headers, decoded."""
        found: dict[str, list[str]] = {}
        for name, value in self._message.items():
            found.setdefault(name, []).append(_decoded(value))
        return found

    def addresses(self, name: str) -> list[Address]:
        """Return the people in a header."""
        values = [_plain(value) for value in self._message.get_all(name, [])]
        people = [(_decoded(said), address) for said, address in getaddresses(values)]
        return [{"Name": n, "Address": a} for n, a in people if n or a]

    def summary(self) -> dict[str, Any]:
        """Return what a list shows, in the shape of Mailpit."""
        people = {field: self.addresses(name) for field, name in _ADDRESSED.items()}
        named = {p["Address"] for field in ("To", "Cc", "Bcc") for p in people[field]}
        hidden = [{"Name": "", "Address": a} for a in self._recipients if a not in named]
        return {
            "MessageID": self.header("message-id").strip("<> "),
            "From": next(iter(self.addresses("from")), None),
            **people,
            "Bcc": [*people["Bcc"], *hidden],
            "Subject": self.header("subject"),
            "Size": self.size,
            "Attachments": sum(1 for _ in self._files(inline=False)),
            "Snippet": " ".join(self.text().split())[:SNIPPET],
            "Tags": [],
            "Username": "",
        }

    def full(self) -> dict[str, Any]:
        """Return everything, in the shape of Mailpit."""
        return {
            **{k: v for k, v in self.summary().items() if k not in ("Attachments", "Snippet")},
            "Date": self._date(),
            "ReturnPath": self.header("return-path").strip("<> "),
            "Text": self._body("text/plain"),
            "HTML": self.html(),
            "Attachments": [self._file(i, p) for i, p in self._files(inline=False)],
            "Inline": [self._file(i, p) for i, p in self._files(inline=True)],
        }

    def text(self) -> str:
        """Return the text for people; of a mail in HTML alone its words."""
        return self._body("text/plain") or unescape(_TAG.sub(" ", self.html()))

    def html(self) -> str:
        """Return the HTML part; nothing when there is none."""
        return self._body("text/html")

    def indexed(self) -> str:
        """Return what a search looks at, besides people and subject."""
        files = " ".join(_name(part) for _, part in self._files(inline=False))
        return f"{self.text()[:INDEXED]} {files}"

    def part(self, number: str) -> tuple[str, str, bytes] | None:
        """Return content type, file name and bytes of a part, or None."""
        if not re.fullmatch("[0-9]{1,4}", number) or not int(number) < len(self._parts):
            return None
        part = self._parts[int(number)]
        return part.get_content_type(), _name(part), _payload(part)

    def inline_parts(self) -> dict[str, str]:
        """Return the number of each part that the HTML names by its content id."""
        named = ((_plain(part.get("content-id", "")).strip("<> "), str(i))
                 for i, part in enumerate(self._parts))  # fmt: skip
        return {cid: number for cid, number in named if cid}

    def _body(self, kind: str) -> str:
        for part in self._parts:
            if part.get_content_type() == kind and not _is_file(part):
                return _text(part)
        return ""

    def _files(self, *, inline: bool) -> Iterator[tuple[int, Message]]:
        bodies = {"text/plain", "text/html"}
        for index, part in enumerate(self._parts):
            if part.get_content_type() in bodies and not _is_file(part):
                continue
            if (part.get("content-id") is not None and not _is_attached(part)) is inline:
                yield index, part

    def _file(self, number: int, part: Message) -> dict[str, Any]:
        return {
            "PartID": str(number),
            "FileName": _name(part) or f"part-{number}",
            "ContentType": part.get_content_type(),
            "ContentID": _plain(part.get("content-id", "")).strip("<> "),
            "Size": len(_payload(part)),
        }

    def _date(self) -> str:
        try:
            said = parsedate_to_datetime(self.header("date"))
            return said.isoformat() if format_datetime(said) else ""
        except (ValueError, TypeError, IndexError, OverflowError):
            return ""


def _plain(value: object) -> str:
    """Return a header without line ends and half characters."""
    text = str(value).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return re.sub(r"[\r\n\0]+", " ", text)


def _decoded(value: object) -> str:
    text = _plain(value)
    try:
        return _plain(make_header(decode_header(text))) if "=?" in text else text
    except (ValueError, LookupError):  # no charset of that name, or no such encoding
        return text


def _payload(part: Message) -> bytes:
    found = part.get_payload(decode=True)
    return found if isinstance(found, bytes) else b""


def _text(part: Message) -> str:
    raw = _payload(part)
    try:
        return raw.decode(part.get_content_charset() or "utf-8", "replace")
    except LookupError:
        return raw.decode("utf-8", "replace")


def _is_attached(part: Message) -> bool:
    return _plain(part.get("content-disposition", "")).strip().lower().startswith("attachment")


def _is_file(part: Message) -> bool:
    return _is_attached(part) or bool(_name(part))


def _name(part: Message) -> str:
    try:
        return _decoded(part.get_filename() or "")
    except (ValueError, LookupError, TypeError):
        return ""
