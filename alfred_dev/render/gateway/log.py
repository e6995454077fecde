"""What is written down of a request, and what is answered when no service does. No secret in it.

Paths are logged without their query: people put tokens there.
"""

from __future__ import annotations

from alfred_dev.render.gateway.world import Resource, typed

LINE = {
    "at": "%START_TIME%",
    "request_id": "%REQ(X-REQUEST-ID)%",
    "client": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
    "user": "%REQ(X-USER)%",
    "api_client": "%DYNAMIC_METADATA(alfred:client)%",
    "method": "%REQ(:METHOD)%",
    "host": "%REQ(:AUTHORITY)%",
    "path": "%PATH(NQ:ORIG_OR_PATH)%",
    "status": "%RESPONSE_CODE%",
    "flags": "%RESPONSE_FLAGS%",
    "why": "%RESPONSE_CODE_DETAILS%",
    "upstream": "%UPSTREAM_CLUSTER%",
    "ms": "%DURATION%",
    "upstream_ms": "%RESPONSE_DURATION%",
    "bytes_out": "%BYTES_SENT%",
    "traceparent": "%REQ(TRACEPARENT)%",
}


def access_log() -> Resource:
    """Return one line of JSON a request, on standard output."""
    return {
        "name": "envoy.access_loggers.stdout",
        "typed_config": typed(
            "envoy.extensions.access_loggers.stream.v3.StdoutAccessLog",
            log_format={"json_format": LINE, "omit_empty_values": True},
        ),
    }


# Response flag of Envoy -> what to tell the developer.
NO_ANSWER = {
    "UF": "%UPSTREAM_CLUSTER% does not answer: alfred-dev status",
    "UH": "%UPSTREAM_CLUSTER% does not answer: alfred-dev status",
    "UC": "%UPSTREAM_CLUSTER% closed the connection: alfred-dev logs %UPSTREAM_CLUSTER%",
    "UO": "%UPSTREAM_CLUSTER% has all the connections that the gateway gives it",
    "UT": "%UPSTREAM_CLUSTER% took too long: alfred-dev logs %UPSTREAM_CLUSTER%",
    "RL": "too many requests: wait as long as retry-after says",
}


def local_replies() -> Resource:
    """Return how the gateway's own refusals look: the JSON that our services answer with, too."""
    mappers = [
        {
            "filter": {"response_flag_filter": {"flags": [flag]}},
            "body_format_override": _body(message),
        }
        for flag, message in NO_ANSWER.items()
    ]
    return {"mappers": mappers, "body_format": _body("%LOCAL_REPLY_BODY%")}


def _body(message: str) -> Resource:
    error = {
        "code": "%RESPONSE_CODE%",
        "message": message,
        "request_id": "%REQ(X-REQUEST-ID)%",
    }
    return {"json_format": {"error": error}}
