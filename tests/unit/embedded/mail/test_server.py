from __future__ import annotations

import signal
import smtplib
import ssl
import stat
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.unit.embedded.mail import servers
from tests.unit.embedded.mail.servers import letter, png, send, smtp, subjects, web
from tests.unit.embedded.running import DOMAIN, SOON_S, Running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with servers.ours(tmp_path_factory.mktemp("mail") / "data") as service:
        yield service
        assert service.process.poll() is None and "Traceback" not in service.text


@pytest.fixture
def client(server: Running) -> Iterator[httpx.Client]:
    with web(server) as opened:
        assert opened.request("DELETE", "/api/v1/messages", json={}).text == "ok"
        yield opened


def test_what_is_sent_is_listed_read_and_deleted(server: Running, client: httpx.Client) -> None:
    send(server, letter("first"), letter("second", "the code is 7\n"))
    listed = client.get("/api/v1/messages?limit=1").json()
    assert (listed["total"], listed["unread"], listed["count"]) == (2, 2, 1)
    [newest] = listed["messages"]
    assert (newest["Subject"], newest["Read"]) == ("second", False)
    assert newest["To"] == [{"Name": "", "Address": "bob@example.com"}]
    assert subjects(client, "/api/v1/messages?start=1") == ["first"]
    assert subjects(client, "/api/v1/search?query=code") == ["second"]
    whole = client.get(f"/api/v1/message/{newest['ID']}").json()
    assert whole["Text"] == "the code is 7\r\n" and whole["ID"] == newest["ID"]
    assert client.get("/api/v1/message/latest").json()["ID"] == newest["ID"]
    assert client.get("/view/latest.txt").text == whole["Text"]
    assert client.get("/api/v1/messages").json()["unread"] == 1
    client.put("/api/v1/messages", json={"IDs": [newest["ID"]], "Read": False})
    assert client.get("/api/v1/messages").json()["unread"] == 2
    headers = client.get(f"/api/v1/message/{newest['ID']}/headers").json()
    assert headers["Subject"] == ["second"]
    assert b"the code is 7" in client.get(f"/api/v1/message/{newest['ID']}/raw").content
    client.request("DELETE", "/api/v1/messages", json={"IDs": [newest["ID"]]})
    assert subjects(client) == ["first"]
    assert client.get(f"/api/v1/message/{newest['ID']}").status_code == 404
    client.delete("/api/v1/search?query=subject:first")
    assert subjects(client) == []


def test_starttls_is_offered_and_any_login_accepted(server: Running, client: httpx.Client) -> None:
    context = ssl.create_default_context(cafile=None)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with smtp(server) as post:
        post.ehlo()
        assert {"starttls", "size", "auth", "smtputf8", "8bitmime"} <= set(post.esmtp_features)
        post.login("any", "thing")
    with smtp(server) as post:
        post.starttls(context=context)
        post.login("any", "thing")
        post.sendmail("ä@x.org", ["ö@x.org"], b"Subject: hidden\r\n\r\nx", ["SMTPUTF8"])
    assert subjects(client) == ["hidden"]
    [found] = client.get("/api/v1/messages").json()["messages"]
    assert found["Bcc"] == [{"Name": "", "Address": "ö@x.org"}]


def test_no_secret_is_readable_by_others(server: Running) -> None:
    for path in (server.spec.data, *server.spec.data.iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_lines_longer_than_the_standard_are_taken(server: Running, client: httpx.Client) -> None:
    with smtp(server) as post:
        post.sendmail("a@x", ["b@x"], "Subject: long\r\n\r\n" + "x" * 200_000)
    assert client.get("/api/v1/message/latest").json()["Text"].count("x") == 200_000


def test_attachments_are_saved_and_never_shown(server: Running, client: httpx.Client) -> None:
    made = letter()
    made.add_attachment("<script>x</script>", subtype="html", filename="page.html")
    made.add_attachment(b"<svg/>", maintype="image", subtype="svg+xml", filename="a.svg")
    made.add_attachment(png(), maintype="image", subtype="png", filename="a.png")
    send(server, made)
    whole = client.get("/api/v1/message/latest").json()
    kinds = {}
    for one in whole["Attachments"]:
        answer = client.get(f"/api/v1/message/latest/part/{one['PartID']}")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in answer.headers["content-security-policy"]
        said = answer.headers["content-disposition"].partition(";")[0]
        kinds[one["FileName"]] = (said, answer.headers["content-type"])
    saved = ("attachment", "application/octet-stream")
    assert kinds == {"page.html": saved, "a.svg": saved, "a.png": ("inline", "image/png")}
    assert client.get("/api/v1/message/latest/part/99").status_code == 404


def test_the_html_of_a_mail_may_do_nothing(server: Running, client: httpx.Client) -> None:
    made = letter(html='<img src="cid:logo"><a href="http://x/">link</a><script>x</script>')
    made.get_payload()[1].add_related(png(), "image", "png", cid="<logo>")  # type: ignore[union-attr, index]
    send(server, made)
    answer = client.get("/view/latest.html")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "script" not in policy
    assert "sandbox allow-popups allow-popups-to-escape-sandbox" in policy
    assert 'src="data:image/png;base64,' in answer.text and "_blank" in answer.text


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/api/v1/messages?start=x", b"", 400),
        ("GET", "/api/v1/messages?limit=-1", b"", 400),
        ("DELETE", "/api/v1/messages", b"{", 400),
        ("DELETE", "/api/v1/messages", b'{"IDs": "x"}', 400),
        ("DELETE", "/api/v1/messages", b'{"IDs": [1]}', 400),
        ("DELETE", "/api/v1/search?query=", b"", 400),
        ("PUT", "/api/v1/messages", b"[]", 400),
        ("PUT", "/api/v1/messages", b"x" * 100_000, 413),
        ("POST", "/api/v1/messages", b"", 405),
        ("GET", "/api/v1/message/none", b"", 404),
        ("GET", "/view/latest.exe", b"", 404),
        ("GET", "/api/v1/tags", b"", 404),
    ],
)
def test_what_cannot_be_asked(
    server: Running, client: httpx.Client, method: str, path: str, body: bytes, status: int
) -> None:
    send(server, letter("stays"))
    answer = client.request(method, path, content=body)
    assert answer.status_code == status and answer.json()["error"]["message"]
    assert subjects(client) == ["stays"]


def test_pages_of_other_sites_and_foreign_names_are_refused(client: httpx.Client) -> None:
    for path in ("/", "/events", "/api/v1/messages"):
        assert client.get(path, headers={"origin": "https://evil.example"}).status_code == 403
        assert client.get(path, headers={"host": "evil.example"}).status_code == 421
    assert client.get("/", headers={"host": f"mail.{DOMAIN}"}).status_code == 200
    deleted = client.request(
        "DELETE", "/api/v1/messages", headers={"origin": "https://evil.example"}
    )
    assert deleted.status_code == 403


def test_health_information_and_metrics(server: Running, client: httpx.Client) -> None:
    send(server, letter())
    assert client.get("/readyz").text == client.get("/livez").text == "ok"
    info = client.get("/api/v1/info").json()
    assert info["Messages"] == info["Unread"] == 1 and "alfred-dev" in info["Version"]
    assert "alfred_mail_kept 1" in client.get("/metrics").text


def test_whoever_listens_hears_of_each_mail(server: Running, client: httpx.Client) -> None:
    with client.stream("GET", "/events") as events:
        lines = events.iter_lines()
        assert next(lines) == ": it begins"
        send(server, letter())
        heard = next(line for line in lines if line.startswith("data:"))
        assert int(heard.removeprefix("data:")) > 0


def test_it_ends_at_once_with_somebody_listening(tmp_path: Path) -> None:
    with servers.ours(tmp_path / "data") as service, web(service) as client, smtp(service) as post:
        post.ehlo()
        with client.stream("GET", "/events") as events:
            assert next(events.iter_lines()) == ": it begins"
            assert service.end(signal.SIGTERM) < SOON_S
        assert service.process.returncode == 0 and "Traceback" not in service.text
        with pytest.raises((smtplib.SMTPServerDisconnected, OSError)):
            post.noop()
