"""Shell completion: live names of services."""

from __future__ import annotations


def services(incomplete: str) -> list[str]:
    """Return the ids (and, where no id fits, the other names) that begin with ``incomplete``."""
    from alfred_dev.cli.session import catalog

    known = catalog().services.values()
    ids = [s.id for s in known if s.id.startswith(incomplete)]
    return ids or [a for s in known for a in s.aliases if a.startswith(incomplete)]


def shown(incomplete: str) -> list[str]:
    """Return what a tunnel may show and begins with ``incomplete``."""
    from alfred_dev.cli.session import catalog
    from alfred_dev.hostnames import API

    known = [API, *(s.id for s in catalog().services.values() if s.tunnelable)]
    return [name for name in known if name.startswith(incomplete)]
