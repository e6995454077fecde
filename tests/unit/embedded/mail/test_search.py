from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alfred_dev.embedded.mail.search import condition

MAILS = [
    # sender, recipients, subject, body, read, attachments
    ("Ann ann@x.org", "bob@x.org", "Sign up now", "your code is 42", 0, 0),
    ("Bob bob@x.org", "ann@x.org", "100% done", "report attached", 1, 2),
]


def found(query: str) -> list[int]:
    with sqlite3.connect(":memory:") as db:
        db.execute(
            "CREATE TABLE mails (sender, recipients, subject, body, read, attachments, message_id)"
        )
        db.executemany("INSERT INTO mails VALUES (?, ?, ?, ?, ?, ?, '1@x')", MAILS)
        which = condition(query)
        sql = f"SELECT rowid - 1 FROM mails WHERE {which.sql} ORDER BY 1"
        rows = db.execute(sql, which.values).fetchall()
    db.close()
    return [row[0] for row in rows]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [0, 1]),
        ("code", [0]),
        ("SIGN", [0]),
        ("x.org report", [1]),
        ('"sign up"', [0]),
        ('"up sign"', []),
        ("from:ann", [0]),
        ("to:ann", [1]),
        ('subject:"sign up"', [0]),
        ("is:unread", [0]),
        ("is:read", [1]),
        ("has:attachment", [1]),
        ("-from:ann", [1]),
        ("!code x.org", [1]),
        ("0%", [1]),
        ("%", [1]),
        ("_", []),
        ("message-id:1@x", [0, 1]),
        ("other:thing", []),
        ("'; DROP TABLE mails; --", []),
    ],
)
def test_what_a_query_finds(query: str, expected: list[int]) -> None:
    assert found(query) == expected


@given(st.text(max_size=300))
def test_any_text_is_a_query(query: str) -> None:
    found(query.replace("\0", "").encode("utf-8", "replace").decode())
