"""What is written down of a request, and what is answered when no service does. No secret in it.

Paths are logged without their query: people put tokens there.
"""

from __future__ import annotations

from alfred_dev.access import AUDIENCE
from alfred_dev.render.gateway.world import Resource, typed

LINE = {
    "at": "%START_TIME%",
    "request_id": "%REQ(X-REQUEST-ID)%",
    "client": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
    "user": "%DYNAMIC_METADATA(alfred:user)%",
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


# What Envoy notes of a refusal -> what to tell the developer: its own words name no way out.
ANOTHER = "alfred-dev token"
STRANGE = f"the token was not signed by this checkout, or lives too long: {ANOTHER}"
REFUSED = {
    "admin-only": f"this path needs the role admin: {ANOTHER} --role admin",
    "other-sites": "a page of another site asked: only those of this stack may",
    "path-parameters": "a path with ; or a control character is refused",
    # Of all that Envoy refuses before its first filter, it tells no reason to the client.
    "path_normalization_failed": "this path hides a slash, a zero or a fragment (%%2f, %%5c, "
    "%%00, #): write it plainly",
    "Audiences_in_Jwt": f"the claim aud of the token is not {AUDIENCE}: {ANOTHER}",
    "Jwt_issuer": f"the claim iss of the token is not this checkout's: {ANOTHER}",
    "Jwt_is_expired": f"the token has expired: {ANOTHER}",
    "Jwt_verification": STRANGE,
    "Jwks_doesn": STRANGE,
}
WELL: Resource = {"json_format": {"status": "ok", "message": "%LOCAL_REPLY_BODY%"}}
EMPTY: Resource = {"text_format_source": {"inline_string": ""}}


def local_replies() -> Resource:
    """Return how the gateway's own refusals look: the JSON that our services answer with, too."""
    flags = {flag: {"response_flag_filter": {"flags": [flag]}} for flag in NO_ANSWER}
    mappers = [
        {"filter": _below(300), "body_format_override": WELL},
        {"filter": _below(400), "body_format_override": EMPTY},  # a redirect is no error
    ]
    mappers += [_mapper(flags[flag], message) for flag, message in NO_ANSWER.items()]
    mappers += [_mapper(_because(rule), message) for rule, message in REFUSED.items()]
    return {"mappers": mappers, "body_format": _body("%LOCAL_REPLY_BODY%")}


def _mapper(which: Resource, message: str) -> Resource:
    return {"filter": which, "body_format_override": _body(message)}


def _because(word: str) -> Resource:
    kind = "envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter"
    expression = f"response.code_details.contains('{word}')"
    config = typed(kind, expression=expression)
    return {"extension_filter": {"name": "alfred.because", "typed_config": config}}


def _below(status: int) -> Resource:
    value = {"default_value": status - 1, "runtime_key": "alfred.none"}
    return {"status_code_filter": {"comparison": {"op": "LE", "value": value}}}


def _body(message: str) -> Resource:
    error = {
        "code": "%RESPONSE_CODE%",
        "message": message,
        "request_id": "%REQ(X-REQUEST-ID)%",
    }
    return {"json_format": {"error": error}}
