from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alfred_dev.embedded.mail.letter import Letter
from tests.unit.embedded.mail.servers import letter, png


def read(raw: str | bytes, *recipients: str) -> Letter:
    return Letter(raw if isinstance(raw, bytes) else raw.encode(), recipients)


def test_a_usual_mail_has_the_shape_of_mailpit() -> None:
    made = letter("Grüße", "Hello,\n\nworld\n", "<b>Hello</b>", cc="C <c@x.org>, d@x.org")
    made["Message-ID"], made["Date"] = "<1@x.org>", "Tue, 24 Nov 2026 06:00:00 +0100"
    made.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="übersicht.pdf")
    made.get_payload()[0].get_payload()[1].add_related(png(), "image", "png", cid="<logo>")  # type: ignore[union-attr, index]
    found = read(made.as_bytes(), "bob@example.com", "hidden@x.org")
    summary, full = found.summary(), found.full()
    assert summary["From"] == {"Name": "", "Address": "ann@example.com"}
    assert summary["Cc"] == [
        {"Name": "C", "Address": "c@x.org"},
        {"Name": "", "Address": "d@x.org"},
    ]
    assert summary["Bcc"] == [{"Name": "", "Address": "hidden@x.org"}]
    assert (summary["Subject"], summary["Snippet"]) == ("Grüße", "Hello, world")
    assert (summary["MessageID"], summary["Attachments"]) == ("1@x.org", 1)
    assert full["Date"] == "2026-11-24T06:00:00+01:00"
    assert full["HTML"].strip() == "<b>Hello</b>" and full["Text"].split() == ["Hello,", "world"]
    [attached], [inline] = full["Attachments"], full["Inline"]
    assert (attached["FileName"], attached["ContentType"]) == ("übersicht.pdf", "application/pdf")
    assert found.part(attached["PartID"]) == ("application/pdf", "übersicht.pdf", b"%PDF")
    assert inline["ContentID"] == "logo" and found.inline_parts() == {"logo": inline["PartID"]}


def test_a_mail_in_html_alone_has_words() -> None:
    found = read("Content-Type: text/html\n\n<style>p{}</style><p>Tom &amp; <b>Ann</b></p>")
    assert found.summary()["Snippet"] == "Tom & Ann"


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "\n\n",
        "no header at all",
        "Subject: =?no-such-charset?q?x?=\n\nx",
        "Subject: =?utf-8?b?%%%?=\nFrom: =?x?q?=\n\nx",
        "Content-Type: text/plain; charset=no-such\n\nx",
        "Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n%%%%",
        "Content-Type: multipart/mixed; boundary=\n\nx",
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n--b\n--b--",
        "Content-Disposition: attachment; filename*=bad''%ff\n\nx",
        "Date: Tue, 99 Nov 99999 99:99:99 +9999\n\nx",
        'From: "\n\n',
        "To: " + "a@b, " * 5000 + "\n\n",
        "Content-Type: " + "multipart/mixed; boundary=a\n\n--a\nContent-Type: " * 3000,
    ],
)
def test_a_mail_that_is_badly_made_is_read_as_far_as_it_goes(raw: str) -> None:
    everything(raw.encode())


@given(st.binary(max_size=500))
def test_any_bytes_are_a_mail(raw: bytes) -> None:
    everything(raw)
    everything(b"Content-Type: multipart/mixed; boundary=a\n\n--a\n" + raw + b"\n--a--")
    everything(b"Content-Type: text/html; " + raw)


def everything(raw: bytes) -> None:
    found = Letter(raw, ("x@y",))
    json.dumps([found.summary(), found.full(), found.headers()])
    found.indexed().encode("utf-8", "surrogatepass")
    for number in ("0", "1", "9999", "x", "", "-1", "²"):
        found.part(number)
    found.inline_parts()
