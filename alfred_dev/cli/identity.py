"""token, apikey: who may call the API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from alfred_dev.cli import options

if TYPE_CHECKING:
    from alfred_dev.stack import Stack

token_app = typer.Typer(
    name="token",
    help="Make a token for the API, or change the key that signs them.",
    invoke_without_command=True,
)
apikey_app = typer.Typer(name="apikey", help="API keys: for programs, until revoked.")

Role = Annotated[str, typer.Option("--role", help="admin or user; services may know others.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The program that has the key.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.add_typer(token_app)
    app.add_typer(apikey_app)


@token_app.callback()
def token(
    ctx: typer.Context,
    user: Annotated[str, typer.Option("--user", help="For whom.")] = "developer",
    role: Role = "user",
    scope: Annotated[str, typer.Option("--scope", help="Scopes, with spaces between.")] = "api",
    ttl: Annotated[
        int | None, typer.Option("--ttl", metavar="SECONDS", help="1 to 3600. Default: 900.")
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Print a token of this checkout for `Authorization: Bearer`."""
    if ctx.invoked_subcommand is not None:
        return None
    import time

    from alfred_dev import gatekeeper
    from alfred_dev.cli import session
    from alfred_dev.identity import tokens
    from alfred_dev.report import identity as report

    stack = session.stack(ctx)
    made = tokens.mint(
        tokens.Subject(user=user, role=role, scope=scope),
        gatekeeper.identity(stack.workspace).ensure(time.time()),
        issuer=stack.plan.issuer,
        now=time.time(),
        ttl_s=tokens.DEFAULT_TTL_S if ttl is None else ttl,
    )
    if as_json:
        return report.emit_token(made)
    print(made.text)
    ends = datetime.fromtimestamp(made.claims["exp"], UTC).astimezone()
    return session.note(f"for {user} ({role}), until {ends:%H:%M:%S}; alfred-dev token --help")


@token_app.command()
def rotate(
    ctx: typer.Context,
    forget: Annotated[
        bool, typer.Option("--forget", help="End every token that there is, now.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Sign with a new key; the old one is known until its last token has ended."""
    import time

    from alfred_dev import gatekeeper
    from alfred_dev.cli import session
    from alfred_dev.report import identity as report

    with session.locked("token rotate"):
        place = session.workspace()
        place.prepare()
        found = gatekeeper.identity(place).rotate(time.time(), forget=forget)
        _tell_gateway(session.stack(ctx))
    if as_json:
        return report.emit_keys(found)
    rest = ", ".join(key.kid for key in found[1:])
    print(f"signing with {found[0].kid}" + (f"; still known: {rest}" if rest else ""))
    return None


@apikey_app.command()
def create(
    ctx: typer.Context, name: Name, role: Role = "user", as_json: options.Json = False
) -> None:
    """Make an API key and print it. It opens the API as `x-api-key`, or gets tokens by OAuth."""
    from alfred_dev import gatekeeper
    from alfred_dev.cli import session
    from alfred_dev.report import identity as report

    with session.locked("apikey create"):
        place = session.workspace()
        place.prepare()
        made = gatekeeper.identity(place).add_client(name, role)
        _tell_gateway(session.stack(ctx))
    if as_json:
        return report.emit_client(made)
    return print(made.key)


@apikey_app.command("list")
def list_(ctx: typer.Context, as_json: options.Json = False) -> None:
    """List who has an API key; never the keys."""
    from alfred_dev import gatekeeper
    from alfred_dev.cli import session
    from alfred_dev.report import identity as report

    found = gatekeeper.identity(session.workspace()).clients()
    if as_json:
        return report.emit_clients(found)
    for client in found:
        print(f"{client.name:<24}{client.role}")
    if not found:
        session.note("there are no API keys: alfred-dev apikey create NAME")
    return None


@apikey_app.command()
def revoke(ctx: typer.Context, name: Name, as_json: options.Json = False) -> None:
    """Forget an API key: the gateway refuses it from now on."""
    from alfred_dev import gatekeeper
    from alfred_dev.cli import session
    from alfred_dev.report import identity as report

    with session.locked("apikey revoke"):
        place = session.workspace()
        gatekeeper.identity(place).revoke_client(name)
        _tell_gateway(session.stack(ctx))
    if as_json:
        return report.emit_revoked(name)
    return print(f"revoked: {name}")


def _tell_gateway(stack: Stack) -> None:
    """Write what the gateway watches; it takes it over by itself, within milliseconds."""
    from alfred_dev import lifecycle

    lifecycle.refresh_gateway(stack)
