"""tunnel open|list|close|test. ``tunnel SERVICE`` opens."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from alfred_dev.cli import options
from alfred_dev.cli.complete import shown

if TYPE_CHECKING:
    from alfred_dev.tunnel.model import Record


class _OpensByDefault(TyperGroup):
    """A group in which what is no command of it is something to open."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put ``open`` before anything but a command or the group's own options."""
        if not args:
            args = ["--help"]
        elif args[0] not in self.commands and args[0] not in ("-h", "--help"):
            args = ["open", *args]
        return super().parse_args(ctx, args)


tunnel_app = typer.Typer(
    name="tunnel", cls=_OpensByDefault, rich_markup_mode=None,
    help="Show one service to the world, for a while. `tunnel SERVICE` opens.",
)  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    tunnel_app.command("open")(open_)
    tunnel_app.command("list")(list_)
    tunnel_app.command("close")(close)
    tunnel_app.command("test")(test)
    app.add_typer(tunnel_app)


def open_(
    ctx: typer.Context,
    service: Annotated[
        str, typer.Argument(metavar="SERVICE", autocompletion=shown, help="api, ui, or an agent.")
    ],
    provider: Annotated[
        str, typer.Option("--provider", metavar="ngrok|ssh", help="Default: what is configured.")
    ] = "",
    ssh_host: Annotated[
        str, typer.Option("--ssh-host", metavar="USER@HOST", help="Your server (ssh).")
    ] = "",
    lasts: Annotated[str, typer.Option("--for", metavar="TIME", help="90s, 30m, 2h.")] = "2h",
    path: Annotated[
        str, typer.Option("--path", metavar="/PATH", help="Only this and what lies below it.")
    ] = "",
    basic_auth: Annotated[
        str, typer.Option("--basic-auth", metavar="USER", help="Whose password is made.")
    ] = "",
    allow_cidr: Annotated[
        list[str] | None, typer.Option("--allow-cidr", metavar="CIDR", help="Only from there.")
    ] = None,
    public: Annotated[bool, typer.Option("--public", help="Everybody may come in.")] = False,
    verify: Annotated[
        str, typer.Option("--verify", metavar="slack|github", help="Only what they have signed.")
    ] = "",
    domain: Annotated[
        str, typer.Option("--domain", metavar="NAME", help="A domain of yours.")
    ] = "",
    detach: Annotated[
        bool, typer.Option("-d", "--detach", help="Leave it to the supervisor, and return.")
    ] = False,
    offline: Annotated[
        bool, typer.Option("--offline", help="Never download the ngrok agent.")
    ] = False,
    yes: options.Yes = False,
    as_json: options.Json = False,
) -> None:
    """Show SERVICE to the world, until Ctrl-C or the end of its time."""
    from alfred_dev.cli import tunneling
    from alfred_dev.tunnel.opening import Wish

    wish = Wish(
        service=service,
        provider=provider,
        ssh_host=ssh_host,
        lasts=lasts,
        path=path,
        basic_auth=basic_auth,
        networks=tuple(allow_cidr or ()),
        public=public,
        verify=verify,
        domain=domain,
        detached=detach,
    )
    how = tunneling.How(offline=offline, yes=yes, as_json=as_json)
    raise typer.Exit(tunneling.open_tunnel(ctx, wish, how))


def list_(as_json: options.Json = False) -> None:
    """List the tunnels that are open."""
    from alfred_dev.cli import session
    from alfred_dev.report import json as report_json
    from alfred_dev.report import tunnels as report
    from alfred_dev.tunnel import state

    found = list(state.live(session.workspace().home, time.time()).values())
    if as_json:
        return report_json.emit(report.listed(found))
    if not found:
        print("No tunnel is open.")
    for line in report.lines(found, now=time.time()):
        print(line)
    return None


def close(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="As list shows it.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every tunnel of this checkout.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Close a tunnel; without a name the only one."""
    from alfred_dev.cli import open_tunnels, session
    from alfred_dev.report import json as report_json

    place = session.workspace()
    with session.locked("tunnel close"):
        closed = open_tunnels.close(place, name, everything=everything)
    if as_json:
        return report_json.emit(
            {"schema": report_json.schema("tunnel-close"), "ok": True, "closed": closed}
        )
    print(f"Closed: {', '.join(closed)}" if closed else "No tunnel was open.")
    return None


def test(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Default: all.")] = None,
    as_json: options.Json = False,
) -> None:
    """Ask each tunnel through its public URL and here; exit 1 when one is ill."""
    from alfred_dev.cli import open_tunnels, session
    from alfred_dev.report import json as report_json
    from alfred_dev.report import tunnels as report

    found: list[Record] = open_tunnels.tested(session.workspace(), name)
    if as_json:
        report_json.emit({**report.listed(found), "schema": report_json.schema("tunnel-test")})
    elif not found:
        print("No tunnel is open.")
    else:
        for line in report.lines(found, now=time.time()):
            print(line)
    raise typer.Exit(0 if all(record.healthy for record in found) else 1)
