"""The providers that there are: a word each."""

from __future__ import annotations

from pathlib import Path

from alfred_dev.tunnel.base import Place, Provider
from alfred_dev.tunnel.model import TunnelSpec

PROVIDERS = ("ngrok", "ssh")


def provider(spec: TunnelSpec) -> Provider:
    """Return the provider that a tunnel asks for. Raises UsageError."""
    place = Place(home=Path(spec.home), name=spec.name, project=spec.project)
    if spec.provider == "ssh":
        from alfred_dev.tunnel.ssh import Ssh, server

        return Ssh(place=place, server=server(spec.ssh_host), domain=spec.domain)
    from alfred_dev.tunnel.ngrok import Ngrok

    return Ngrok(place=place, domain=spec.domain)
