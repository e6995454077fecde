"""docs/doctor.md: every code, its cause and its fix, made from the checks themselves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from alfred_dev.doctor.model import Category, Check

HEAD = """\
# What the doctor finds

<!-- Written by scripts/golden from the checks themselves; a test compares. -->

`alfred-dev doctor` looks at everything at once and names root causes: what follows from one is
listed under it, not beside it. Exit 1 when something is broken (severity error), else 0.

```console
$ alfred-dev doctor                       # everything
$ alfred-dev doctor --quick               # only what takes no time
$ alfred-dev doctor --only data           # one group
$ alfred-dev doctor password-mismatch     # one check
$ alfred-dev doctor --fix                 # does what is safe, asks for the rest, looks again
$ alfred-dev doctor trace agent-core      # the way to one service, hop by hop
$ alfred-dev scan                         # what stands open on this machine
```

`--fix` does by itself only what loses nothing (starting, restarting, rendering, renewing, taking
rights away from others); for the rest it asks, `--yes` answers. What would end a process that is
not ours is only printed. What was done stands in `.alfred/doctor.log`. What it changed outside of
the project (a limit of the kernel, a rule of the firewall) is in the ledger before it is changed,
and `alfred-dev uninstall` gives it back.

A check that could not look is never "healthy": it is listed as such. `--json` has every check with
its outcome (`ok`, `found`, `masked`, `skipped`, `crashed`) and how long it took.
"""


def markdown(checks: Sequence[Check], scans: Sequence[Check]) -> str:
    """Return the whole page."""
    parts = [HEAD]
    for category in Category:
        rows = [c for c in checks if c.category is category]
        if rows:
            parts.append(f"## {category}\n\n{_table(rows)}")
    own = [c for c in scans if c not in checks]
    shared = ", ".join(f"`{c.code}`" for c in scans if c in checks)
    parts.append(f"## scan\n\nBesides {shared}:\n\n{_table(own)}")
    return "\n".join(parts)


def _table(checks: Iterable[Check]) -> str:
    lines = ["| code | severity | what it is | cause | fix |", "|---|---|---|---|---|"]
    lines += [
        f"| `{c.code}` | {c.severity} | {_cell(c.title)} | {_cell(c.cause)} | {_cell(c.fix)} |"
        for c in checks
    ]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
