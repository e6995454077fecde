"""Certificates: chain and key in one file, so that both change by one rename."""

from __future__ import annotations

from alfred_dev.access import Certificate
from alfred_dev.render.gateway.world import Resource, World, files, typed

NAMES, LOOPBACK = "certificate", "certificate-loopback"


def secrets(world: World) -> dict[str, Resource]:
    """Return the certificate of the names, and that of https://127.0.0.1 where there is one."""
    found = {NAMES: _secret(NAMES, world.access.certificate)}
    if world.access.loopback is not None:
        found[LOOPBACK] = _secret(LOOPBACK, world.access.loopback)
    return found


def _secret(name: str, certificate: Certificate) -> Resource:
    return {
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
        "name": name,
        "tls_certificate": {
            "certificate_chain": {"inline_string": certificate.chain},
            "private_key": {"inline_string": certificate.key},
        },
    }


def transport(name: str, world: World) -> Resource:
    """Return the TLS of one filter chain: 1.3 only."""
    certificate = {"name": name, "sds_config": files(name, world)}
    return {
        "name": "envoy.transport_sockets.tls",
        "typed_config": typed(
            "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            common_tls_context={
                "tls_params": {
                    "tls_minimum_protocol_version": "TLSv1_3",
                    "tls_maximum_protocol_version": "TLSv1_3",
                },
                "alpn_protocols": ["h2", "http/1.1"],
                "tls_certificate_sds_secret_configs": [certificate],
            },
        ),
    }
