"""A key that Compose does not know."""

from collections.abc import Iterator

from alfred_dev.errors import Where
from alfred_dev.lint import ports
from alfred_dev.lint.model import Project, Service
from alfred_dev.lint.rule import Context, Edit, Finding, Rule, Severity
from alfred_dev.lint.rules import _common
from alfred_dev.lint.tree import Map, Node, Scalar, Seq, printable


def words(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


TOP = words("version name services networks volumes secrets configs include models")
SERVICE = words(
    """
    annotations attach blkio_config build cap_add cap_drop cgroup cgroup_parent command configs
    container_name cpu_count cpu_percent cpu_period cpu_quota cpu_rt_period cpu_rt_runtime
    cpu_shares cpus cpuset credential_spec depends_on deploy develop device_cgroup_rules devices
    dns dns_opt dns_search domainname entrypoint env_file environment expose extends
    external_links extra_hosts gpus group_add healthcheck hostname image init ipc isolation
    label_file labels links logging mac_address mem_limit mem_reservation mem_swappiness
    memswap_limit models network_mode networks oom_kill_disable oom_score_adj pid pids_limit
    platform ports post_start pre_stop privileged profiles provider pull_policy
    pull_refresh_after read_only restart runtime scale secrets security_opt shm_size stdin_open
    stop_grace_period stop_signal storage_opt sysctls tmpfs tty ulimits use_api_socket user
    userns_mode uts volumes volumes_from working_dir
    """
)
HEALTH = words("disable interval retries start_interval start_period test timeout")
BUILD = words(
    """additional_contexts args cache_from cache_to context dockerfile dockerfile_inline
    entitlements extra_hosts isolation labels network no_cache platforms privileged provenance pull
    sbom secrets shm_size ssh tags target ulimits"""
)
LISTS = ("ports", "volumes", "expose", "cap_add", "cap_drop", "profiles", "devices")
SLIPPED = ("env_file", "depends_on", "networks", "volumes", "ports", "healthcheck", "build")
CONDITIONS = ("service_started", "service_healthy", "service_completed_successfully")


def check(project: Project, context: Context) -> Iterator[Finding]:
    """One finding a key."""
    yield from _keys(project.root, TOP, "a compose file", None)
    for service in project.services.values():
        yield from _keys(service.node, SERVICE, f"the service {service.name}", service)
        yield from _keys(service.node.get("healthcheck"), HEALTH, "a healthcheck", service)
        yield from _keys(service.node.get("build"), BUILD, "build", service)
        yield from _shapes(service)
        yield from _conditions(service)
        yield from _inside(service)


def _keys(
    node: Node | None, known: frozenset[str], what: str, service: Service | None
) -> Iterator[Finding]:
    for key, where in node.keys.items() if isinstance(node, Map) else ():
        if key in known or key.startswith("x-"):
            continue
        near = _common.near(key, known, 0.7)
        yield RULE.found(
            f"{printable(key)} is no key of {what}: Compose refuses the file",
            where,
            service=service.name if service else None,
            fix=f"did you mean {near}?" if near else "take it out, or begin it with x-",
            edits=(Edit(where=where, old=f"{key}:", new=f"{near}:"),) if near else (),
        )


def _shapes(service: Service) -> Iterator[Finding]:
    for key in LISTS:
        node = service.node.get(key)
        if isinstance(node, Map) or (isinstance(node, Scalar) and not node.null):
            yield _wrong(service, service.at(key), f"{key} must be a list")
    listed = service.node.get("ports")
    for item in listed.items if isinstance(listed, Seq) else ():
        mistake = ports.mistake(item)
        if mistake:
            yield _wrong(service, item.where, mistake)


def _inside(service: Service) -> Iterator[Finding]:
    """A key of the service that slipped one level in becomes a variable."""
    for name, variable in service.environment.items():
        if name in SLIPPED and variable.origin == "compose":
            yield _wrong(
                service, variable.where, f"{name} stands under environment: it becomes a variable",
                "move it one level out",
            )  # fmt: skip


def _conditions(service: Service) -> Iterator[Finding]:
    for needed in service.depends_on.values():
        if needed.condition not in CONDITIONS:
            near = _common.near(needed.condition, CONDITIONS)
            yield _wrong(
                service, needed.where, f"{printable(needed.condition)} is no condition",
                f"did you mean {near}?" if near else f"one of {', '.join(CONDITIONS)}",
            )  # fmt: skip


def _wrong(
    service: Service, where: Where, message: str, fix: str = "see the Compose file reference"
) -> Finding:
    return RULE.found(f"{service.name}: {message}", where, service=service.name, fix=fix)


BAD = """\
services:
  a:
    image: nginx:1.27
    port: ['127.0.0.1:80:80']
"""
GOOD = """\
services:
  a:
    image: nginx:1.27
    ports: ['127.0.0.1:80:80']
"""
RULE = Rule(
    code="unknown-key",
    title="A key or shape that Compose does not know",
    severity=Severity.ERROR,
    page=(
        "`additional properties 'port' not allowed`: a misspelt key makes Compose refuse the "
        "whole file."
    ),
    bad=BAD,
    good=GOOD,
    check=check,
)
