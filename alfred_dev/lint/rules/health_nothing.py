"""A health check that is always well."""

import re
from collections.abc import Iterator

from alfred_dev.lint.model import Health, Project
from alfred_dev.lint.rule import Context, Finding, Rule, Severity

NOTHING = re.compile(
    r"\s*(?:(?:/bin/)?(?:ba|a)?sh\s+-c\s+)?['\"]?\s*(?:exit\s+0|true|/bin/true|:|echo\b[^|;&]*|sleep\s+\d+|ls\b[^|;&]*|"
    r"kill\s+-0\s+1)\s*['\"]?\s*(?:\|\|\s*exit\s+\d+\s*['\"]?\s*)?\Z"
)  # fmt: skip
SWALLOWED = re.compile(r"(?:\|\||;)\s*(?:true|exit\s+0|:|echo\b[^|;&]*)\s*['\"]?\s*\Z")
# A grep that finds itself in the list of processes.
ITSELF = re.compile(r"ps\s+[-\w]+\s*\|\s*grep\s+(?!.*(?:-v|\[))['\"]?[\w./-]+")
ACCEPTS_ALL = re.compile(r"\bcurl\b(?P<rest>[^|;&]*)(?:$|\|\||&&|;)")
FAILS = re.compile(r"(?:^|\s)(?:-[a-zA-Z]*f[a-zA-Z]*|--fail(?:-with-body)?)(?=\s|$)")


def check(project: Project, context: Context) -> Iterator[Finding]:
    """One finding a check."""
    for service in project.services.values():
        if service.health and not service.health.disabled and service.health.text:
            reason = why(service.health)
            if reason:
                yield RULE.found(
                    f"the health check of {service.name} {reason[0]}",
                    service.health.place,
                    service=service.name,
                    severity=reason[1],
                    fix=reason[2],
                )


def why(health: Health) -> tuple[str, Severity, str] | None:
    """Say why a check says nothing, how bad that is, and what to write instead."""
    text = health.text.strip()[:2000]
    ask = "ask the service itself: its health page, or its own client"
    if NOTHING.match(text):
        return "checks nothing: it always succeeds", Severity.ERROR, ask
    if SWALLOWED.search(text):
        return (
            "cannot fail: what follows || or ; succeeds always",
            Severity.ERROR,
            "end it with || exit 1",
        )
    if ITSELF.search(text):
        return "finds itself: grep is in the list of processes too", Severity.ERROR, ask
    curl = ACCEPTS_ALL.search(text)
    if (
        curl
        and "http" in curl["rest"]
        and not FAILS.search(curl["rest"])
        and "|" not in _pipes(text)
    ):
        return "is content with HTTP 500: curl fails only with -f", Severity.WARNING, "curl -f URL"
    return None


def _pipes(text: str) -> str:
    """Return the single pipes of a script: what reads curl's answer may judge it."""
    bare = text.replace("||", "")
    return "|" if "|" in bare or "$(" in bare or "%{http_code}" in bare else ""


BAD = """\
services:
  a:
    image: nginx:1.27
    healthcheck: {test: [CMD-SHELL, exit 0]}
"""
GOOD = """\
services:
  a:
    image: nginx:1.27
    healthcheck: {test: [CMD-SHELL, curl -fs http://localhost/ || exit 1]}
"""
RULE = Rule(
    code="health-nothing",
    title="A health check that checks nothing",
    severity=Severity.ERROR,
    page="`exit 0`, `true`, `... || true` or a grep that finds itself make a container healthy "
    "whatever it does: whoever waits for it is let through too early, and a dead service looks "
    "well. "
    "`curl` without `-f` takes an error page for health: a warning.",
    bad=BAD,
    good=GOOD,
    check=check,
)
