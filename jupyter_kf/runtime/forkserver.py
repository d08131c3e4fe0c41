"""The guest's room, fork server (Linux): a warm process that steps are forked from, so that one costs milliseconds.

One single-threaded loop. It has loaded IPython and what the pipelines of its clients import (:mod:`.preload`), keeps
one forked child ready, and hands that child the next step's manifest. It ends itself after some idle time.

Protocol, one JSON object a line, over a Unix socket that only its user may open (peer credentials are checked)::

    client  {"op": "hello", "environ": {…}, "modules": ["numpy", "sklearn.svm:SVC"]}
            {"op": "start", "execution": "…", "manifest": "/path", "environ": {…}}      environ: in addition to hello's
            {"op": "kill", "execution": "…", "grace": 5.0}
    server  {"event": "started" | "reported", "execution", "pid"}
            {"event": "exited", "execution", "pid", "status"}     status as subprocess has it
            {"event": "refused", "execution", "why"}              start it another way

When a client's connection ends, its steps are killed with all they have started; when the server dies, the kernel
kills its children.
"""

from __future__ import annotations

import ctypes
import fcntl
import gc
import json
import logging
import os
import selectors
import signal
import socket
import struct
import sys
import time
import traceback
from typing import Any, Dict, List, NoReturn, Optional, Tuple

from . import preload
from .marks import EXECUTION_MARK, RUN_MARK, Pad, execution_of, marked, signal_group, stands_alone
from .numeric_threads import VARIABLES, find_setters, limit_variables
from .random_state import reseed
from .shell import make_shell
from .step import REPORT_VARIABLE, Rehearsal, StepExecution, fresh_main, leave, plot_backend, tell
from .watch import Watch

log = logging.getLogger(__name__)

_DEATH_SIGNAL, _SUBREAPER = 1, 36  # prctl(2): PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER
_PROBE_PATIENCE = 120.0
#: pyarrow's jemalloc starts a thread unless it is told not to; pandas, which loads it, could not be loaded ahead then.
_ARROW = "JE_ARROW_MALLOC_CONF"
#: Variables that the interpreter or libraries read when they are loaded: a step that sets one gets its own interpreter.
LOAD_TIME = ("PYTHON", "LD_", "OMP_", "MKL_", "OPENBLAS", "BLIS", "NUMEXPR", "NUMBA", "KMP_", "MPL", "LANG", "LC_")


class Client:
    """A connection of a launcher, with what it said and what is still to be said to it."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.environ: Dict[str, str] = {}
        self.heard = b""
        self.unsaid = b""

    def say(self, **message: Any) -> None:
        """Send a line; what does not fit now is sent when the connection takes it."""
        self.unsaid += json.dumps(message).encode() + b"\n"
        self.flush()

    def flush(self) -> None:
        """Send what the connection takes."""
        try:
            self.unsaid = self.unsaid[self.connection.send(self.unsaid) :]
        except BlockingIOError:
            return
        except OSError:
            self.unsaid = b""  # it is gone; the loop hears of that by itself


class Child:
    """A forked child: the spare one, or the process of an execution."""

    def __init__(self, pid: int, channel: socket.socket) -> None:
        self.pid = pid
        self.channel = channel
        self.execution = ""
        self.client: Optional[Client] = None
        self.deadline: Optional[float] = None
        self.reported = False


class ForkServer:
    """The loop. ``listener`` is bound already; ``path`` and ``lock`` are the socket's and its lock's."""

    def __init__(self, listener: socket.socket, path: str, lock: str, memory: str, warm: float) -> None:
        self._listener, self._path, self._lock, self._warm = listener, path, lock, warm
        self._pad = Pad()
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._libc.prctl(_SUBREAPER, 1, 0, 0, 0)
        self._pid = os.getpid()
        self._cores = len(os.sched_getaffinity(0))
        self._environ = dict(os.environ)
        limit_variables(1)
        os.environ.setdefault(_ARROW, "background_thread:false")
        os.environ.setdefault("MPLBACKEND", plot_backend())
        self._state = preload.environment_state()
        self._verdicts = preload.Verdicts(memory)
        self._shell = make_shell(fresh_main())
        self._shell.warm()
        self._watch = Watch()
        self._rehearsal = Rehearsal(self._shell, self._watch, os.path.join(os.path.dirname(memory), "rehearsal"))
        self._rehearsal.prepare()
        self._setters: List[Any] = []
        self._loaded: List[str] = []
        self._shadowable: Tuple[str, ...] = ()
        self._wanted: List[str] = []
        self._probe: Optional[Tuple[int, int, float]] = None
        self._probed = b""
        self._clients: Dict[int, Client] = {}
        self._children: Dict[int, Child] = {}
        self._spare: Optional[Child] = None
        self._retired = False
        self._idle_since = time.monotonic()
        self._selector = selectors.DefaultSelector()
        self._heard, self._told = os.pipe()
        for fd in (self._heard, self._told):
            os.set_blocking(fd, False)
        listener.setblocking(False)

    def run(self) -> None:
        """Serve until nobody needs it any more."""
        signal.set_wakeup_fd(self._told, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda number, frame: self._retire("it was asked to end"))
        self._selector.register(self._heard, selectors.EVENT_READ, self._reap)
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._settle()
        while not self._may_leave():
            ready = self._selector.select(self._patience())
            for key, _ in ready:
                key.data()
            if not ready and self._can_load():
                self._load_known(limit=1)  # nobody waits just now
            self._keep_time()
            if self._spare is None and not self._retired:
                self._fork_spare()
        self._leave()

    def _settle(self) -> None:
        """Leave what is loaded alone in the children's memory: no collection touches, and so copies, it."""
        gc.collect()
        if hasattr(self._libc, "malloc_trim"):
            self._libc.malloc_trim(0)  # what is not there need not be copied by every fork
        gc.freeze()
        self._setters = find_setters()

    # -- clients -------------------------------------------------------------------------------
    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except BlockingIOError:
            return
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        if struct.unpack("3i", credentials)[1] != os.getuid():
            connection.close()
            return
        connection.setblocking(False)
        client = Client(connection)
        self._clients[connection.fileno()] = client
        self._selector.register(connection, selectors.EVENT_READ, lambda: self._listen(client))

    def _listen(self, client: Client) -> None:
        if client.connection.fileno() < 0:
            return  # forgotten within the same round of the loop
        try:
            said = client.connection.recv(1 << 18)
        except BlockingIOError:
            return
        except OSError:
            said = b""
        if not said:
            self._forget(client)
            return
        *lines, client.heard = (client.heard + said).split(b"\n")
        for line in lines:
            message = json.loads(line)
            if message["op"] == "start":
                self._start(client, message)
            elif message["op"] == "kill":
                self._kill(message["execution"], message["grace"])
            elif message["op"] == "hello":
                client.environ = message["environ"]
                self._welcome(message["modules"])

    def _welcome(self, modules: List[str]) -> None:
        if self._state != preload.environment_state():
            self._retire("the environment has changed")
            return
        self._wanted += [m for m in modules if m not in self._loaded and m not in self._wanted]
        self._load_known()

    def _forget(self, client: Client) -> None:
        self._selector.unregister(client.connection)
        del self._clients[client.connection.fileno()]
        client.connection.close()
        for child in list(self._children.values()):
            if child.client is client:
                child.client = None
                self._kill_now(child)
        self._idle_since = time.monotonic()

    # -- preloading ----------------------------------------------------------------------------
    def _load_known(self, limit: int = 1000) -> None:
        """Load what is known to be good, at most ``limit`` modules; have a child judge what is not known."""
        loaded = 0
        before = set(sys.modules)
        for module in list(self._wanted):
            verdict = self._verdicts.get(module)
            if verdict is None or loaded >= limit:
                continue
            self._wanted.remove(module)
            if verdict:
                continue
            try:
                preload.load(module)
            except Exception as exc:  # noqa: BLE001 - a step that needs it will say so
                self._verdicts.set(module, "import failed: %s" % exc)
                continue
            self._loaded.append(module)
            loaded += 1
            if preload.thread_count() > 1:
                self._verdicts.set(module, "starts threads")
                self._retire("%s started a thread" % module)
                return
        if loaded:
            new = {name.partition(".")[0] for name in set(sys.modules) - before}
            self._shadowable = tuple(sorted(new.union(self._shadowable)))
            self._settle()
            self._drop_spare()
        unknown = [module for module in self._wanted if self._verdicts.get(module) is None]
        if unknown and self._probe is None and not self._retired:
            self._start_probe(unknown)

    def _can_load(self) -> bool:
        return any(self._verdicts.get(module) is not None for module in self._wanted)

    def _start_probe(self, modules: List[str]) -> None:
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            self._probe_in_child(writing, modules)
        os.close(writing)
        os.set_blocking(reading, False)
        self._probe, self._probed = (pid, reading, time.monotonic() + _PROBE_PATIENCE), b""
        self._selector.register(reading, selectors.EVENT_READ, self._hear_probe)

    def _probe_in_child(self, writing: int, modules: List[str]) -> NoReturn:
        try:
            self._become_child()
            os.nice(19)  # steps that run now come first
            null = os.open(os.devnull, os.O_RDWR)
            for fd in (0, 1, 2):
                os.dup2(null, fd)
            for module in modules:
                os.write(writing, json.dumps([module, None]).encode() + b"\n")
                verdict = preload.judge(module)
                os.write(writing, json.dumps([module, verdict]).encode() + b"\n")
                if verdict:
                    break
        finally:
            os._exit(0)

    def _hear_probe(self) -> None:
        assert self._probe is not None
        _, reading, _ = self._probe
        try:
            said = os.read(reading, 1 << 16)
        except BlockingIOError:
            return
        self._probed += said
        if said:
            return
        self._selector.unregister(reading)
        os.close(reading)
        self._probe = None
        verdicts = dict(json.loads(line) for line in self._probed.split(b"\n")[:-1])
        if not verdicts:
            self._wanted.clear()  # it did not get to try any: nothing is known, a later client asks again
        for module, verdict in verdicts.items():
            self._verdicts.set(module, "import crashed" if verdict is None else verdict)

    # -- children ------------------------------------------------------------------------------
    def _fork_spare(self) -> None:
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            ours.close()
            self._serve_one(theirs)
        theirs.close()
        ours.setblocking(False)
        self._spare = Child(pid, ours)

    def _drop_spare(self) -> None:
        if self._spare is not None:
            self._spare.channel.close()  # it reads the end of its channel and leaves
            self._spare = None

    def _start(self, client: Client, message: Dict[str, Any]) -> None:
        execution = message["execution"]
        if self._retired:
            client.say(event="refused", execution=execution, why="the server retires")
            return
        if self._spare is None:
            self._fork_spare()
        child, self._spare = self._spare, None
        assert child is not None
        child.execution, child.client = execution, client
        request = {"manifest": message["manifest"], "environ": {**client.environ, **message["environ"]}}
        child.channel.setblocking(True)
        try:
            child.channel.sendall(json.dumps(request).encode() + b"\n")
        except OSError:  # it was killed while it waited
            child.channel.close()
            client.say(event="refused", execution=execution, why="the child was gone")
            return
        child.channel.setblocking(False)
        self._children[child.pid] = child
        self._selector.register(child.channel, selectors.EVENT_READ, lambda: self._hear(child))
        client.say(event="started", execution=execution, pid=child.pid)

    def _hear(self, child: Child) -> None:
        if child.channel.fileno() < 0:
            return  # reaped within the same round of the loop
        try:
            said = child.channel.recv(4096)
        except (BlockingIOError, ConnectionResetError):
            said = b""
        if said and not child.reported:
            child.reported = True
            if child.client is not None:
                child.client.say(event="reported", execution=child.execution, pid=child.pid)
        elif not said:
            self._selector.unregister(child.channel)
            child.channel.close()

    def _kill(self, execution: str, grace: float) -> None:
        for child in list(self._children.values()):
            if child.execution == execution:
                if grace > 0:
                    signal_group(child.pid, signal.SIGTERM)
                    child.deadline = time.monotonic() + grace
                else:
                    self._kill_now(child)

    def _kill_now(self, child: Child) -> None:
        child.deadline = None
        signal_group(child.pid, signal.SIGKILL)
        for pid in marked([child.execution]):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def _reap(self) -> None:
        try:
            os.read(self._heard, 4096)
        except BlockingIOError:
            pass
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                break
            if ended is None:
                break
            child = self._children.pop(ended.si_pid, None)
            if child is not None:
                signal_group(child.pid, signal.SIGKILL)  # not reaped yet: the group is still its own
            _, status = os.waitpid(ended.si_pid, 0)
            if child is not None:
                self._say_exited(child, status)
            elif self._spare is not None and self._spare.pid == ended.si_pid:
                self._drop_spare()
        self._kill_orphans()

    def _say_exited(self, child: Child, status: int) -> None:
        if child.channel.fileno() >= 0:
            self._hear(child)
        if child.channel.fileno() >= 0:
            self._selector.unregister(child.channel)
            child.channel.close()
        code = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        if child.client is not None:
            child.client.say(event="exited", execution=child.execution, pid=child.pid, status=code)
        self._idle_since = time.monotonic()

    def _kill_orphans(self) -> None:
        """Kill what ended steps have left, but not runs that they have started: a subreaper inherits both."""
        known = set(self._children) | ({self._spare.pid} if self._spare else set())
        known |= {self._probe[0]} if self._probe else set()
        running = {child.execution for child in self._children.values()}
        for pid in _children_of(self._pid):
            if pid in known:
                continue
            execution = execution_of(pid)
            if execution not in running and not stands_alone(pid):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue

    # -- in the child --------------------------------------------------------------------------
    def _become_child(self) -> None:
        os.setsid()
        self._libc.prctl(_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != self._pid:
            os._exit(1)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGHUP, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self._selector.close()
        for fd in (self._heard, self._told):
            os.close(fd)
        self._listener.close()
        for client in self._clients.values():
            client.connection.close()
        for child in self._children.values():
            child.channel.close()
        if self._probe is not None:
            os.close(self._probe[1])

    def _serve_one(self, channel: socket.socket) -> NoReturn:
        try:
            self._become_child()
            if sum(not child.reported for child in self._children.values()) < self._cores:
                self._rehearsal.run()  # where all cores are busy nobody gains by doing it twice
            reseed()
            line = _read_line(channel)
            if not line:
                os._exit(0)
            request = json.loads(line)
            with open(request["manifest"], encoding="utf-8") as file:
                manifest = json.load(file)
            environ = request["environ"]
            if self._must_be_fresh(manifest, environ):
                _become_interpreter(request["manifest"], environ, channel)
            self._wear(manifest, environ)
            report = StepExecution(manifest, self._shell, self._watch).run()
            tell(channel.fileno(), manifest, report)
            leave(report)
        except BaseException:  # noqa: BLE001 - nothing may return into the server's loop
            os.write(2, traceback.format_exc().encode("utf-8", "replace"))
        finally:
            os._exit(70)

    def _must_be_fresh(self, manifest: Dict[str, Any], environ: Dict[str, str]) -> bool:
        asked = {**environ, **(manifest.get("env") or {})}
        names = {name for name in (*asked, *self._environ) if name.startswith(LOAD_TIME)}
        if any(asked.get(name) != self._environ.get(name) for name in names):
            return True
        return bool(preload.shadowed(manifest["cwd"], self._shadowable))

    def _wear(self, manifest: Dict[str, Any], environ: Dict[str, str]) -> None:
        marks = {RUN_MARK: str(manifest["run"]), EXECUTION_MARK: str(manifest["execution"])}
        self._pad.write(marks)
        zone = os.environ.get("TZ")
        wanted = {**environ, **marks}
        for name in [name for name in os.environ if name not in wanted]:
            del os.environ[name]
        for name, value in wanted.items():
            if os.environ.get(name) != value:
                os.environ[name] = value
        if os.environ.get("TZ") != zone:
            time.tzset()
        threads = int(manifest.get("threads") or 0)
        if threads > 1 and not any(name in environ for name in VARIABLES):
            for setter in self._setters:
                setter(threads)

    # -- time and ending -----------------------------------------------------------------------
    def _patience(self) -> Optional[float]:
        if self._can_load():
            return 0.0
        now = time.monotonic()
        moments = [child.deadline for child in self._children.values() if child.deadline is not None]
        if self._probe is not None:
            moments.append(self._probe[2])
        if any(client.unsaid for client in self._clients.values()):
            moments.append(now + 0.02)
        if not self._clients and not self._children:
            moments.append(self._idle_since + self._warm)
        return max(0.0, min(moments) - now) if moments else None

    def _keep_time(self) -> None:
        now = time.monotonic()
        for child in list(self._children.values()):
            if child.deadline is not None and now >= child.deadline:
                self._kill_now(child)
        if self._probe is not None and now >= self._probe[2]:
            signal_group(self._probe[0], signal.SIGKILL)
        for client in self._clients.values():
            if client.unsaid:
                client.flush()

    def _retire(self, why: str) -> None:
        """Take no more steps; leave when those that run are done."""
        if not self._retired:
            log.info("the fork server retires: %s", why)
            self._retired = True
            _remove(self._path, self._listener)
            self._drop_spare()
            self._wanted.clear()

    def _may_leave(self) -> bool:
        if self._children:
            return False
        if self._retired and not self._clients:
            return True
        return not self._clients and time.monotonic() - self._idle_since >= self._warm and self._close_door()

    def _close_door(self) -> bool:
        """Give up the socket unless somebody is just about to connect; launchers connect under the same lock."""
        with open(self._lock, "ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._idle_since = time.monotonic()
                return False
            self._accept()
            if self._clients:
                return False
            _remove(self._path, self._listener)
            os.unlink(self._lock)
            return True

    def _leave(self) -> None:
        _remove(self._path, self._listener)
        self._drop_spare()
        if self._probe is not None:
            signal_group(self._probe[0], signal.SIGKILL)


def _remove(path: str, listener: socket.socket) -> None:
    """Unlink the socket where it still is this server's."""
    if listener.fileno() < 0:
        return
    try:
        if os.path.exists(path + ".pid"):
            with open(path + ".pid", encoding="ascii") as file:
                if file.read().strip() != str(os.getpid()):
                    return
            os.unlink(path + ".pid")
            os.unlink(path)
    except FileNotFoundError:
        return


def _read_line(channel: socket.socket) -> bytes:
    said = b""
    while not said.endswith(b"\n"):
        piece = channel.recv(1 << 18)
        if not piece:
            return b""
        said += piece
    return said


def _become_interpreter(manifest: str, environ: Dict[str, str], channel: socket.socket) -> NoReturn:
    """Go on as a fresh interpreter in the same process: what is loaded here does not fit this step."""
    with open(manifest, encoding="utf-8") as file:
        held = json.load(file)
    os.set_inheritable(channel.fileno(), True)
    marks = {RUN_MARK: str(held["run"]), EXECUTION_MARK: str(held["execution"])}
    environ = {**environ, **(held.get("env") or {}), **marks, REPORT_VARIABLE: str(channel.fileno())}
    guest = os.path.join(os.path.dirname(os.path.abspath(__file__)), "guest.py")
    os.execve(sys.executable, [sys.executable, guest, "step", manifest], environ)  # noqa: S606


def _children_of(pid: int) -> List[int]:
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []  # a kernel without it: what left its step's group is found by its mark when the run ends


def main(arguments: List[str]) -> int:
    """Serve: ``SOCKET LISTENER_FD LOCK VERDICTS WARM``."""
    path, descriptor, lock, memory, warm = arguments
    listener = socket.socket(fileno=int(descriptor))
    listener.set_inheritable(False)
    os.chdir("/")
    with open(path + ".pid", "w", encoding="ascii") as file:
        file.write(str(os.getpid()))
    ForkServer(listener, path, lock, memory, float(warm)).run()
    return 0
