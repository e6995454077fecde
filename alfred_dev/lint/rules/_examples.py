"""The example of several rules: a service that speaks to a cache."""


def client(url: str, *, declared: bool = True, server: str = "") -> str:
    """Return a project in which ``a`` speaks to ``cache`` by ``url``; ``server``: lines of it."""
    waits = "    depends_on: [cache]\n" if declared else ""
    return (
        f"services:\n  a:\n    image: example/a:1\n{waits}"
        f"    environment: {{CACHE_URL: '{url}'}}\n"
        f"  cache:\n    image: redis:7.4\n{server}"
    )
