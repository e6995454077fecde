"""Plan -> Grafana's provisioning: the one data source that there is."""

from __future__ import annotations

import yaml

from alfred_dev.workspace import Artifact


def render(prometheus_url: str) -> tuple[Artifact, ...]:
    """Return the data sources. ``prometheus_url``: Prometheus as Grafana sees it."""
    source = {
        "name": "Prometheus",
        "uid": "prometheus",
        "type": "prometheus",
        "access": "proxy",
        "url": prometheus_url,
        "isDefault": True,
        "editable": False,
    }
    document = {"apiVersion": 1, "datasources": [source]}
    return (Artifact("grafana/datasources.yaml", yaml.safe_dump(document, sort_keys=False)),)
