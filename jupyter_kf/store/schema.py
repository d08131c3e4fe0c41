"""Store room: the tables, and the way from an older schema to this one.

``kf_events`` is the truth. The tables in :data:`FOLDED` can be made again from it at any time
(:meth:`jupyter_kf.store.metadata.Metadata.rebuild`), so a change of theirs is migrated by making them anew.
``kf_store`` holds the schema's version, ``kf_usage`` what garbage collection must know beside the log.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jupyter_kf.errors import StoreError
from jupyter_kf.store.database import Database, Session

#: Names, and texts that can be compared, are cut at this length: indexes of PostgreSQL and MySQL have bounds.
SHORT = 250
#: Length of the text that ``search`` looks through.
SEARCHED = 500

_TYPES = {
    "sqlite": {"id": "TEXT", "short": "TEXT", "search": "TEXT", "long": "TEXT", "real": "REAL", "int": "INTEGER"},
    "postgresql": {
        "id": "VARCHAR(64)",
        "short": f"VARCHAR({SHORT})",
        "search": f"VARCHAR({SEARCHED})",
        "long": "TEXT",
        "real": "DOUBLE PRECISION",
        "int": "BIGINT",
    },
    "mysql": {
        "id": "VARCHAR(64)",
        "short": f"VARCHAR({SHORT})",
        "search": f"VARCHAR({SEARCHED})",
        "long": "LONGTEXT",
        "real": "DOUBLE",
        "int": "BIGINT",
    },
}


@dataclass(frozen=True, slots=True)
class Table:
    """``columns`` as ``name type`` words (a ``?`` after the type: may be null), ``key`` the primary key."""

    name: str
    columns: str
    key: str
    indexes: tuple[str, ...] = ()
    unique: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names, in order."""
        return tuple(c.split()[0] for c in self.columns.split(","))

    def statements(self, dialect: str) -> list[str]:
        """Return what creates the table and its indexes where they are missing."""
        types = _TYPES[dialect]
        lines = []
        for column in self.columns.split(","):
            name, kind = column.split()
            lines.append(f"{name} {types[kind.rstrip('?')]}{'' if kind.endswith('?') else ' NOT NULL'}")
        lines.append(f"PRIMARY KEY ({self.key})")
        named = [(f"{self.name}_{i}", columns, False) for i, columns in enumerate(self.indexes)]
        named += [(f"{self.name}_u{i}", columns, True) for i, columns in enumerate(self.unique)]
        if dialect == "mysql":
            lines += [f"{'UNIQUE ' if unique else ''}INDEX {name} ({columns})" for name, columns, unique in named]
            options = " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin ENGINE InnoDB"
            return [f"CREATE TABLE IF NOT EXISTS {self.name} ({', '.join(lines)}){options}"]
        made = [f"CREATE TABLE IF NOT EXISTS {self.name} ({', '.join(lines)})"]
        for name, columns, unique in named:
            kind = "UNIQUE INDEX" if unique else "INDEX"
            made.append(f"CREATE {kind} IF NOT EXISTS {name} ON {self.name} ({columns})")
        return made


STORE = Table("kf_store", "name short, value short", "name")
EVENTS = Table(
    "kf_events",
    "seq int, id id, kind id, run id, step short, execution id, time real, version int, data long",
    "seq",
    indexes=("run, seq",),
    unique=("id",),
)
USAGE = Table("kf_usage", "digest id, used real, gone real?", "digest")
RUNS = Table(
    "kf_runs",
    "id id, name short, kind id, experiment short, state id, notebook short, pipeline short, engine short, note long,"
    "created real, started real?, finished real?, seconds real?, snapshot id, environment id, error long?, resumes int,"
    "deleted int, search search",
    "id",
    indexes=(
        "deleted, created, search",
        "deleted, state, created",
        "deleted, experiment, created",
        "deleted, notebook, created",
        "deleted, name, created",
        "deleted, started",
        "deleted, finished",
        "deleted, seconds",
    ),
)
EXPERIMENTS = Table("kf_experiments", "name short, description long, created real", "name")
EXECUTIONS = Table(
    "kf_executions",
    "id id, run id, step short, attempt int, state id, cached int, cache_key short, reason long, started real?,"
    "finished real?, seconds real?, folder long, inputs long, outputs long, error long?, report long?,"
    "superseded short, place int",
    "id",
    indexes=("run, place", "cache_key, state, place"),
)
ARTIFACTS = Table(
    "kf_artifacts",
    "digest id, size int, kind id, names long, types long, late long, created real, meta long",
    "digest",
)
LINEAGE = Table(
    "kf_lineage",
    "run id, execution id, role id, name short, digest id",
    "run, execution, role, name, digest",
    ("digest",),
)
PARAMETERS = Table(
    "kf_parameters", "run id, name short, value long, number real?, words short", "run, name",
    ("name, number, run", "name, words, run"),
)  # fmt: skip
TAGS = Table("kf_tags", "run id, name short, value long, words short", "run, name", ("name, words, run",))
POINTS = Table(
    "kf_points",
    "seq int, place int, run id, execution id, step short, name short, value real?, odd id, at real?, time real",
    "seq, place",
    ("run, name, seq", "execution, name, seq"),
)
METRICS = Table(
    "kf_metrics", "run id, execution id, name short, value real?, odd id, seq int", "run, execution, name",
    ("execution, name",),
)  # fmt: skip
RUN_METRICS = Table("kf_run_metrics", "run id, name short, value real?, odd id", "run, name", ("name, value, run",))

#: Made from the log, in this order.
FOLDED = (RUNS, EXPERIMENTS, EXECUTIONS, ARTIFACTS, LINEAGE, PARAMETERS, TAGS, POINTS, METRICS, RUN_METRICS)


def create(session: Session) -> None:
    """Schema 1: all tables."""
    for table in (EVENTS, USAGE, *FOLDED):
        for statement in table.statements(session.dialect):
            session.execute(statement)


#: ``MIGRATIONS[n]`` leads from schema n to n + 1. Each may find itself half done (MySQL has no transactional DDL).
MIGRATIONS: tuple[Callable[[Session], None], ...] = (create,)


def version(session: Session) -> int:
    """Return the schema's version, 0 for an empty database."""
    row = session.row("SELECT value FROM kf_store WHERE name = 'schema'")
    return int(row[0]) if row else 0


_TABLE_EXISTS = {
    "sqlite": "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'kf_store'",
    "postgresql": "SELECT 1 WHERE to_regclass('kf_store') IS NOT NULL",
    "mysql": "SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'kf_store'",
}


def migrate(database: Database) -> None:
    """Bring a database to this schema; many processes may try at once. Nothing is written where it has it already.

    Raises:
        StoreError: KF602 where the database was written by a newer version.
    """
    newest = len(MIGRATIONS)
    with database.reading() as session:
        if session.rows(_TABLE_EXISTS[session.dialect]):
            current = version(session)
            check(current, database.label)
            if current == newest:
                return
    with database.migrating() as session:
        for statement in STORE.statements(session.dialect):
            session.execute(statement)
        session.insert(STORE.name, [{"name": "writer", "value": ""}], key=("name",))
        current = version(session)
        check(current, database.label)
        for number in range(current, newest):
            MIGRATIONS[number](session)
            session.put(STORE.name, {"name": "schema"}, {"value": str(number + 1)})


def check(current: int, label: str) -> None:
    """Refuse a schema from the future.

    Raises:
        StoreError: KF602.
    """
    newest = len(MIGRATIONS)
    if current > newest:
        raise StoreError(
            f"The database {label} has schema {current}; this version of jupyter_kf knows schemas up to {newest}.",
            code="KF602",
            fix="Upgrade jupyter-kf, or use another database (JUPYTER_KF_HOME or JUPYTER_KF_DATABASE).",
        )
