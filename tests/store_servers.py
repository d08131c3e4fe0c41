"""Real servers for the store's tests: PostgreSQL, MariaDB (or MySQL), an S3 server. Started by the first test that
needs them, stopped at the session's end; a test is skipped with the reason where the program is not installed
(``conftest.py`` makes that a failure where everything must be there)."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest

_numbers = itertools.count(1)
_READY_SECONDS = 60.0


def require(reason: str) -> NoReturn:
    """Skip the test (a failure under ``JUPYTER_KF_REQUIRE_ALL=1``)."""
    pytest.skip(reason)


def program(name: str, *places: str) -> str | None:
    """Find a program in ``places`` (globs, the last match wins), else in the PATH and Go's folder."""
    for place in places:
        found = sorted(Path("/").glob(place.lstrip("/") + "/" + name))
        if found:
            return str(found[-1])
    home = Path.home() / "go" / "bin" / name
    return (
        shutil.which(name)
        or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
        or (str(home) if home.is_file() else None)
    )


def _unprivileged() -> dict[str, Any]:
    """Return what makes a child of root somebody else: database servers refuse to be root."""
    if os.getuid() != 0:
        return {}
    import pwd

    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    require("there is no user to run a database server as")


@contextlib.contextmanager
def _folder(owner: Mapping[str, Any]) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="kfs-", dir="/tmp"))
    try:
        if owner:
            os.chown(folder, owner["user"], owner["group"])
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _process(command: list[str], folder: Path, ready: Callable[[], bool], **options: Any) -> Iterator[None]:
    log = folder / "server.log"
    with log.open("wb") as stream:
        server = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, cwd=folder, **options
        )
    try:
        deadline = time.monotonic() + _READY_SECONDS
        while not ready():
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command[0]} did not start: {log.read_text('utf-8', 'replace')[-3000:]}")
            time.sleep(0.05)
        yield
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _run(command: list[str], folder: Path, **options: Any) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, **options)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")


@dataclass(frozen=True)
class Server:
    """A database server; ``new_database()`` makes an empty database and returns its URL."""

    new_database: Callable[[], str]


@contextlib.contextmanager
def postgresql() -> Iterator[Server]:
    """PostgreSQL on a Unix socket."""
    place = "/usr/lib/postgresql/*/bin"
    initdb, postgres = program("initdb", place), program("postgres", place)
    if not initdb or not postgres:
        require("PostgreSQL is not installed")
    import psycopg

    owner = _unprivileged()
    with _folder(owner) as folder:
        environment = {**os.environ, "HOME": str(folder), "LC_ALL": "C.UTF-8"}
        options = {"env": environment, **owner}
        _run([initdb, "-D", f"{folder}/data", "-A", "trust", "-U", "kf", "--no-sync", "-E", "UTF8"], folder, **options)
        command = [postgres, "-D", f"{folder}/data", "-k", str(folder), "-h", "", "-c", "fsync=off"]

        def connect() -> psycopg.Connection[Any]:
            return psycopg.connect(f"host={folder} user=kf dbname=postgres", autocommit=True)

        def ready() -> bool:
            try:
                connect().close()
            except psycopg.OperationalError:
                return False
            return True

        def new_database() -> str:
            name = f"kf{next(_numbers)}"
            with connect() as connection:
                connection.execute(f"CREATE DATABASE {name}")
            return f"postgresql://kf@/{name}?host={folder}"

        with _process(command, folder, ready, **options):
            yield Server(new_database)


@contextlib.contextmanager
def mariadb() -> Iterator[Server]:
    """MariaDB, else MySQL, on a Unix socket."""
    server = program("mariadbd") or program("mysqld")
    install = program("mariadb-install-db") or program("mysql_install_db")
    if not server or (not install and "mariadb" in server):
        require("neither MariaDB nor MySQL is installed")
    import pymysql

    owner = _unprivileged()
    with _folder(owner) as folder:
        options = {"env": {**os.environ, "HOME": str(folder)}, **owner}
        data, path = f"{folder}/data", f"{folder}/s"
        if install:
            _run(
                [install, "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal",
                 "--skip-test-db", f"--tmpdir={folder}"],
                folder, **options,
            )  # fmt: skip
        else:
            _run([server, "--no-defaults", "--initialize-insecure", f"--datadir={data}"], folder, **options)
        command = [server, "--no-defaults", f"--datadir={data}", f"--socket={path}", "--skip-networking",
                   f"--pid-file={folder}/pid", f"--tmpdir={folder}", "--innodb-flush-log-at-trx-commit=0",
                   "--innodb-buffer-pool-size=64M"]  # fmt: skip

        def connect() -> Any:
            return pymysql.connect(unix_socket=path, user="root")

        def ready() -> bool:
            with socket.socket(socket.AF_UNIX) as probe:
                return probe.connect_ex(path) == 0

        def new_database() -> str:
            name = f"kf{next(_numbers)}"
            connection = connect()
            try:
                connection.cursor().execute(f"CREATE DATABASE {name}")
            finally:
                connection.close()
            return f"mysql://root@/{name}?unix_socket={path}"

        with _process(command, folder, ready, **options):
            yield Server(new_database)


@dataclass(frozen=True)
class S3:
    """An S3 server; ``environment`` leads ``s3fs`` to it, ``new_bucket()`` returns the URL of an empty one."""

    environment: Mapping[str, str]
    new_bucket: Callable[[], str]


@contextlib.contextmanager
def s3_server() -> Iterator[S3]:
    """versitygw over a folder."""
    gateway = program("versitygw")
    if not gateway:
        require("versitygw (an S3 server) is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    keys = {"access": "kftest", "secret": "kftest-secret"}
    with _folder({}) as folder:
        buckets, beside = folder / "buckets", folder / "attributes"
        buckets.mkdir()
        beside.mkdir()
        command = [gateway, "--port", f"127.0.0.1:{port}", "--access", keys["access"], "--secret", keys["secret"], "-q",
                   "posix", "--sidecar", str(beside), str(buckets)]  # fmt: skip

        def ready() -> bool:
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        environment = {
            "AWS_ACCESS_KEY_ID": keys["access"],
            "AWS_SECRET_ACCESS_KEY": keys["secret"],
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{port}",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

        def new_bucket() -> str:
            import s3fs

            name = f"kf-{next(_numbers)}"
            filesystem = s3fs.S3FileSystem(
                key=keys["access"], secret=keys["secret"], endpoint_url=environment["AWS_ENDPOINT_URL"],
                skip_instance_cache=True,
            )  # fmt: skip
            filesystem.mkdir(name)
            return f"s3://{name}/artifacts"

        with _process(command, folder, ready):
            yield S3(environment, new_bucket)
