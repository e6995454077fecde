"""What a search means, in the words of Mailpit: text, "a phrase", from:, is:, has:. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

LIMIT = 200  # characters of a query
_TERM = re.compile(r'([!-]?)(?:([\w-]+):)?(?:"([^"]*)"|(\S+))')
_COLUMNS = {"from": "sender", "to": "recipients", "subject": "subject", "message-id": "message_id"}
_FLAGS = {
    ("is", "read"): "read = 1",
    ("is", "unread"): "read = 0",
    ("has", "attachment"): "attachments > 0",
    ("has", "attachments"): "attachments > 0",
}


@dataclass(frozen=True, slots=True)
class Condition:
    """Part of an SQL statement, and the values for its question marks."""

    sql: str
    values: tuple[str, ...]


EVERYTHING = Condition("1", ())


def condition(query: str) -> Condition:
    """Return what mails must be like to be found: all terms count."""
    parts: list[str] = []
    values: list[str] = []
    for negated, field, phrase, word in _TERM.findall(query[:LIMIT]):
        sql, value = _term(field.lower(), (phrase or word).lower())
        parts.append(f"NOT ({sql})" if negated else sql)
        values += value
    return Condition(" AND ".join(f"({part})" for part in parts) or "1", tuple(values))


def _term(field: str, text: str) -> tuple[str, list[str]]:
    if (field, text) in _FLAGS:
        return _FLAGS[field, text], []
    if field in _COLUMNS:
        return f"{_COLUMNS[field]} LIKE ? ESCAPE '\\'", [_pattern(text)]
    whole = f"{field}:{text}" if field else text
    columns = ("subject", "sender", "recipients", "body")
    sql = " OR ".join(f"{column} LIKE ? ESCAPE '\\'" for column in columns)
    return sql, [_pattern(whole)] * len(columns)


def _pattern(text: str) -> str:
    escaped = re.sub(r"([\\%_])", r"\\\1", text)
    return f"%{escaped}%"
