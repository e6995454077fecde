"""The topics and subscriptions that a project declares, there from the first moment."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from google.protobuf import json_format

from alfred_dev.catalog.topology import Wanted
from alfred_dev.embedded.pubsub.errors import PubsubError
from alfred_dev.embedded.pubsub.service import Service

log = logging.getLogger("alfred_dev.embedded")


def make(service: Service, wanted: Iterable[Wanted]) -> None:
    """Make them. What cannot be is logged: a server without it is better than none."""
    rpcs = service.rpcs()
    for one in wanted:
        is_topic = "/topics/" in one.path
        kind = rpcs["Publisher/CreateTopic" if is_topic else "Subscriber/CreateSubscription"]
        create = service.create_topic if is_topic else service.create_subscription
        try:
            create(json_format.ParseDict({**one.body, "name": one.path}, kind.request()))
            log.info("made %s", one.path)
        except (json_format.ParseError, PubsubError) as error:
            log.error("%s cannot be made: %s", one.path, error)
