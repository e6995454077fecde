"""The report as it is put together: of everything that stands in it, no secret leaves."""

from __future__ import annotations

from alfred_dev.report import bundle
from alfred_dev.report import json as report_json
from alfred_dev.report.redact import redact
from tests.unit.dashboard import views
from tests.unit.report.test_redact import KNOWN, planted
from tests.worlds import SECRETS


def whole() -> str:
    """Return a report in which each part holds planted secrets, before it is redacted."""
    lines, view = [line for line, _ in planted()], views.view()
    document = report_json.status(view.plan, view.statuses, notes=lines[::4])
    found = {
        "findings": [{"severity": "error", "cause": lines[1], "code": "x", "evidence": lines[2::4],
                      "fix": {"commands": lines[3::4]}}],
        "checks": [{"code": "x", "outcome": "found", "duration_ms": 1.0}],
    }  # fmt: skip
    return bundle.text(
        [
            ("plan", [*bundle.planned(view.plan), *SECRETS.values()]),
            ("services", bundle.states(document)),
            ("doctor", bundle.findings(found)),
            *bundle.said({"redis": "\n".join(lines), "agent-core": ""}, 80),
        ]
    )


def test_of_fifty_secrets_in_every_part_none_survives() -> None:
    before = whole()
    told = redact(before, [*KNOWN, *SECRETS.values()])
    secrets = {secret for _, secret in planted()} | set(SECRETS.values())
    assert len(secrets) >= 50 and all(secret in before for secret in secrets)
    assert [secret for secret in secrets if secret in told] == []


def test_what_helps_is_still_there() -> None:
    told = redact(whole(), [*KNOWN, *SECRETS.values()])
    for words in ("== plan", "db-postgres", "runtime process, slot 0", "ALFRED_LOG_LEVEL=INFO",
                  "== services", "down", "== log of redis", "(nothing)"):  # fmt: skip
        assert words in told
    last = bundle.said({"redis": "\n".join(f"line {n}" for n in range(200))}, 3)
    assert list(last) == [("log of redis", ["line 197", "line 198", "line 199"])]
