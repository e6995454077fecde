"""The gateway's headers are believed with its secret, and not without."""

from __future__ import annotations

import pytest

from alfred_dev.embedded.caller import Caller, caller

SECRET = "of-the-gateway-and-its-services"  # noqa: S105 - of a test
SAID = {"x-user": "ann", "x-role": "admin", "x-scope": "api", "x-client-id": ""}


def test_with_the_secret_the_headers_are_believed() -> None:
    found = caller({**SAID, "x-alfred-gateway": SECRET}, SECRET)
    assert found == Caller(verified=True, user="ann", role="admin", scope="api")


@pytest.mark.parametrize("shown", [None, "", "guess", SECRET.upper(), SECRET[:-1], f"{SECRET} "])
def test_without_it_nobody_is_known(shown: str | None) -> None:
    headers = SAID if shown is None else {**SAID, "x-alfred-gateway": shown}
    assert caller(headers, SECRET) == Caller(verified=False)


@pytest.mark.parametrize("shown", ["", "anything"])
def test_a_service_that_was_told_no_secret_believes_nobody(shown: str) -> None:
    assert not caller({**SAID, "x-alfred-gateway": shown}, "").verified
