"""The guest's room, watch: what a step touched beside its variables.

An audit hook (PEP 578) notes the files that a step opens, the connections it makes and the processes it starts. At the
end of the step the files are digested: the cache may serve the step again only while they are unchanged. Files of the
interpreter and its packages are the environment's business and are passed over; so is what C libraries open by
themselves, but a file whose path stands literally in a cell is counted all the same.

A digest is ``sha256`` hex; a file of more than :data:`DIGEST_LIMIT` bytes, or beyond the first :data:`COUNT_LIMIT`
files or :data:`TOTAL_LIMIT` bytes, is stamped ``stat:SIZE:MTIME_NS`` instead (:func:`stamp` makes either).
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import sys
import sysconfig
import time
from itertools import islice
from typing import Any, Callable, Dict, Iterable, List, Optional, Set, Tuple

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

DIGEST_LIMIT = 256 << 20
COUNT_LIMIT = 2000
TOTAL_LIMIT = 1 << 30
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_PROCESS_EVENTS = frozenset({"subprocess.Popen", "os.fork", "os.forkpty", "os.system", "os.posix_spawn", "os.exec"})
_LITERAL = re.compile(r"""(?:"([^"\\\n]{1,300})"|'([^'\\\n]{1,300})')""")
_CLOCK = re.compile(
    r"\b(time\.time(_ns)?\(|datetime\.(now|today|utcnow)\(|date\.today\(|Timestamp\.(now|today)\(|uuid[14]\(|urandom\()"
)


class Watch:
    """Records what one execution opens. One per process: an audit hook cannot be taken away again."""

    def __init__(self) -> None:
        self._pid = 0
        self._read: Dict[str, None] = {}
        self._written: Dict[str, None] = {}
        self._installed = _installed_folders()
        self._ignored = self._installed
        self._modules_before = 0
        self._folder = ""
        self._started = 0.0
        self.impure: Set[str] = set()
        self._hooked = False
        self._before_process: Optional[Callable[[], None]] = None

    def start(self, folder: str, ignored: Iterable[str], before_process: Optional[Callable[[], None]] = None) -> None:
        """Begin to record. ``folder`` is the notebook's; paths below one of ``ignored`` are passed over.

        ``before_process`` is called when user code is about to fork or to start a program.
        """
        self._before_process = before_process
        self._ignored = self._installed + _as_prefixes(ignored)
        self._folder = os.path.join(os.path.realpath(folder), "")
        self._modules_before = len(sys.modules)
        self._pid = os.getpid()
        self._started = time.time() - 0.01  # one tick of the clock that stamps files
        if not self._hooked:
            self._hooked = True
            sys.addaudithook(self._hook)

    def stop(self) -> None:
        """Stop recording."""
        self._pid = 0

    def _hook(self, event: str, args: Tuple[Any, ...]) -> None:
        if event == "open":
            if self._pid and type(args[0]) is str:
                self._opened(args[0], args[2])
        elif event == "socket.connect":
            if self._pid and isinstance(args[1], tuple):
                self.impure.add("network")
        elif event == "os.rename":
            if self._pid:
                self._note(self._written, args[1])
        elif event in _PROCESS_EVENTS and self._before_process is not None:
            self._before_process()

    def _opened(self, path: str, flags: Any) -> None:
        if path.startswith(self._ignored) or self._pid != os.getpid():
            return
        writes = isinstance(flags, int) and flags & _WRITING
        self._note(self._written if writes else self._read, path)

    def _note(self, where: Dict[str, None], path: Any) -> None:
        try:
            path = os.path.abspath(os.fsdecode(path))
        except (TypeError, ValueError, OSError):
            return  # no path: a descriptor, or the working directory is gone
        if path.startswith(self._ignored) or path.endswith((".pyc", ".pyo")):
            return
        if where is self._read and path in self._written:
            return
        where[path] = None

    def report(self, sources: Iterable[str]) -> Dict[str, Any]:
        """Return ``files_read``, ``files_written``, ``modules`` and ``impure``; ``sources`` are the cells' texts."""
        self.stop()
        modules = self._modules()
        for source in sources:
            if _CLOCK.search(source):
                self.impure.add("clock")
            self._note_literals(source)
        written = [path for path in self._written if os.path.realpath(path).startswith(self._folder)]
        read = [path for path in self._read if path not in self._written and path not in modules]
        return {
            "files_read": _stamps(read),
            "files_written": _stamps(written),
            "modules": _stamps(modules),
            "impure": sorted(self.impure),
        }

    def _note_literals(self, source: str) -> None:
        for match in _LITERAL.finditer(source):
            text = match.group(1) or match.group(2)
            if not ("." in text or "/" in text) or text.startswith((" ", "-", "%")):
                continue
            try:
                found = os.stat(text)
            except (OSError, ValueError):
                continue
            if stat.S_ISREG(found.st_mode):
                self._note(self._written if found.st_mtime >= self._started else self._read, text)

    def _modules(self) -> Dict[str, None]:
        found: Dict[str, None] = {}
        # newest first, and no further: to look at the others would copy their memory from the fork server's
        for name in list(islice(reversed(sys.modules), max(0, len(sys.modules) - self._modules_before))):
            path = getattr(sys.modules.get(name), "__file__", None)
            if isinstance(path, str) and path.endswith(".py") and not path.startswith(self._ignored):
                found[os.path.abspath(path)] = None
        return found


def usage() -> Dict[str, Any]:
    """Return what this process, and programs it started and waited for, used: ``cpu_seconds``, ``memory_peak`` (bytes).

    Empty where the system does not say.
    """
    if resource is None:
        return {}
    own, others = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime
    unit = 1 if sys.platform == "darwin" else 1024
    return {"cpu_seconds": round(seconds, 6), "memory_peak": max(own.ru_maxrss, others.ru_maxrss) * unit}


def stamp(path: str, digest: bool = True) -> Optional[str]:
    """Return the digest of a file, or its ``stat:`` stamp where it is large or ``digest`` is false; None if absent."""
    try:
        found = os.stat(path)
        if not stat.S_ISREG(found.st_mode):
            return None
        if not digest or found.st_size > DIGEST_LIMIT:
            return "stat:%d:%d" % (found.st_size, found.st_mtime_ns)
        total = hashlib.sha256()
        with open(path, "rb") as file:
            for piece in iter(lambda: file.read(1 << 20), b""):
                total.update(piece)
    except OSError:
        return None
    return total.hexdigest()


def same(path: str, recorded: str) -> bool:
    """True where the file is still what a report recorded of it (either kind of stamp)."""
    return stamp(path, not recorded.startswith("stat:")) == recorded


def _stamps(paths: Iterable[str]) -> Dict[str, str]:
    stamps: Dict[str, str] = {}
    ordered: List[str] = sorted(paths)
    room = TOTAL_LIMIT
    for number, path in enumerate(ordered):
        room -= os.path.getsize(path) if os.path.isfile(path) else 0
        made = stamp(path, number < COUNT_LIMIT and room > 0)
        if made is not None:
            stamps[path] = made
    return stamps


def _installed_folders() -> Tuple[str, ...]:
    paths = sysconfig.get_paths()
    roots = {paths["stdlib"], paths["platstdlib"], paths["purelib"], paths["platlib"]}
    roots |= {os.path.dirname(os.path.abspath(__file__)), "/proc", "/sys", "/dev", "/etc", "/usr/share", "/run/user"}
    roots |= {os.path.expanduser(p) for p in ("~/.cache", "~/.config", "~/.ipython", "~/.matplotlib")}
    roots |= {path for path in sys.path if path.endswith(("site-packages", "dist-packages", ".zip"))}
    return _as_prefixes(roots)


def _as_prefixes(folders: Iterable[str]) -> Tuple[str, ...]:
    forms = {form for path in folders if path for form in (path, os.path.realpath(path))}
    return tuple(sorted(form.rstrip("/") + "/" for form in forms))
