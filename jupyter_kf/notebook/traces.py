"""Notebook room: what the text shows besides names: files, random state, blind spots, values that cannot travel.

One pass over the tree of each statement. Nothing here decides about values; it adds edges that no variable carries, the
implicit names of the random generators, and findings.
"""

from __future__ import annotations

import ast
import posixpath
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from jupyter_kf.model.pipeline import NUMPY_RANDOM_STATE, RANDOM_STATE
from jupyter_kf.notebook.facts import Site
from jupyter_kf.notebook.fragments import Aliases

#: Functions that set the state of a generator, by dotted name.
_SEEDS: Mapping[str, tuple[str, ...]] = {
    "random.seed": (RANDOM_STATE,),
    "random.setstate": (RANDOM_STATE,),
    "numpy.random.seed": (NUMPY_RANDOM_STATE,),
    "numpy.random.set_state": (NUMPY_RANDOM_STATE,),
    "scipy.random.seed": (NUMPY_RANDOM_STATE,),
}
#: Functions of libraries that seed every generator.
_SEED_ALL = frozenset({"seed_everything", "seed_all", "set_random_seed", "fix_seed"})
#: Attributes of the modules that do not draw.
_NO_DRAW = frozenset(
    {
        "seed", "setstate", "set_state", "getstate", "get_state", "default_rng", "SeedSequence", "Generator", "PCG64",
        "RandomState", "Random", "SystemRandom", "BitGenerator", "MT19937", "Philox",
    }
)  # fmt: skip
#: Packages that draw from numpy's global state unless told otherwise.
_NUMPY_DRAWERS = frozenset(
    {"sklearn", "imblearn", "scipy", "statsmodels", "xgboost", "lightgbm", "catboost", "umap", "hdbscan", "shap",
     "skimage", "seaborn", "torchvision", "albumentations", "keras", "tensorflow", "pymc", "emcee", "networkx",
     "gensim", "mlxtend"}
)  # fmt: skip
_RANDOM_DRAWERS = frozenset(
    {"networkx", "nltk", "torchvision", "albumentations", "deap", "spacy", "tensorflow", "keras"}
)
_DRAWING_METHODS = frozenset(
    {
        "fit",
        "fit_transform",
        "fit_predict",
        "fit_resample",
        "sample",
        "split",
        "rvs",
        "bootstrap",
        "shuffle",
        "partial_fit",
    }
)
#: Calls whose result lives in one process only, by dotted name, with what it is.
_RESOURCES: Mapping[str, str] = {
    "open": "an open file", "io.open": "an open file", "gzip.open": "an open file", "bz2.open": "an open file",
    "lzma.open": "an open file", "codecs.open": "an open file", "tempfile.TemporaryFile": "an open file",
    "tempfile.NamedTemporaryFile": "an open file", "tempfile.TemporaryDirectory": "a temporary folder",
    "zipfile.ZipFile": "an open file", "tarfile.open": "an open file",
    "h5py.File": "an open file", "netCDF4.Dataset": "an open file", "sqlite3.connect": "a database connection",
    "psycopg.connect": "a database connection", "psycopg2.connect": "a database connection",
    "pymysql.connect": "a database connection", "duckdb.connect": "a database connection",
    "mysql.connector.connect": "a database connection", "pyodbc.connect": "a database connection",
    "sqlalchemy.create_engine": "a database connection", "pymongo.MongoClient": "a database connection",
    "redis.Redis": "a database connection", "socket.socket": "a socket", "socket.create_connection": "a socket",
    "threading.Lock": "a lock", "threading.RLock": "a lock", "threading.Condition": "a lock",
    "threading.Event": "a lock", "threading.Semaphore": "a lock", "threading.Thread": "a thread",
    "multiprocessing.Lock": "a lock", "multiprocessing.Pool": "a pool of processes",
    "multiprocessing.Process": "a process", "subprocess.Popen": "a process",
    "concurrent.futures.ThreadPoolExecutor": "a pool of threads",
    "concurrent.futures.ProcessPoolExecutor": "a pool of processes", "os.scandir": "an open folder",
}  # fmt: skip
_PATH_READERS = re.compile(r"read_\w+|load\w*|open|imread|parse|glob")
#: Methods and functions that write the file named by an argument: position of that argument.
_WRITERS: Mapping[str, int] = {
    "to_csv": 0, "to_parquet": 0, "to_excel": 0, "to_json": 0, "to_pickle": 0, "to_feather": 0, "to_hdf": 0,
    "to_html": 0, "to_markdown": 0, "to_latex": 0, "to_stata": 0, "to_xml": 0, "to_orc": 0, "to_netcdf": 0,
    "to_zarr": 0, "write_parquet": 0, "write_csv": 0, "write_json": 0, "write_ipc": 0, "write_html": 0,
    "write_image": 0, "sink_parquet": 0, "sink_csv": 0, "savefig": 0, "save_weights": 0, "save_model": 0,
    "save_pretrained": 0, "tofile": 0, "imsave": 0, "imwrite": 0, "urlretrieve": 1,
}  # fmt: skip
_WRITE_CALLS: Mapping[str, int] = {
    "numpy.save": 0, "numpy.savez": 0, "numpy.savez_compressed": 0, "numpy.savetxt": 0, "joblib.dump": 1,
    "torch.save": 1, "pickle.dump": -1, "json.dump": -1, "shutil.copy": 1, "shutil.copyfile": 1, "shutil.copy2": 1,
    "shutil.move": 1, "os.rename": 1, "os.replace": 1, "pyarrow.parquet.write_table": 1, "scipy.io.savemat": 0,
    "skimage.io.imsave": 0, "shutil.make_archive": 0, "os.remove": 0, "os.unlink": 0,
}  # fmt: skip
_REDIRECT = re.compile(r"(?:^|[^>&0-9-])[12&]?>>?\s*([^\s;|&<>()]+)")


@dataclass(slots=True)
class Traces:
    """What a step's statements show besides names; each with its first site.

    ``writes`` and ``mentions`` are normalised paths; parameters stand in them as ``{name}``. ``resources`` maps a bound
    name to what it is. ``strong`` are generators that are drawn from by name,
    ``sure`` those that are seeded whatever happens.
    """

    seeds: dict[str, Site] = field(default_factory=dict)
    draws: dict[str, Site] = field(default_factory=dict)
    strong: dict[str, Site] = field(default_factory=dict)
    writes: dict[str, Site] = field(default_factory=dict)
    mentions: dict[str, Site] = field(default_factory=dict)
    blind: dict[str, Site] = field(default_factory=dict)
    resources: dict[str, tuple[str, Site]] = field(default_factory=dict)
    sure: set[str] = field(default_factory=set)

    def absorb(self, other: Traces) -> None:
        """Add what a function does that is called here."""
        for mine, theirs in (
            (self.seeds, other.seeds),
            (self.draws, other.draws),
            (self.strong, other.strong),
            (self.writes, other.writes),
            (self.mentions, other.mentions),
        ):
            for key, site in theirs.items():
                mine.setdefault(key, site)


class Tracer:
    """Reads traces off statements. ``paths`` maps names to the text of a path they surely stand for."""

    def __init__(
        self, aliases: Aliases, paths: Mapping[str, str], generators: frozenset[str], shadowed: set[str]
    ) -> None:
        self.aliases = aliases
        self.paths = dict(paths)
        self.generators = generators
        self.shadowed = shadowed

    def trace(self, cell: int, statement: ast.stmt, traces: Traces, *, body: bool = True) -> None:
        """Add the traces of one statement. A function's or class's body counts only with ``body``."""
        if not body and isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            nodes: list[ast.AST] = list(statement.decorator_list)
        else:
            nodes = [statement]
        for top in nodes:
            for node in ast.walk(top):
                self._node(node, cell, traces)
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            traces.sure.update(_SEEDS.get(self.aliases.dotted(statement.value.func), ()))
        if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
            targets: list[ast.expr] = [*statement.targets] if isinstance(statement, ast.Assign) else [statement.target]
            self._resource(targets, statement.value, cell, traces)

    def _node(self, node: ast.AST, cell: int, traces: Traces) -> None:
        if isinstance(node, ast.Call):
            self._call(node, cell, traces)
        elif isinstance(node, ast.Attribute | ast.Name):
            if isinstance(node, ast.Attribute) or node.id in self.aliases.table:
                self._draw(self.aliases.dotted(node), node, cell, traces)
        elif (
            isinstance(node, ast.Constant) and isinstance(node.value, str) and 0 < len(node.value) < 512
        ) or isinstance(node, ast.JoinedStr | ast.BinOp):
            self._mention(node, cell, traces)
        shell = getattr(node, "kf_shell", None)
        if shell:
            self._shell(shell, Site(cell, getattr(node, "lineno", 1)), traces)
        why = getattr(node, "kf_blind", None)
        if why:
            traces.blind.setdefault(why, Site(cell, getattr(node, "lineno", 1)))

    def _draw(self, dotted: str, node: ast.AST, cell: int, traces: Traces) -> None:
        root, _, rest = dotted.partition(".")
        site = Site(cell, getattr(node, "lineno", 1))
        if root == "random" and rest and rest.partition(".")[0] not in _NO_DRAW:
            traces.draws.setdefault(RANDOM_STATE, site)
            traces.strong.setdefault(RANDOM_STATE, site)
        elif dotted.startswith("numpy.random.") and dotted.split(".")[2] not in _NO_DRAW:
            traces.draws.setdefault(NUMPY_RANDOM_STATE, site)
            traces.strong.setdefault(NUMPY_RANDOM_STATE, site)
        if root in _NUMPY_DRAWERS:
            traces.draws.setdefault(NUMPY_RANDOM_STATE, site)
        if root in _RANDOM_DRAWERS:
            traces.draws.setdefault(RANDOM_STATE, site)

    def _call(self, node: ast.Call, cell: int, traces: Traces) -> None:
        dotted = self.aliases.dotted(node.func)
        site = Site(cell, node.lineno)
        last = dotted.rpartition(".")[2] if dotted else (node.func.attr if isinstance(node.func, ast.Attribute) else "")
        for name in _SEEDS.get(dotted, ()):
            traces.seeds.setdefault(name, site)
        if last in _SEED_ALL or dotted in {"transformers.set_seed", "accelerate.utils.set_seed"}:
            for name in (RANDOM_STATE, NUMPY_RANDOM_STATE):
                traces.seeds.setdefault(name, site)
        if isinstance(node.func, ast.Attribute):
            if node.func.attr in _DRAWING_METHODS:
                traces.draws.setdefault(NUMPY_RANDOM_STATE, site)
            last = node.func.attr
        self._blind_call(node, dotted, site, traces)
        self._file_call(node, dotted, last, site, traces)

    def _blind_call(self, node: ast.Call, dotted: str, site: Site, traces: Traces) -> None:
        name = dotted if "." not in dotted and dotted not in self.shadowed else ""
        constant = bool(node.args) and isinstance(node.args[0], ast.Constant)
        if name == "exec" or (name == "eval" and not constant):
            traces.blind.setdefault(f"`{name}` runs text that is made while the step runs", site)
        elif name in {"globals", "locals"} or (name == "vars" and not node.args):
            traces.blind.setdefault(f"`{name}()` reaches every name", site)
        elif isinstance(node.func, ast.Attribute) and node.func.attr in {
            "run_cell",
            "run_line_magic",
            "run_cell_magic",
            "ex",
            "ev",
            "push",
            "safe_execfile",
        }:
            owner = node.func.value
            if isinstance(owner, ast.Call) and self.aliases.dotted(owner.func) == "get_ipython":
                traces.blind.setdefault(f"`get_ipython().{node.func.attr}` reaches every name", site)
        elif dotted in {"runpy.run_path", "runpy.run_module"}:
            traces.blind.setdefault(f"`{dotted}` runs another file", site)

    # -- files

    def _file_call(self, node: ast.Call, dotted: str, last: str, site: Site, traces: Traces) -> None:
        target: ast.expr | None = None
        arguments = node.args
        if last == "open" and (dotted in {"open", "io.open"} or isinstance(node.func, ast.Attribute)):
            owner = node.func.value if isinstance(node.func, ast.Attribute) and dotted != "io.open" else None
            path_like = owner is not None and self.path_of(owner) is not None
            mode_at = 0 if path_like else 1
            mode = (
                arguments[mode_at]
                if len(arguments) > mode_at
                else next((k.value for k in node.keywords if k.arg == "mode"), None)
            )
            if isinstance(mode, ast.Constant) and isinstance(mode.value, str) and set(mode.value) & set("wax+"):
                target = owner if path_like else (arguments[0] if arguments else None)
        elif isinstance(node.func, ast.Attribute) and last in {"write_text", "write_bytes", "touch", "unlink"}:
            target = node.func.value
        elif dotted in _WRITE_CALLS:
            place = _WRITE_CALLS[dotted]
            target = arguments[place] if 0 <= place < len(arguments) else None
        elif last in _WRITERS or (last == "save" and isinstance(node.func, ast.Attribute)):
            place = _WRITERS.get(last, 0)
            target = (
                arguments[place]
                if place < len(arguments)
                else next(
                    (k.value for k in node.keywords if k.arg in {"path", "path_or_buf", "fname", "filename", "file"}),
                    None,
                )
            )
        elif last in {"system", "run", "call", "check_call", "check_output", "Popen", "getoutput"} and arguments:
            command = arguments[0]
            if isinstance(command, ast.Constant) and isinstance(command.value, str):
                self._shell(command.value, site, traces)
        path = self.path_of(target) if target is not None else None
        if path:
            traces.writes.setdefault(path, site)

    def _mention(self, node: ast.expr, cell: int, traces: Traces) -> None:
        path = self.path_of(node)
        if path:
            traces.mentions.setdefault(path, Site(cell, node.lineno))

    def path_of(self, node: ast.expr) -> str | None:
        """Return the normalised path that an expression of literals and parameters stands for, if it is one."""
        text = self._path_text(node)
        if not text or "\n" in text or text.startswith(("http://", "https://")):
            return None
        return posixpath.normpath(text)

    def _path_text(self, node: ast.expr) -> str | None:
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) else None
        if isinstance(node, ast.Name):
            return self.paths.get(node.id)
        if isinstance(node, ast.JoinedStr):
            parts = [
                self._path_text(v.value) if isinstance(v, ast.FormattedValue) else self._path_text(v)
                for v in node.values
            ]
            return "".join(p for p in parts if p is not None) if all(p is not None for p in parts) else None
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div | ast.Add):
            left, right = self._path_text(node.left), self._path_text(node.right)
            if left is None or right is None:
                return None
            return left + right if isinstance(node.op, ast.Add) else posixpath.join(left, right)
        if isinstance(node, ast.Call):
            dotted = self.aliases.dotted(node.func)
            if (
                dotted in {"pathlib.Path", "pathlib.PurePath", "os.path.join", "str", "os.fspath", "os.path.abspath"}
                and node.args
            ):
                parts = [self._path_text(a) for a in node.args]
                if all(p is not None for p in parts):
                    return posixpath.join(*(p for p in parts if p is not None))
        return None

    def _shell(self, text: str, site: Site, traces: Traces) -> None:
        for line in text.split("\n"):
            for match in _REDIRECT.finditer(line):
                path = self._shell_path(match[1])
                if path and not path.startswith("/dev/"):
                    traces.writes.setdefault(path, site)
            try:
                words = shlex.split(line, comments=True)
            except ValueError:
                words = line.split()
            if words and words[0] in {"cp", "mv", "tee", "touch", "rm"} and len(words) > 1:
                path = self._shell_path(words[-1])
                if path:
                    traces.writes.setdefault(path, site)
            for word in words:
                path = self._shell_path(word)
                if path and len(path) > 1:
                    traces.mentions.setdefault(path, site)

    def _shell_path(self, word: str) -> str | None:
        text = re.sub(r"\{(\w+)\}|\$(\w+)", lambda m: self.paths.get(m[1] or m[2], m[0]), word.strip("'\""))
        return posixpath.normpath(text) if text and not text.startswith("-") else None

    # -- values of one process

    def _resource(self, targets: list[ast.expr], value: ast.expr, cell: int, traces: Traces) -> None:
        what = self.resource_of(value)
        for target in targets:
            names: list[tuple[ast.expr, str | None]] = [(target, what)]
            if isinstance(target, ast.Tuple | ast.List) and isinstance(value, ast.Tuple | ast.List):
                names = [(t, self.resource_of(v)) for t, v in zip(target.elts, value.elts, strict=False)]
            for bound, found in names:
                if isinstance(bound, ast.Name):
                    if found:
                        traces.resources[bound.id] = (found, Site(cell, bound.lineno))
                    else:
                        traces.resources.pop(bound.id, None)

    def resource_of(self, value: ast.expr) -> str | None:
        """Say what an expression makes, if that lives in one process only."""
        if isinstance(value, ast.GeneratorExp):
            return "a generator"
        if not isinstance(value, ast.Call):
            return None
        dotted = self.aliases.dotted(value.func)
        if dotted in self.generators:
            return "a generator"
        if dotted in _RESOURCES and dotted.partition(".")[0] not in self.shadowed:
            return _RESOURCES[dotted]
        if isinstance(value.func, ast.Attribute) and value.func.attr == "open" and self.path_of(value.func.value):
            return "an open file"
        if isinstance(value.func, ast.Attribute) and value.func.attr == "cursor":
            return "a database cursor"
        return None
