"""init, config validate|show|explain|unset|schema, uninstall."""

from __future__ import annotations

from typing import Annotated

import typer

from alfred_dev.cli import options
from alfred_dev.errors import UsageError
from alfred_dev.report.command import typed

config_app = typer.Typer(
    name="config", help="What is configured, and where each value comes from.",
    no_args_is_help=True, rich_markup_mode=None,
)  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(init)
    app.command()(uninstall)
    for command in (validate, show, explain, unset, schema):
        config_app.command()(command)
    app.add_typer(config_app)


def init() -> None:
    """Write a commented alfred.yaml into this folder."""
    from pathlib import Path

    from alfred_dev import projectfile
    from alfred_dev.catalog.project import FILE
    from alfred_dev.report.template import ALFRED_YAML
    from alfred_dev.workspace import Workspace, write

    place = Workspace(Path.cwd())
    if (place.root / FILE).exists():
        raise UsageError(
            "exists",
            f"{FILE} is here already",
            cause=f"{place.root / FILE} is not overwritten",
            fix=["alfred-dev config validate"],
        )
    place.prepare()
    projectfile.write_schema(place, projectfile.catalog())
    write(place.root / FILE, ALFRED_YAML.encode(), mode=0o644)
    print(typed(f"Wrote {FILE}; every line of it is a comment. Next: alfred-dev up"))


def validate(ctx: typer.Context, as_json: options.Json = False) -> None:
    """Check alfred.yaml and the .env files: every mistake at once."""
    from alfred_dev import projectfile
    from alfred_dev.cli import session
    from alfred_dev.report import json as report_json

    place = session.workspace()
    found = projectfile.loaded(place)
    strays = session.load_settings(ctx, place, found).strays
    if as_json:
        return report_json.emit(report_json.validated(found.warnings, strays))
    warnings = [*map(str, found.warnings), *strays]
    for warning in warnings:
        print(f"warning: {warning}")
    name = "alfred.yaml and settings" if found.project.present else "settings (no alfred.yaml)"
    print(f"{name}: nothing wrong" + (", but see the warnings" if warnings else ""))
    return None


def show(ctx: typer.Context, as_json: options.Json = False) -> None:
    """Show every setting: its value and where it comes from. Secrets are masked."""
    from alfred_dev import projectfile
    from alfred_dev.cli import session
    from alfred_dev.report import explain as report_explain
    from alfred_dev.report import json as report_json

    place = session.workspace()
    settings = session.load_settings(ctx, place, projectfile.loaded(place))
    rows = report_explain.settings_rows(settings)
    if as_json:
        return report_json.emit({"schema": report_json.schema("config-show"), "settings": rows})
    for row in rows:
        print(f"{row['key']}={row['value']}   # {row['origin']}")
    return None


def explain(
    ctx: typer.Context,
    key: Annotated[str, typer.Argument(help="A setting, or a path like services.redis.from.")],
    as_json: options.Json = False,
) -> None:
    """Show where one value comes from: the winner, and every layer that it hides."""
    from alfred_dev import projectfile
    from alfred_dev.cli import session
    from alfred_dev.report import explain as report_explain
    from alfred_dev.report import json as report_json

    place = session.workspace()
    found = projectfile.loaded(place)
    settings = session.load_settings(ctx, place, found)
    layers = report_explain.layers(key, settings, found)
    if as_json:
        schema_name = report_json.schema("config-explain")
        return report_json.emit({"schema": schema_name, "key": key, "layers": layers})
    for number, layer in enumerate(layers):
        mark = "  " if number else "->"
        print(f"{mark} {layer['value']:<28} {layer['origin']}")
    return None


def unset(
    key: Annotated[str, typer.Argument(help="A path, like services.redis.env.MY_FLAG.")],
) -> None:
    """Take one entry out of alfred.yaml; every other byte of it stays."""
    from alfred_dev.catalog import edit
    from alfred_dev.catalog.project import FILE
    from alfred_dev.cli import session
    from alfred_dev.projectfile import loaded, read
    from alfred_dev.workspace import write

    place = session.workspace()
    loaded(place)  # a file with mistakes is not edited
    text = read(place.root / FILE) or ""
    left = edit.without(text, key.split("."))
    if left is None:
        raise UsageError(
            "unknown-key",
            f"{FILE} does not have {key}",
            cause="nothing was changed",
            fix=[f"alfred-dev config explain {key}"],
        )
    mode = (place.root / FILE).stat().st_mode & 0o777
    write(place.root / FILE, left.encode(), mode=mode)
    print(typed(f"Took {key} out of {FILE}. Next: alfred-dev up"))


def schema() -> None:
    """Print the JSON Schema of alfred.yaml, for editors."""
    from alfred_dev import projectfile

    # Of the catalog alone: an editor may ask for it while alfred.yaml is broken.
    print(projectfile.schema(projectfile.catalog()))


def uninstall(yes: options.Yes = False) -> None:
    """End everything, delete what was made here but .env, and give the machine back."""
    from alfred_dev import consent, lifecycle, slots, workspace
    from alfred_dev.changes.machine import Machine
    from alfred_dev.cli import authority, choice, open_tunnels, session, tidying
    from alfred_dev.cli.stack import confirm
    from alfred_dev.pki.store import delete_leaves
    from alfred_dev.report import security
    from alfred_dev.setup import act

    place = session.workspace()
    machine, ledger = Machine(), authority.ledger_of_user()
    undos = act.undoing(machine, ledger, place.root, kinds=lambda _: True)
    for line in security.undos(undos):
        session.note(line)
    question = f"End everything and delete {place.home} with all data?"
    confirm(question, yes=yes, command="alfred-dev uninstall --yes")
    if place.home.is_dir():
        with session.locked("uninstall"):
            open_tunnels.end_all(place)
            lifecycle.down(place, choice.every(place, session.note), session.note, volumes=True)
            tidying.remove_all(place, session.note)
    act.undo(undos, machine, ledger, place.root, session.note)
    delete_leaves(place.root / "certs")
    workspace.delete_tree(place.home)
    slots.release(session.slots_file(), place.root)
    consent.withdraw(session.slots_file().parent, place.root)
    for one in undos:
        print(f"kept   {one.title}" if one.kept_for else f"undone {one.title}")
    print("Gone: all that ran, .alfred, certificates, the slot. Left: .env, alfred.yaml, .venv.")
