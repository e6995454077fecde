"""What every request goes through, in this order. Default deny: see ``authentication``.

What differs between hosts is in the routes, which change at once; a changed filter reaches new
connections only.
"""

from __future__ import annotations

from alfred_dev.access import AUDIENCE, MAX_TTL_S
from alfred_dev.render.gateway import limits, paths
from alfred_dev.render.gateway.world import TYPES, Resource, World, files, typed

# Filters by name, where routes give their own configuration.
HEADERS, RULES = "alfred.headers", "alfred.rules"
JWT, API_KEY = "envoy.filters.http.jwt_authn", "envoy.filters.http.api_key_auth"
CORS, BUFFER = "envoy.filters.http.cors", "envoy.filters.http.buffer"
AUTHENTICATION = "authentication"
AUTHENTICATOR = "envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication"
METADATA = "alfred"
KEY_HEADER = "x-api-key"
# What services believe because we say it: a client's own copies never pass.
USER, ROLE, SCOPE, CLIENT, SIGNED = TRUSTED = (
    "x-user", "x-role", "x-scope", "x-client-id", "x-alfred-gateway",
)  # fmt: skip
CLOCK_SKEW_S = 30
MAX_BODY_MB = 16
RBAC = "envoy.extensions.filters.http.rbac.v3.RBAC"


def enforcing(world: World) -> list[Resource]:
    """Return the chain of a listener that people and programs call."""
    return [
        _filter(HEADERS, headers()),
        _filter(CORS, typed("envoy.extensions.filters.http.cors.v3.Cors")),
        limits.by_address(world),
        discovered(JWT, world),
        _filter(API_KEY, api_keys()),
        _filter("alfred.client", client_metadata()),
        _filter(RULES, typed(RBAC, rules=deny(path_rules()))),
        limits.by_caller(world.access.limits),
        _filter(
            BUFFER,
            typed("envoy.extensions.filters.http.buffer.v3.Buffer", max_request_bytes=1 << 24),
        ),
        router(),
    ]


def router() -> Resource:
    """Return the filter that ends every chain."""
    kind = "envoy.extensions.filters.http.router.v3.Router"
    return _filter("envoy.filters.http.router", typed(kind))


def _filter(name: str, config: Resource) -> Resource:
    return {"name": name, "typed_config": config}


def discovered(name: str, world: World) -> Resource:
    """Return a filter whose configuration is a watched file: it changes on open connections, too.

    Until it is there nothing is let in: the listener waits for it.
    """
    source = files(AUTHENTICATION, world)
    return {
        "name": name,
        "config_discovery": {"config_source": source, "type_urls": [f"{TYPES}/{AUTHENTICATOR}"]},
    }


def extension(name: str, config: Resource) -> Resource:
    """Return the resource that a watched file has for a filter."""
    kind = "envoy.config.core.v3.TypedExtensionConfig"
    return typed(kind, name=name, typed_config=config)


def headers() -> Resource:
    """Take away what only we may say; say how browsers shall treat every answer, refusals too."""
    always = {"x-content-type-options": "nosniff"}
    else_ours = {
        "referrer-policy": "strict-origin-when-cross-origin",
        "x-frame-options": "SAMEORIGIN",
    }
    return typed(
        "envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
        mutations={
            "request_mutations": [{"remove": name} for name in TRUSTED],
            "response_mutations": [
                *(_set(k, v, "OVERWRITE_IF_EXISTS_OR_ADD") for k, v in always.items()),
                *(_set(k, v, "ADD_IF_ABSENT") for k, v in else_ours.items()),
                {"remove": "x-envoy-upstream-service-time"},
            ],
        },
    )


def page_policy(policy: str) -> Resource:
    """Return the content security policy of one host; a page that has its own keeps it."""
    return typed(
        "envoy.extensions.filters.http.header_mutation.v3.HeaderMutationPerRoute",
        mutations={
            "response_mutations": [_set("content-security-policy", policy, "ADD_IF_ABSENT")]
        },
    )


def _set(key: str, value: str, action: str) -> Resource:
    return {"append": {"header": {"key": key, "value": value}, "append_action": action}}


def deny(*policies: Resource) -> Resource:
    """Return the rules that refuse whatever one of ``policies`` matches."""
    return {"action": "DENY", "policies": {k: v for found in policies for k, v in found.items()}}


def path_rules() -> Resource:
    """Match what hides a path from other rules. Slashes, dots and escapes are put right before.

    No path has a control character, but Python's ``$`` overlooks a line feed at the end: what is
    ``/admin%0a`` here is ``/admin`` to Starlette.
    """
    hidden = [_path_has(text) for text in (";", "%3b", "%0", "%1", "%7f")]
    return {"path-parameters": {"permissions": hidden, "principals": [{"any": True}]}}


def origin_rules(allowed: str) -> Resource:
    """Match pages of other sites. ``allowed``: a pattern of the origins that are ours."""
    known = {"header": {"name": "origin", "string_match": _regex(allowed)}}
    ids = [{"header": {"name": "origin", "present_match": True}}, {"not_id": known}]
    principals = [{"and_ids": {"ids": ids}}]
    return {"other-sites": {"permissions": [{"any": True}], "principals": principals}}


def role_rules() -> Resource:
    """Match whoever has not the role admin where a part of the path is ``admin``, however spelt.

    A token's role is in the header that only the check of tokens sets, a program's in metadata.
    """
    by_token = {"header": {"name": ROLE, "string_match": {"exact": "admin"}}}
    is_admin = {"or_ids": {"ids": [by_token, _said(METADATA, "role")]}}
    policy = {
        # A search for the word is much cheaper than the pattern, and mostly ends it.
        "permissions": [
            {
                "and_rules": {
                    "rules": [_path_has("/admin"), {"url_path": {"path": _regex(paths.ADMIN)}}]
                }
            }
        ],
        "principals": [{"not_id": is_admin}],
    }
    return {"admin-only": policy}


def _said(filter_name: str, *path: str) -> Resource:
    value = {"string_match": {"exact": "admin"}}
    keys = [{"key": key} for key in path]
    matcher = {"filter": filter_name, "path": keys, "value": value}
    return {"sourced_metadata": {"metadata_matcher": matcher, "metadata_source": "DYNAMIC"}}


def rbac_per_route(rules: Resource) -> Resource:
    """Return a host's own rules."""
    kind = "envoy.extensions.filters.http.rbac.v3.RBACPerRoute"
    return typed(kind, rbac={"rules": rules})


def _path_has(text: str) -> Resource:
    return {"url_path": {"path": {"contains": text, "ignore_case": True}}}


def _regex(pattern: str) -> Resource:
    return {"safe_regex": {"regex": pattern}}


def authentication(world: World) -> Resource:
    """Demand a token of ours from everybody, whatever the Host; open hosts opt out in the routes.

    Rules keyed on the Host would compare its case, which the choice of a route does not. Only
    the header is read: not a query, which is logged all over the world. A request with an API key
    passes here, because the next filter refuses every key that it does not know.
    """
    return typed(
        AUTHENTICATOR,
        providers={"alfred": _issuer(world)},
        bypass_cors_preflight=True,
        rules=[
            {"match": {"prefix": "/", "headers": [{"name": KEY_HEADER, "present_match": True}]}},
            {"match": {"prefix": "/"}, "requires": {"provider_name": "alfred"}},
        ],
    )


def _issuer(world: World) -> Resource:
    return {
        "issuer": world.plan.issuer,
        "audiences": [AUDIENCE],
        "require_expiration": True,
        "max_lifetime": f"{MAX_TTL_S + CLOCK_SKEW_S}s",
        "clock_skew_seconds": CLOCK_SKEW_S,
        # In line: Envoy does not notice when a file of keys changes, and remembers the tokens
        # that it has seen. With the whole filter it takes the keys over and forgets the tokens.
        "local_jwks": {"inline_string": world.access.jwks},
        "from_headers": [{"name": "Authorization", "value_prefix": "Bearer "}],
        "forward": False,
        "claim_to_headers": [
            {"header_name": USER, "claim_name": "sub"},
            {"header_name": ROLE, "claim_name": "role"},
            {"header_name": SCOPE, "claim_name": "scope"},
        ],
        "jwt_cache_config": {"jwt_cache_size": 1000},  # without it, half of the throughput
    }


def opted_out(kind: str) -> Resource:
    """Return the configuration by which a host opts out of a filter."""
    return typed(kind, disabled=True)


NO_JWT = opted_out("envoy.extensions.filters.http.jwt_authn.v3.PerRouteConfig")
NO_BUFFER = opted_out("envoy.extensions.filters.http.buffer.v3.BufferPerRoute")


def api_keys() -> Resource:
    """Check the API key of requests that have one; the keys themselves are in the routes."""
    present = {
        "single_predicate": {
            "input": {
                "name": "key",
                "typed_config": typed(
                    "envoy.type.matcher.v3.HttpRequestHeaderMatchInput", header_name=KEY_HEADER
                ),
            },
            "value_match": {"safe_regex": {"google_re2": {}, "regex": ".*"}},
        }
    }
    skip = typed("envoy.extensions.filters.common.matcher.action.v3.SkipFilter")
    return typed(
        "envoy.extensions.common.matching.v3.ExtensionWithMatcher",
        xds_matcher={
            "matcher_list": {
                "matchers": [
                    {
                        "predicate": {"not_matcher": present},
                        "on_match": {"action": {"name": "skip", "typed_config": skip}},
                    }
                ]
            }
        },
        extension_config={
            "name": API_KEY,
            "typed_config": typed(
                "envoy.extensions.filters.http.api_key_auth.v3.ApiKeyAuth", **_key_rules([])
            ),
        },
    )


def known_keys(world: World) -> Resource:
    """Return the API keys; a client's role goes before its name until ``client_metadata``."""
    credentials = [
        {"key": client.key, "client": f"{client.role}/{client.name}"}
        for client in world.access.clients
    ]
    kind = "envoy.extensions.filters.http.api_key_auth.v3.ApiKeyAuthPerRoute"
    return typed(kind, **_key_rules(credentials))


def _key_rules(credentials: list[Resource]) -> Resource:
    return {
        "credentials": credentials,
        "key_sources": [{"header": KEY_HEADER}],
        "forwarding": {"header": CLIENT, "hide_credentials": True},
    }


def client_metadata() -> Resource:
    """Split ``role/name`` of an API key's client; keep the user of a token for the log.

    The log cannot read the header: of a request that is refused before the first filter, a path
    that hides something, it is still what the client says.
    """
    parts = {"role": "^([^/]+)/.*$", "client": "^[^/]+/(.*)$"}
    rules = [
        {
            "header": CLIENT,
            "on_header_present": {
                "metadata_namespace": METADATA,
                "key": key,
                "regex_value_rewrite": {"pattern": {"regex": pattern}, "substitution": r"\1"},
            },
            "remove": False,
        }
        for key, pattern in parts.items()
    ]
    user = {"metadata_namespace": METADATA, "key": "user"}
    rules.append({"header": USER, "on_header_present": user, "remove": False})
    kind = "envoy.extensions.filters.http.header_to_metadata.v3.Config"
    return typed(kind, request_rules=rules)
