"""names show|apply|remove|check."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alfred_dev.cli import options

if TYPE_CHECKING:
    from alfred_dev.names.resolve import Resolution

names_app = typer.Typer(
    name="names", help="The names of the stack, and how they lead to this machine.",
    no_args_is_help=True, rich_markup_mode=None,
)  # fmt: skip


class ByWay(StrEnum):
    """How names are made to resolve."""

    AUTO = "auto"
    HOSTS = "hosts"
    DNSMASQ = "dnsmasq"


How = Annotated[
    ByWay,
    typer.Option("--way", help="auto: nothing where they resolve, else the hosts file."),
]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    for command in (show, apply, remove, check):
        names_app.command()(command)
    app.add_typer(names_app)


def show(as_json: options.Json = False) -> None:
    """Show every name, what it leads to, and its addresses on this machine."""
    _report(as_json=as_json)


def check(as_json: options.Json = False) -> None:
    """Check that every name leads to this machine; exit 1 when one does not."""
    from alfred_dev.cli import session

    document = _report(as_json=as_json)
    if not document["ok"]:
        bad = [row["name"] for row in document["names"] if not row["ok"]]
        session.note(f"{len(bad)} of {len(document['names'])} names do not lead here: "
                     "alfred-dev names apply")  # fmt: skip
        for line in _rivals(bad):
            session.note(line)
    raise typer.Exit(0 if document["ok"] else 1)


def apply(way: How = ByWay.AUTO, yes: options.Yes = False, as_json: options.Json = False) -> None:
    """Have every name lead to this machine; shows each change, and asks."""
    from alfred_dev.cli import setup

    setup.run(naming=True, trust=False, way=way, yes=yes, as_json=as_json, command="names apply")


def remove(yes: options.Yes = False) -> None:
    """Take this checkout's names back. What another checkout wants stays."""
    from alfred_dev.cli import setup
    from alfred_dev.setup import act

    setup.take_back(act.is_naming, yes=yes, command="alfred-dev names remove --yes")


def _report(*, as_json: bool) -> dict[str, Any]:
    from alfred_dev import hostnames, projectfile
    from alfred_dev.cli import authority, session
    from alfred_dev.names import resolve
    from alfred_dev.report import json as report_json
    from alfred_dev.report import security
    from alfred_dev.settings import DEFAULT_DOMAIN
    from alfred_dev.setup import act

    place = session.workspace()
    found = projectfile.loaded(place)
    domain = found.project.domain or DEFAULT_DOMAIN
    leads_to = {h.name: h.leads_to for h in hostnames.hostnames(found.catalog, domain)}
    entries = authority.ledger_of_user().entries()
    ways = [e.kind for e in entries if act.is_naming(e) and str(place.root) in e.wants]
    resolved = tuple(_with_dns(r) for r in resolve.resolve(leads_to))
    document = security.names(resolved, leads_to, ", ".join(ways))
    if as_json:
        report_json.emit(document)
    else:
        print(*security.name_lines(document), sep="\n")
    return document


def _with_dns(found: Resolution) -> Resolution:
    """Ask DNS as well where the system leads elsewhere: it tells which of both is wrong."""
    from dataclasses import replace

    from alfred_dev.names import resolve

    if found.ok or not found.addresses:
        return found
    return replace(found, dns=resolve.by_dns(found.name))


def _rivals(names: list[str]) -> list[str]:
    """Return the lines of the hosts file that lead our names elsewhere."""
    from alfred_dev.changes.machine import Machine
    from alfred_dev.names import hosts_file

    return hosts_file.rivals(Machine().path(hosts_file.HOSTS), names)
