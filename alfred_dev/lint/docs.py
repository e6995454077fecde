"""The rules as docs/lint.md has them; a test keeps the file true. Pure."""

from __future__ import annotations

from alfred_dev.lint.rule import Rule
from alfred_dev.lint.rules import rules

HEAD = """\
# The rules of `alfred-dev lint`

Written from `alfred_dev/lint/rules/` by `scripts/golden`; do not edit. Error: it will not work,
or is open to others. Warning: it will surprise. Info: worth knowing. One cause is one finding,
with all of its places.

A comment on the line, or above it, excuses a finding, with its reason:

```yaml
ports: ["8080:80"]  # alfred-dev: allow open-to-all (the demo machine has no other network)
# alfred-dev: allow floating-tag, default-password (throw-away test database)
image: postgres
# alfred-dev: allow-file open-to-all (lab network)      anywhere: for the whole file
```

A comment without a reason is not obeyed, and is a warning of its own (`suppression`).

| rule | severity | what |
|---|---|---|
"""


def page() -> str:
    """Return the whole page."""
    found = rules()
    table = "".join(f"| [{r.code}](#{r.code}) | {r.severity} | {r.title} |\n" for r in found)
    return HEAD + table + "".join(_section(rule) for rule in found)


def _section(rule: Rule) -> str:
    return (
        f"\n## {rule.code}\n\n{rule.title}. Severity: {rule.severity}, unless said otherwise.\n\n"
        f"{rule.page}\n\nBad:\n\n```yaml\n{rule.bad}```\n\nGood:\n\n```yaml\n{rule.good}```\n"
    )
