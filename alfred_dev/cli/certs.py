"""certs show|mint|renew|trust|untrust|verify."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from alfred_dev.cli import options
from alfred_dev.report.command import typed

if TYPE_CHECKING:
    from alfred_dev.catalog.project import Loaded
    from alfred_dev.pki.authority import Store
    from alfred_dev.workspace import Workspace

certs_app = typer.Typer(
    name="certs", help="The local CA and its certificates, and who trusts them.",
    no_args_is_help=True, rich_markup_mode=None,
)  # fmt: skip
Java = Annotated[
    bool,
    typer.Option("--java", help="Java's own store too. It ignores what our CA may not sign."),
]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    for command in (show, mint, renew, trust, untrust, verify):
        certs_app.command()(command)
    app.add_typer(certs_app)


def show(as_json: options.Json = False) -> None:
    """Show the CA, who trusts it, and the certificates of this checkout."""
    from alfred_dev.changes.machine import Machine
    from alfred_dev.cli import authority
    from alfred_dev.pki import store as pki_store
    from alfred_dev.pki import trust as places
    from alfred_dev.report import json as report_json
    from alfred_dev.report import security

    _, _, store = _here()
    ca = pki_store.show_ca(store)
    trusted: list[str] = []
    if ca is not None:
        mine = authority.of_places(store)
        found = places.find(Machine(), with_java=True)
        trusted = [f"{p.kind}: {p.title}" for p in found if p.check(mine)]
    document = security.certs(store, ca, trusted, pki_store.show(store))
    if as_json:
        return report_json.emit(document)
    print(*security.certs_lines(document, authority.now()), sep="\n")
    return None


def mint(
    ctx: typer.Context,
    new_ca: Annotated[
        bool, typer.Option("--new-ca", help="A new CA too. All that trusted the old one must anew.")
    ] = False,
    yes: options.Yes = False,
    as_json: options.Json = False,
) -> None:
    """Make what is missing: the CA, and the certificates of the gateway and of 127.0.0.1."""
    _, _, store = _here()
    if new_ca and store.ca_certificate.exists():
        from alfred_dev.cli.stack import confirm

        confirm(
            "Make a new CA? Whatever trusts the present one has to trust it anew.",
            yes=yes,
            command="alfred-dev certs mint --new-ca --yes",
        )
    _mint(ctx, new_ca=new_ca, force=False, as_json=as_json)


def renew(ctx: typer.Context, as_json: options.Json = False) -> None:
    """Make the certificates anew, by the same CA: nothing has to be trusted again."""
    _mint(ctx, new_ca=False, force=True, as_json=as_json)


def _mint(ctx: typer.Context, *, new_ca: bool, force: bool, as_json: bool) -> None:
    from alfred_dev.cli import authority
    from alfred_dev.cli.place import note
    from alfred_dev.pki import store as pki_store

    place, found, store = _here()
    done = pki_store.ensure(
        store,
        authority.names(found, web_only=True),
        authority.now(),
        own=authority.own(place, found),
        force=force,
        new_ca=new_ca,
    )
    if done.leaves:
        _tell_gateway(ctx, place)
    for line in done.notes:
        note(f"warning: {line}")
    if new_ca:
        for entry in authority.stale_trust(store):
            note(f"has to trust the new CA: {entry.data['place']}; alfred-dev setup")
    if as_json:
        return show(as_json=True)
    ca = [f"made   {'the CA':<12} {store.ca_certificate}"] if done.new_ca else []
    leaves = [f"made   {k:<12} {store.certificate(k)} ({why})" for k, why in done.leaves.items()]
    print(*([*ca, *leaves] or ["Nothing was missing."]), sep="\n")
    return None


def _tell_gateway(ctx: typer.Context, place: Workspace) -> None:
    """Have a gateway that runs serve the new certificates: at once, without a restart."""
    if (place.render / "gateway").is_dir():
        from alfred_dev import lifecycle  # loads everything that a plan needs
        from alfred_dev.cli import session

        with session.locked("certs"):
            lifecycle.refresh_gateway(session.stack(ctx))


def trust(java: Java = False, yes: options.Yes = False, as_json: options.Json = False) -> None:
    """Have this machine trust the CA: the system, browsers; shows each change, and asks."""
    from alfred_dev.cli import setup

    setup.run(naming=False, trust=True, java=java, yes=yes, as_json=as_json, command="certs trust")


def untrust(yes: options.Yes = False) -> None:
    """Take this checkout's trust back. What another checkout wants stays."""
    from alfred_dev.cli import setup
    from alfred_dev.setup import act

    setup.take_back(act.is_trust, yes=yes, command="alfred-dev certs untrust --yes")


def verify(as_json: options.Json = False) -> None:
    """Prove trust: a throw-away certificate, and a real handshake of every client here."""
    from alfred_dev.changes.machine import Machine
    from alfred_dev.cli import authority
    from alfred_dev.pki import authority as pki_authority
    from alfred_dev.pki import verify as pki_verify
    from alfred_dev.report import json as report_json
    from alfred_dev.report import security

    place, _, store = _here()
    pki_authority.read_ca(store, authority.now())
    ca = pki_authority.signing_pair(store)
    name = f"verify.{store.domain}"
    variables = authority.ca_variables(place, store)
    found = pki_verify.verify(Machine(), ca, name, authority.now(), variables)
    document = security.proofs(found)
    if as_json:
        report_json.emit(document)
    else:
        print(*security.proof_lines(found), sep="\n")
        if not document["ok"]:
            print(
                typed("fix: alfred-dev setup   (what trusts by `alfred-dev run` needs that alone)")
            )
    raise typer.Exit(0 if document["ok"] else 1)


def _here() -> tuple[Workspace, Loaded, Store]:
    from alfred_dev import projectfile
    from alfred_dev.cli import authority
    from alfred_dev.cli.place import check_access, workspace

    place = workspace()
    check_access(place)
    found = projectfile.loaded(place)
    return place, found, authority.store(place, found.project)
