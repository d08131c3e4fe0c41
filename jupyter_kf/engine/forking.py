"""Engine room, forked steps: the client of the guest's fork server (``runtime/forkserver.py`` has the protocol).

One server per user, home, interpreter, state of its packages and version of the guest. Nobody starts or stops it by
hand: the first launcher binds the socket and hands it to the server it starts, so that nobody ever waits for one; it
ends itself after ``warm`` idle seconds. Where it refuses or dies, steps start in an interpreter of their own.
"""

from __future__ import annotations

import ast
import fcntl
import hashlib
import json
import logging
import os
import selectors
import signal
import socket
import stat
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_kf.config import Settings
from jupyter_kf.engine.process import GUEST, Launcher, ProcessEvent, SpawnLauncher, read_report, write_manifest
from jupyter_kf.runtime.marks import PAD, PAD_LENGTH, kill_leftovers

log = logging.getLogger(__name__)

_LOAD_TIME = ("PYTHON", "LD_", "OMP_", "MKL_", "OPENBLAS", "BLIS", "NUMEXPR", "NUMBA", "KMP_", "MPL", "LANG", "LC_")
_TRIES = 2


@dataclass(slots=True)
class _Step:
    manifest: Mapping[str, Any]
    secrets: Mapping[str, str]
    folder: Path
    pid: int = 0
    reported: bool = False
    tries: int = 1


class ForkLauncher(Launcher):
    """Has steps forked from a warm server; spawns them where that fails."""

    def __init__(
        self,
        python: str,
        environ: Mapping[str, str],
        *,
        modules: Collection[str] = (),
        settings: Settings,
        fingerprint: str = "",
    ) -> None:
        self._python, self._environ, self._settings, self._fingerprint = python, dict(environ), settings, fingerprint
        self._modules = list(modules)
        self._spawned = SpawnLauncher(python, environ)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._spawned.fileno(), selectors.EVENT_READ)
        self._ready: list[ProcessEvent] = []
        self._steps: dict[str, _Step] = {}
        self._connection: socket.socket | None = None
        self._heard = b""
        self._failures = 0
        self._asked: set[str] = set()
        self._server = 0

    # -- the launcher's interface ----------------------------------------------------------------
    def start(self, manifest: Mapping[str, Any], *, secret_env: Mapping[str, str] | None = None) -> None:
        """See :meth:`Launcher.start`."""
        path = write_manifest(manifest)
        step = _Step(manifest, dict(secret_env or {}), path.parent)
        self._start(step)

    def _start(self, step: _Step) -> None:
        execution = str(step.manifest["execution"])
        self._steps[execution] = step
        if not self._connected(step.manifest):
            self._spawn(execution)
            return
        path = str(step.folder / "manifest.json")
        self._say({"op": "start", "execution": execution, "manifest": path, "environ": dict(step.secrets)})

    def kill(self, execution: str, grace: float) -> None:
        """See :meth:`Launcher.kill`."""
        if execution in self._steps:
            self._say({"op": "kill", "execution": execution, "grace": grace})
        else:
            self._spawned.kill(execution, grace)

    def fileno(self) -> int:
        """See :meth:`Launcher.fileno`."""
        return self._selector.fileno()

    def events(self) -> list[ProcessEvent]:
        """See :meth:`Launcher.events`."""
        self._listen()
        self._ready += self._spawned.events()
        events, self._ready = self._ready, []
        return events

    def close(self) -> None:
        """See :meth:`Launcher.close`."""
        if self._connection is not None:
            self._selector.unregister(self._connection)
            self._connection.close()  # the server kills what this launcher has started
            self._connection = None
        if self._steps:
            kill_leftovers(list(self._steps))
            self._steps.clear()
        self._spawned.close()
        self._selector.close()

    # -- talking to the server -------------------------------------------------------------------
    def _say(self, message: Mapping[str, Any]) -> None:
        if self._connection is None:
            return
        try:
            self._connection.setblocking(True)
            self._connection.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            log.debug("the fork server is gone")  # its end is heard by events()
        finally:
            self._connection.setblocking(False)

    def _listen(self) -> None:
        while self._connection is not None:
            try:
                said = self._connection.recv(1 << 16)
            except BlockingIOError:
                return
            except OSError:
                said = b""
            if not said:
                self._lost()
                return
            *lines, self._heard = (self._heard + said).split(b"\n")
            for line in lines:
                self._hear(json.loads(line))

    def _hear(self, message: Mapping[str, Any]) -> None:
        execution, kind = message["execution"], message["event"]
        step = self._steps.get(execution)
        if step is None:
            return
        if kind == "refused":
            self._refused(execution, step, message["why"])
            return
        step.pid = message["pid"]
        if kind == "started":
            self._ready.append(ProcessEvent(execution, "started", step.pid))
            return
        self._report(execution, step)
        if kind == "exited":
            del self._steps[execution]
            self._ready.append(ProcessEvent(execution, "exited", step.pid, status=message["status"]))

    def _report(self, execution: str, step: _Step) -> None:
        if step.reported:
            return
        report = read_report(step.folder)
        if report is not None:
            step.reported = True
            self._ready.append(ProcessEvent(execution, "reported", step.pid, report))

    def _refused(self, execution: str, step: _Step, why: str) -> None:
        log.info("the fork server refused a step: %s", why)
        step.tries += 1
        if step.tries > _TRIES:
            self._spawn(execution)
            return
        others = [e for e, s in self._steps.items() if e != execution and s.pid]
        if not others:
            self._disconnect()
            self._start(step)
        else:
            self._spawn(execution)

    def _spawn(self, execution: str) -> None:
        step = self._steps.pop(execution)
        self._spawned.start(step.manifest, secret_env=step.secrets)

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._selector.unregister(self._connection)
            self._connection.close()
            self._connection, self._heard = None, b""
            self._asked.clear()

    def _lost(self) -> None:
        """The server died: its children died with it, what they had started is found by its mark."""
        self._disconnect()
        self._reap_server()
        self._failures += 1
        lost, self._steps = self._steps, {}
        log.warning("the fork server is gone; %d steps were with it", len(lost))
        kill_leftovers(list(lost))
        for execution, step in lost.items():
            self._report(execution, step)
            if step.pid == 0 and not step.reported:
                self._spawned.start(step.manifest, secret_env=step.secrets)
            else:
                self._ready.append(ProcessEvent(execution, "exited", step.pid))

    def _reap_server(self) -> None:
        if self._server:
            try:
                self._server = 0 if os.waitpid(self._server, os.WNOHANG)[0] else self._server
            except ChildProcessError:
                self._server = 0

    def _connected(self, manifest: Mapping[str, Any]) -> bool:
        """Connect, starting a server where there is none, and ask for the modules the step imports."""
        if self._failures >= _TRIES:
            return False
        if self._connection is None:
            try:
                self._connection = self._connect()
            except (OSError, NotImplementedError, StopIteration) as exc:
                log.warning("no fork server: %s", exc)
                self._failures = _TRIES
                return False
            self._selector.register(self._connection, selectors.EVENT_READ)
            self._asked.clear()
        wanted = [m for m in self._imported(manifest) if m not in self._asked]
        if wanted or not self._asked:
            self._asked.update(wanted or ("",))
            self._say({"op": "hello", "environ": self._environ, "modules": wanted})
        return self._connection is not None

    def _imported(self, manifest: Mapping[str, Any]) -> list[str]:
        modules = list(self._modules)
        for fragment in manifest.get("fragments", ()):
            if fragment["kind"] == "import":
                modules += imports_of(fragment["source"])
        return list(dict.fromkeys(modules))

    def _connect(self) -> socket.socket:
        folder = socket_folder()
        key = self._key()
        path, lock = folder / f"{key}.sock", folder / f"{key}.lock"
        with _locked(lock):
            connection = socket.socket(socket.AF_UNIX)
            try:
                try:
                    connection.connect(str(path))
                except (ConnectionRefusedError, FileNotFoundError):
                    self._start_server(path, lock, key)
                    connection.connect(str(path))
            except BaseException:
                connection.close()
                raise
            connection.setblocking(False)
            return connection

    def _start_server(self, path: Path, lock: Path, key: str) -> None:
        path.unlink(missing_ok=True)
        _sweep(path.parent)
        listener = socket.socket(socket.AF_UNIX)
        try:
            listener.bind(str(path))
            path.chmod(0o600)
            listener.listen(256)
            cache = self._settings.home / "cache"
            cache.mkdir(parents=True, exist_ok=True)
            environ = {n: v for n, v in self._environ.items() if not n.startswith("JUPYTER_KF_RUN")}
            arguments = [
                self._python, str(GUEST), "serve", str(path), str(listener.fileno()), str(lock),
                str(cache / f"preload-{key}.json"), str(self._settings.warm),
            ]  # fmt: skip
            output = os.O_WRONLY | os.O_CREAT | os.O_APPEND
            listener.set_inheritable(True)
            self._server = os.posix_spawnp(
                self._python, arguments, {**environ, PAD: "x" * PAD_LENGTH}, setsid=True,
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 1, str(cache / "forkserver.log"), output, 0o600),
                    (os.POSIX_SPAWN_DUP2, 1, 2),
                ],
            )  # fmt: skip
        finally:
            listener.close()

    def _key(self) -> str:
        load_time = sorted((n, v) for n, v in self._environ.items() if n.startswith(_LOAD_TIME))
        parts = [self._python, os.path.realpath(self._python), str(self._settings.home), self._fingerprint]
        text = json.dumps([*parts, guest_digest(), load_time, self._settings.warm])
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def imports_of(source: str) -> list[str]:
    r"""Return the modules that import statements load, in the words of ``runtime/preload.py``.

    >>> imports_of("import numpy as np, os.path\nfrom sklearn.svm import SVC")
    ['numpy', 'os.path', 'sklearn.svm:SVC']
    """
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return []
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found += [node.module if a.name == "*" else f"{node.module}:{a.name}" for a in node.names]
    return [m for m in found if not m.startswith("__future__") and m.partition(".")[0] != "jupyter_kf"]


def guest_digest() -> str:
    """Return a digest of the guest's own files: a server of another version is another server."""
    total = hashlib.sha256()
    for path in sorted(GUEST.parent.glob("*.py")):
        found = path.stat()
        total.update(f"{path}:{found.st_size}:{found.st_mtime_ns};".encode())
    return total.hexdigest()


def socket_folder() -> Path:
    """Return the private folder of sockets; its path is short, because a socket's may have 107 bytes only.

    Raises:
        PermissionError: the folder is another user's, or open to others.
    """
    places = [os.environ.get("XDG_RUNTIME_DIR", ""), tempfile.gettempdir(), "/tmp"]  # noqa: S108 - checked below
    place = next(p for p in places if p and len(p) < 60 and os.access(p, os.W_OK))
    folder = Path(place) / f"jupyter-kf-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise PermissionError(f"{folder} is not a private folder of this user")
    return folder


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock of a server's place; a server that ends takes the file away while it holds it."""
    while True:
        with path.open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if _is_still(path, lock.fileno()):
                yield
                return


def _is_still(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _sweep(folder: Path) -> None:
    """Remove the sockets and locks of servers that were killed."""
    for held in folder.glob("*.pid"):
        try:
            text = held.read_text("ascii").strip()
        except FileNotFoundError:
            continue  # its server has just removed it
        if text and not Path(f"/proc/{text}").exists():
            for suffix in (".sock.pid", ".sock"):
                (folder / held.name.replace(".sock.pid", suffix)).unlink(missing_ok=True)
    for path in folder.glob("*.lock"):
        if not path.with_suffix(".sock").exists():
            _remove_lock(path)


def _remove_lock(path: Path) -> None:
    """Remove a lock that nobody holds, and behind which there is no server."""
    try:
        with path.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_still(path, lock.fileno()) and not path.with_suffix(".sock").exists():
                path.unlink()
    except (FileNotFoundError, BlockingIOError):
        return  # gone by now, or somebody is about to start a server there


def stop_servers(home: Path) -> None:
    """End the fork servers of this home that wait for work, for ``doctor`` and for tests."""
    mark = str(home / "cache").encode()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if str(GUEST).encode() in words and b"serve" in words and any(w.startswith(mark) for w in words):
            os.kill(int(entry.name), signal.SIGTERM)
