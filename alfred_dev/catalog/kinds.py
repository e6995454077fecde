"""What a port may be asked: apart from the rest of the catalog, which stand-ins do not load."""

from __future__ import annotations

from enum import StrEnum


class ProbeKind(StrEnum):
    """Protocols we can ask for health; one file each in ``alfred_dev.probe``."""

    HTTP = "http"
    HTTPS = "https"
    TCP = "tcp"
    POSTGRES = "postgres"
    REDIS = "redis"
    SMTP = "smtp"
    GRPC = "grpc"
    PUBSUB = "pubsub"
