"""A proxy would be asked for what runs on this very machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from alfred_dev.doctor.look.configuration import Configuration, configuration
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given, Severity

PROXIES = ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "https_proxy", "HTTPS_PROXY")


def judge(seen: Configuration, given: Given) -> Iterable[Finding]:
    """Find proxy variables without an exception for loopback and the names of the stack."""
    proxies = [key for key in PROXIES if given.environment.get(key)]
    needed = ["localhost", "127.0.0.1"]
    domain = given.plan.domain if given.plan else ""
    missing = [name for name in needed if not _spared(name, given.environment)]
    if domain and not _spared(f"ui.{domain}", given.environment):
        missing.append(f".{domain}")
    if proxies and missing:
        every = f"localhost,127.0.0.1,::1,.localhost{f',.{domain}' if domain else ''}"
        yield Finding(
            subject=proxies[0],
            cause=f"{', '.join(proxies)} is set and NO_PROXY spares not {', '.join(missing)}: "
            "curl, browsers and SDKs ask the proxy for services of this machine",
            evidence=tuple(f"{key} is set" for key in proxies)
            + (f"NO_PROXY={_exceptions(given.environment)}",),
            fix=Fix(
                text="Make an exception for this machine (both spellings are read).",
                commands=(f"export NO_PROXY={every} no_proxy={every}",),
            ),
        )


def _exceptions(environment: Mapping[str, str]) -> str:
    return environment.get("no_proxy") or environment.get("NO_PROXY") or ""


def _spared(name: str, environment: Mapping[str, str]) -> bool:
    rules = [r.strip().lstrip("*") for r in _exceptions(environment).split(",") if r.strip()]
    return any(
        rule == "" or name == rule.lstrip(".") or name.endswith("." + rule.lstrip("."))
        for rule in rules
    ) or "*" in _exceptions(environment).split(",")  # fmt: skip


CHECK = Check(
    code="proxy-without-exception",
    title="A proxy stands between this shell and the stack",
    category=Category.HOST,
    severity=Severity.WARNING,
    cause="HTTP_PROXY is set, and NO_PROXY does not spare this machine",
    fix="`export NO_PROXY=localhost,127.0.0.1,::1,.localhost,.DOMAIN no_proxy=...`",
    rank=55,
    needs_plan=False,
    observe=configuration,
    judge=judge,
)
