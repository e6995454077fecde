"""The Docker runtime: faults on a real engine, and what is said of each."""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from alfred_dev.cli.containers import LOCK
from alfred_dev.image import debian
from tests.e2e.compose_cli import outside
from tests.e2e.engine import Contained, Engine

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.xdist_group("docker")]


def test_a_port_held_by_a_foreign_container_is_named(contained: Contained) -> None:
    port = contained.json("ports")["ports"][2]["port"]
    contained.ok("up", "auth-ui")
    port = contained.port("auth-ui")
    contained.ok("down")
    name = f"{contained.project}-stranger"
    contained.engine.docker(
        "run", "--detach", "--name", name, "--publish", f"127.0.0.1:{port}:9",
        contained.engine.embedded, "sleep", "600",
    )  # fmt: skip
    try:
        done = contained.run("up", "auth-ui", ALFRED_SLOT="")
        assert done.returncode == 3
        assert name in done.stderr
        assert f"docker stop {name}" in done.stderr
        assert contained.labelled("container") == []
    finally:
        contained.engine.docker("rm", "--force", name)


def test_a_network_of_somebody_else_is_left_alone(contained: Contained) -> None:
    contained.ok("up", "auth-ui")
    (name,) = contained.labelled("network")
    contained.ok("down")
    contained.engine.docker("network", "create", name)
    try:
        done = contained.run("up", "auth-ui", ALFRED_SLOT="")
        assert (done.returncode, "is not this checkout's" in done.stderr) == (3, True)
        assert contained.labelled("container") == []
        contained.ok("up", "auth-ui", ALFRED_SLOT="auto")  # has another slot with another network
        (other,) = contained.labelled("network")
        assert other != name
        contained.ok("down", "--volumes", "--yes")
        assert name in contained.engine.docker("network", "ls", "--format", "{{.Name}}")
    finally:
        contained.engine.docker("network", "rm", name)


def test_the_network_moves_when_its_addresses_are_taken(contained: Contained) -> None:
    contained.ok("up", "auth-ui")
    form = "{{(index .IPAM.Config 0).Subnet}}"
    look = ("network", "inspect", "--format", form)
    before = contained.engine.docker(*look, *contained.labelled("network"))
    contained.ok("down")
    name = f"{contained.project}-stranger"
    contained.engine.docker("network", "create", "--subnet", before, name)
    try:
        contained.ok("up", "auth-ui")
        assert contained.engine.docker(*look, *contained.labelled("network")) != before
    finally:
        contained.engine.docker("network", "rm", name)


def test_a_volume_of_somebody_else_is_left_alone(contained: Contained) -> None:
    name = f"{contained.project}_redis-embedded"
    contained.engine.docker("volume", "create", name)
    try:
        done = contained.run("up", "redis")
        assert (done.returncode, "is not this checkout's" in done.stderr) == (3, True)
    finally:
        contained.engine.docker("volume", "rm", name)


def test_data_of_an_older_postgres_is_refused_before_it_is_touched(contained: Contained) -> None:
    contained.ok("up", "db-postgres")
    volume = f"{contained.project}_db-postgres-embedded"
    contained.ok("down")
    write = "echo 14 > /v/db-postgres/PG_VERSION"
    mount = ("--user", "0", "--volume", f"{volume}:/v", contained.engine.embedded)
    contained.engine.docker("run", "--rm", *mount, "sh", "-c", write)
    done = contained.run("up", "db-postgres")
    assert done.returncode == 2
    assert "was written by PostgreSQL 14" in done.stderr
    assert contained.labelled("container") == []


def test_an_image_that_is_pinned_and_cannot_be_had(contained: Contained) -> None:
    text = "services: {redis: {from: image, image: '127.0.0.1:1/none:1.0'}}\n"
    (contained.root / "alfred.yaml").write_text(text)
    done = contained.run("up", "redis")
    assert done.returncode == 3
    assert "127.0.0.1:1/none:1.0" in done.stderr
    assert contained.labelled("container") == []


def ailing(contained: Contained, command: str, memory: str = "64m") -> Contained:
    """A checkout whose auth-ui is an image that does ``command``."""
    (contained.root / "alfred.yaml").write_text(
        "services:\n  auth-ui:\n    from: image\n"
        f"    image: {contained.engine.embedded}\n"
        f"    container: {{command: [python3, -c, '{command}'], memory: {memory}, "
        "stop_signal: SIGKILL}\n"
    )
    return contained


@pytest.mark.parametrize(
    ("command", "memory", "said"),
    [
        ('print("bye"); raise SystemExit(3)', "64m", "exit status 3"),
        ("x = bytearray(10**9); print(len(x))", "32m", "auth-ui (out-of-memory)"),
    ],
    ids=["exits", "out-of-memory"],
)
def test_a_container_that_ends_is_explained(
    contained: Contained, command: str, memory: str, said: str
) -> None:
    done = ailing(contained, command, memory).run("up", "auth-ui", "--wait-timeout", "40")
    assert done.returncode == 1, done.stderr
    assert said in done.stdout + done.stderr
    if said == "exit status 3":  # in a loop, until the engine gave up
        assert "auth-ui (crash)" in done.stdout + done.stderr
        assert "| bye" in done.stdout + done.stderr
        assert contained.inspect("auth-ui")["RestartCount"] == 5
    assert contained.labelled("container") == [contained.container("auth-ui")]  # to be looked at


TASK = """
services:
  migrate:
    ends: true
    image: {image}
    container: {{command: [python3, -c, "{work}"]}}
    depends_on: {{redis: healthy}}
  auth-ui:
    depends_on: {{migrate: healthy}}
"""
CONNECT = "import socket; socket.create_connection(('redis', 6379)); print('migrated')"


def test_a_task_that_ended_well_counts_and_is_done_once(contained: Contained) -> None:
    text = TASK.format(image=contained.engine.embedded, work=CONNECT)
    (contained.root / "alfred.yaml").write_text(text)
    contained.ok("up", "auth-ui")
    migrate = contained.status("migrate")
    assert (migrate["health"], migrate["detail"]) == ("healthy", "it has ended well")
    assert migrate["restarts"] == 0  # it came after what it depends on
    began = contained.inspect("migrate")["State"]["StartedAt"]
    contained.ok("up", "auth-ui")
    assert contained.inspect("migrate")["State"]["StartedAt"] == began
    contained.ok("restart", "migrate")
    assert contained.inspect("migrate")["State"]["StartedAt"] != began
    assert contained.ok("logs", "migrate").count("migrated") == 2


def test_a_container_that_hangs_is_a_time_out(contained: Contained) -> None:
    command = "import time; time.sleep(600)"
    done = ailing(contained, command).run("up", "auth-ui", "--wait-timeout", "4")
    assert done.returncode in (1, 4)
    assert "auth-ui" in done.stdout + done.stderr


@pytest.mark.parametrize("after_s", [0.2, 0.5, 0.8, 1.1, 1.4, 1.7, 2.0, 2.4, 2.8, 3.2])
def test_the_next_up_converges_after_a_kill(contained: Contained, after_s: float) -> None:
    killed = contained.popen("up", "auth-ui", "redis")
    time.sleep(after_s)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    contained.ok("up", "auth-ui", "redis")
    names = [contained.container(service) for service in ("auth-ui", "redis")]
    assert contained.labelled("container") == names


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """A real registry on loopback: its address."""
    program = shutil.which("docker-registry")
    if program is None:
        pytest.skip("docker-registry is not here")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    config = tmp_path / "registry.yml"
    config.write_text(
        f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {tmp_path}/registry}}}}\n"
        f"http: {{addr: '127.0.0.1:{port}'}}\n"
    )
    log = (tmp_path / "registry.log").open("w")
    serving = subprocess.Popen(
        [*outside(), program, "serve", str(config)], stdout=log, stderr=subprocess.STDOUT
    )
    try:
        time.sleep(1)
        yield f"127.0.0.1:{port}"
    finally:
        serving.terminate()
        serving.wait()
        log.close()


def test_images_come_from_a_mirror_once(
    contained: Contained, registry: str, tmp_path: Path
) -> None:
    image = f"{registry}/team/page:1"
    contained.engine.small(image, tmp_path)
    contained.engine.docker("push", image)
    contained.engine.docker("rmi", image)
    (contained.root / "alfred.yaml").write_text(
        "services:\n  auth-ui:\n    image: registry.example.com/team/page:1\n"
        "    container: {command: [/busybox, sleep, '600'], stop_signal: SIGKILL}\n"
    )
    settings = {"ALFRED_IMAGE_REGISTRY": registry}
    try:
        done = contained.run("up", "auth-ui", "--no-wait", **settings)
        assert done.returncode == 0, done.stderr
        assert f"pulled {image}" in done.stderr
        assert contained.inspect("auth-ui")["Config"]["Image"] == image
        asked = (tmp_path / "registry.log").read_text().count("GET /v2/team")
        contained.ok("up", "auth-ui", "--no-wait", "--offline", **settings)
        contained.ok("up", "auth-ui", "--no-wait", **settings)
        assert (tmp_path / "registry.log").read_text().count("GET /v2/team") == asked
    finally:
        contained.ok("down")
        contained.engine.try_docker("rmi", image)


UNNAMED = ("images", "--quiet", "--filter", "dangling=true")


def test_our_image_is_put_on_a_base_of_a_registry(
    engine: Engine, registry: str, tmp_path: Path
) -> None:
    if not debian.usable():
        pytest.skip("needs the packages of Debian or Ubuntu to make a base of")
    base, version = f"{registry}/python:slim", ".".join(map(str, debian.python_version()))
    debian.layer(debian.unpack(debian.packages(), tmp_path), tmp_path / "base.tar")
    variable = f"ENV PYTHON_VERSION={version}.0"
    engine.docker("import", "--change", variable, str(tmp_path / "base.tar"), base)
    engine.docker("push", base)
    engine.docker("rmi", base)
    lock = tmp_path / "requirements.lock"
    lock.write_text(one_requirement("h11"))
    builder = engine.builder(lock, base)
    unnamed = set(engine.docker(*UNNAMED).split())
    try:
        with contextlib.closing(builder.engine):
            builder.ensure()
        look = "import sys, h11, asyncio; print(h11.__cached__, asyncio.__cached__, sys.path)"
        run = ("run", "--rm", "--network", "none", "--read-only", builder.name(), "python3")
        said = engine.docker(*run, "-v", "-c", look, both=True)
        for package in ("h11", "asyncio"):
            assert re.search(rf"{package}/__pycache__/__init__\.\S+ matches", said)
        assert "alfred_dev" in engine.docker(*run, "-c", "import alfred_dev; print(alfred_dev)")
        assert set(engine.docker(*UNNAMED).split()) <= unnamed
    finally:
        for image in (builder.name(), builder.base_name(), base):
            engine.try_docker("rmi", image)


def one_requirement(name: str) -> str:
    """The entry of one package in the lock file."""
    lines = LOCK.read_text().splitlines()
    begin = next(i for i, line in enumerate(lines) if line.startswith(f"{name}=="))
    rest = itertools.takewhile(lambda line: line.startswith(" "), lines[begin + 1 :])
    return "\n".join([lines[begin], *rest]) + "\n"


@pytest.fixture
def page(contained: Contained) -> Path:
    """The folder from which a checkout of the platform builds auth-ui."""
    context = contained.root.parent / "platform/services/auth-ui"
    context.mkdir(parents=True)
    (context / ".dockerignore").write_text("*.md\n")
    (context / "page.py").write_text("print('one', flush=True)\n" + PAGE)
    (context / "Dockerfile").write_text(
        f"FROM {contained.engine.embedded}\nCOPY page.py /page.py\nSTOPSIGNAL SIGKILL\n"
        'CMD ["python3", "/page.py"]\n'
    )
    (contained.root / "alfred.yaml").write_text("platform: ../platform\n")
    return context


PAGE = """
import http.server, socket
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer(("", PORT), Page).serve_forever()
""".replace("PORT", "80")


def test_a_checkout_is_built_when_allowed_and_changed(contained: Contained, page: Path) -> None:
    refused = contained.run("up", "auth-ui")
    assert (refused.returncode, "up --yes" in refused.stderr) == (2, True), refused.stderr
    assert contained.labelled("container") == []
    try:
        contained.ok("up", "auth-ui", "--yes")
        assert contained.status("auth-ui")["from"] == "checkout"
        before = contained.ids()
        (page / "README.md").write_text("what no image is made of")
        contained.ok("up", "auth-ui")
        assert contained.ids() == before
        watching = contained.popen("up", "auth-ui", "--watch")
        try:
            while "watching" not in (watching.stderr or io.StringIO()).readline():
                assert watching.poll() is None
            (page / "page.py").write_text("print('two', flush=True)\n" + PAGE)
            for _ in range(240):
                if "two" in contained.run("logs", "auth-ui").stdout:
                    break
                time.sleep(0.25)
            assert contained.ids() != before
        finally:
            watching.send_signal(signal.SIGINT)
            assert "Traceback" not in watching.communicate(timeout=60)[1]
    finally:
        contained.ok("down")
        old = contained.engine.docker(*UNNAMED, "--filter", "label=dev.alfred.context").split()
        contained.engine.try_docker("rmi", f"{contained.project}-auth-ui:latest", *old)


@pytest.fixture(scope="module")
def private(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateEngine]:
    """A dockerd of our own with our image, which may be ended, on a disk of its own."""
    if os.geteuid() != 0 or not all(map(shutil.which, ("dockerd", "unshare", "nsenter"))):
        pytest.skip("needs root, dockerd and namespaces")
    disk = tmp_path_factory.mktemp("disk")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2g", "tmpfs", str(disk)], check=True)
    made = PrivateEngine(disk)
    try:
        made.start()
        with subprocess.Popen(
            ["docker", "save", engine.embedded],
            env={**os.environ, **engine.variables},
            stdout=subprocess.PIPE,
        ) as saved:
            subprocess.run(
                ["docker", "load"],
                env={**os.environ, **made.variables},
                stdin=saved.stdout,
                check=True,
            )
        yield made
    finally:
        made.stop()
        shutil.rmtree(made.short, ignore_errors=True)
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


class PrivateEngine:
    """A second dockerd in a network of its own: beside it, the machine's would lose docker0."""

    def __init__(self, disk: Path) -> None:
        self.disk = disk
        self.short = Path(tempfile.mkdtemp(prefix="ad-"))  # a socket's path must not be long
        self.socket = self.short / "docker.sock"
        self.variables = {"DOCKER_HOST": f"unix://{self.socket}"}
        script = "ip link set lo up && echo ready && exec sleep 3600"
        alone = ["unshare", "--net", "--mount", "sh", "-c", script]
        self.network = subprocess.Popen(alone, stdout=subprocess.PIPE, text=True)
        assert self.network.stdout is not None
        # Sooner, nsenter would find the machine's own network.
        assert self.network.stdout.readline() == "ready\n"

    @property
    def engine(self) -> Engine:
        return Engine(self.variables, ["nsenter", f"--net=/proc/{self.network.pid}/ns/net"])

    @property
    def seeing(self) -> list[str]:
        """What runs a command with the files that this engine sees."""
        return ["nsenter", f"--mount=/proc/{self.network.pid}/ns/mnt"]

    def start(self) -> None:
        log = (self.disk / "log").open("a")
        self.process = subprocess.Popen(
            [
                *self.engine.inside, *self.seeing, "dockerd", "--host", f"unix://{self.socket}",
                "--data-root", f"{self.disk}/data", "--exec-root", f"{self.short}/exec",
                "--pidfile", f"{self.short}/pid", "--bridge", "none", "--iptables=false",
                "--ip6tables=false",
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
        log.close()
        for _ in range(240):
            if self.engine.try_docker("version").returncode == 0:
                return
            time.sleep(0.25)
        pytest.skip(f"no second engine here: {(self.disk / 'log').read_text()[-300:]}")

    def end_engine(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=60)

    def stop(self) -> None:
        self.end_engine()
        self.network.kill()
        self.network.communicate()


def test_a_stack_survives_the_restart_of_its_engine(private: PrivateEngine, tmp_path: Path) -> None:
    checkout = Contained.on(private.engine, tmp_path / "project")
    try:
        checkout.ok("up", "redis")
        private.end_engine()
        down = checkout.run("status")
        assert (down.returncode, "does not answer" in down.stderr) == (3, True)
        private.start()
        assert checkout.status("redis")["health"] != "healthy"
        checkout.ok("up", "redis")
        assert checkout.status("redis")["health"] == "healthy"
    finally:
        checkout.end()


def test_an_engine_that_does_not_see_the_checkout_says_which_file_is_missing(
    private: PrivateEngine, tmp_path: Path
) -> None:
    checkout = Contained.on(private.engine, tmp_path / "project")
    home = checkout.root / ".alfred"
    home.mkdir()
    mount = [*private.seeing, "mount", "-t", "tmpfs", "tmpfs", str(home)]
    subprocess.run(mount, check=True)  # as an engine in a virtual machine that has not all folders
    try:
        done = checkout.run("up", "redis")
        assert done.returncode == 3, done.stderr
        assert "a file that a container mounts is not there" in done.stderr
        assert f"ls -ld '{home}" in done.stderr
    finally:
        subprocess.run([*private.seeing, "umount", str(home)], check=True)
        checkout.end()


def test_a_full_disk_of_the_engine_is_said(private: PrivateEngine, tmp_path: Path) -> None:
    checkout = Contained.on(private.engine, tmp_path / "project")
    filling = private.disk / "filling"
    with filling.open("wb") as file, contextlib.suppress(OSError):
        while file.write(bytes(2**20)):
            file.flush()
    try:
        done = checkout.run("up", "auth-ui")
        assert done.returncode == 3, done.stderr
        assert "disk is full" in done.stderr
        assert "docker system df" in done.stderr
    finally:
        filling.unlink()
        checkout.end()
