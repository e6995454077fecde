from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alfred_dev.catalog.model import ProbeKind
from alfred_dev.errors import UsageError
from alfred_dev.probe.base import Target
from alfred_dev.settings import url_quoted

POSTGRES = ProbeKind.POSTGRES


@pytest.mark.parametrize(
    ("kind", "url", "expected"),
    [
        (
            POSTGRES,
            "postgresql://postgres:p%2Fw%40%25@127.0.0.1:15432/my%20db",
            Target(
                kind=POSTGRES, host="127.0.0.1", port=15432,
                user="postgres", password="p/w@%", database="my db",
            ),
        ),
        (
            ProbeKind.REDIS,
            "redis://:pw@localhost:16379/0",
            Target(
                kind=ProbeKind.REDIS, host="localhost", port=16379, password="pw", database="0"
            ),
        ),
        (
            ProbeKind.HTTP,
            "http://127.0.0.1:18011",
            Target(kind=ProbeKind.HTTP, host="127.0.0.1", port=18011),
        ),
        (
            ProbeKind.PUBSUB,
            "127.0.0.1:18085",
            Target(kind=ProbeKind.PUBSUB, host="127.0.0.1", port=18085),
        ),
        (
            ProbeKind.SMTP,
            "smtp://[::1]:11025",
            Target(kind=ProbeKind.SMTP, host="::1", port=11025),
        ),
    ],
)  # fmt: skip
def test_endpoint_variables_become_targets(kind: ProbeKind, url: str, expected: Target) -> None:
    target = Target.from_url(kind, url)

    assert target == expected
    assert target.password == expected.password  # eq includes it; repr does not


@pytest.mark.parametrize(
    ("url", "path"),
    [("http://h:1", "/health"), ("http://h:1/", "/health"), ("http://h:1/api", "/api/health")],
)
def test_the_health_path_is_appended_to_the_url(url: str, path: str) -> None:
    assert Target.from_url(ProbeKind.HTTP, url, path="/health").path == path


def test_the_project_is_kept() -> None:
    assert Target.from_url(ProbeKind.PUBSUB, "h:1", project="p").project == "p"


@pytest.mark.parametrize(("url", "port"), [("http://h", 80), ("redis://h", 6379)])
def test_a_url_without_a_port_means_the_port_of_its_scheme(url: str, port: int) -> None:
    assert Target.from_url(ProbeKind.TCP, url).port == port


@pytest.mark.parametrize(
    "url",
    [
        "", "host", ":1", "http://", "https://h:1", "h:0", "h:65536", "h:port", "[::1:1",
        "redis://:pa/ss@h:1/0", "redis://:pa#ss@h:1/0",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        Target.from_url(ProbeKind.REDIS, url)

    assert caught.value.code == "address-invalid"
    assert "pa" not in str(caught.value).replace("parse", "")


@given(user=st.text(min_size=1), password=st.text(min_size=1), database=st.text(min_size=1))
def test_every_credential_survives_a_url(user: str, password: str, database: str) -> None:
    url = f"postgresql://{url_quoted(user)}:{url_quoted(password)}@h:1/{url_quoted(database)}"

    target = Target.from_url(POSTGRES, url)

    assert (target.user, target.password, target.database) == (user, password, database)


@given(st.text() | st.text().map("redis://:{}@h:1".format))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        target = Target.from_url(ProbeKind.REDIS, text)
    except UsageError:
        return
    assert target.host
    assert 0 < target.port < 65536


def test_the_password_is_not_in_the_repr() -> None:
    assert "hunter2" not in repr(Target.from_url(ProbeKind.REDIS, "redis://:hunter2@h:1/0"))


def test_a_target_is_written_as_host_and_port() -> None:
    assert str(Target(kind=ProbeKind.TCP, host="127.0.0.1", port=1)) == "127.0.0.1:1"
    assert str(Target(kind=ProbeKind.TCP, host="::1", port=1)) == "[::1]:1"
