"""The catalog says exactly what the platform's port reference says."""

from __future__ import annotations

import re

from alfred_dev.catalog.model import ProbeKind, Tier
from tests.worlds import catalog

# service title, port, protocol: the platform's port reference, row by row.
PORT_REFERENCE = [
    ("UI Chat", 8502, "HTTP"), ("UI Admin", 3007, "HTTP"), ("Auth UI", 3006, "HTTP"),
    ("Agent Core", 8011, "HTTP"), ("Agent RAG", 8501, "HTTP"),
    ("Social Intelligence", 9000, "HTTP"), ("Financial-Tax", 9003, "HTTP"),
    ("Legal Compliance", 9002, "HTTP"),
    ("Model Registry", 8079, "HTTP"), ("Model Router", 8080, "HTTP"), ("Postgres", 5432, "TCP"),
    ("Redis", 6379, "TCP"), ("Vector DB", 6333, "HTTP"), ("Vector DB", 6334, "gRPC"),
    ("PubSub Emulator", 8085, "HTTP"), ("Grafana", 3005, "HTTP"), ("Prometheus", 9090, "HTTP"),
    ("Mail Server", 1025, "SMTP"), ("Mail UI", 8025, "HTTP"),
]  # fmt: skip


def test_it_has_the_rows_of_the_port_reference_in_their_order() -> None:
    rows = [
        (port.title or service.title, port.host, port.protocol)
        for service in catalog().services.values()
        for port in service.ports
    ]
    assert rows == PORT_REFERENCE


def test_it_has_seventeen_services() -> None:
    assert len(catalog().services) == 17


def test_every_image_is_pinned_to_an_exact_version() -> None:
    for service in catalog().services.values():
        if service.image:
            assert re.search(r":v?\d+\.\d+\.\d+", service.image), service.image


def test_what_is_not_built_from_a_checkout_has_an_image() -> None:
    for service in catalog().services.values():
        assert (service.image is None) != (service.context is None), service.id


def test_every_dependency_of_a_platform_service_is_told_its_address() -> None:
    known = catalog()
    for service in known.services.values():
        told = {found[0].id for name in service.needs if (found := known.provider_of(name))}
        assert told == set(service.depends_on), service.id


def test_health_is_asked_in_the_protocol_of_the_port() -> None:
    by_protocol = {"SMTP": ProbeKind.SMTP, "gRPC": ProbeKind.GRPC}
    for service in catalog().services.values():
        for port in service.ports:
            expected = by_protocol.get(port.protocol)
            assert expected is None or port.probe is expected


def test_the_tiers_match_the_network_layers() -> None:
    tiers = {service.id: service.tier for service in catalog().services.values()}
    assert tiers["ui-chat"] is Tier.PUBLIC
    assert tiers["agent-core"] is Tier.APPLICATION
    assert tiers["db-postgres"] is Tier.DATA
    assert tiers["monitoring-metrics"] is Tier.MONITORING
