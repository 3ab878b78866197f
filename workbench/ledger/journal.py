"""Journal: `study.db`, one SQLite file. Anyone may read and file requests; only the holder of the lease may append.

Tables: `journal` (append-only records), `program` (by digest, compressed against the first one), `request` (idempotent by id),
`point` (live points of running trials), `curve` (one compressed blob per series of an ended trial), `transcript` (what a proposer
asked of a model and was answered, compressed, by the entry that it came to: the calls, or the entries of calls that were recorded
one by one; made with the first one, so that older studies have none).

On a local disk the file has a write-ahead log. That needs memory shared between processes, so that on a network file system a
rollback journal takes its place, which costs a few flushes per record, and whose locks (as those of the lease) are the file
system's: run the loop and its readers on one machine there. A study that is copied there changes over when it is opened.
"""

import json
import shutil
import sqlite3
import struct
import tempfile
import time
import uuid
import zlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from workbench.errors import StudyError, WorkbenchError
from workbench.ledger.bulk import no_collections
from workbench.ledger.filesystem import network_type
from workbench.ledger.folder import StudyFolder
from workbench.ledger.lease import Lease
from workbench.program import Program
from workbench.records import (
    Adopted,
    Candidate,
    Decision,
    Entry,
    Record,
    Refused,
    Request,
    decode,
    encode,
)

FORMAT = 1
BUSY_SECONDS = 30.0
SCHEMA = """
CREATE TABLE journal(id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL);
CREATE TABLE program(digest TEXT PRIMARY KEY, base TEXT, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE request(sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, at REAL NOT NULL, verb TEXT NOT NULL,
                     body TEXT NOT NULL);
CREATE TABLE point(id INTEGER PRIMARY KEY AUTOINCREMENT, candidate INTEGER NOT NULL, trial INTEGER NOT NULL, series TEXT NOT NULL,
                   self_reported INTEGER NOT NULL, step REAL NOT NULL, value REAL NOT NULL);
CREATE INDEX point_of ON point(candidate, trial);
CREATE TABLE curve(candidate INTEGER NOT NULL, trial INTEGER NOT NULL, series TEXT NOT NULL, self_reported INTEGER NOT NULL,
                   body BLOB NOT NULL, PRIMARY KEY(candidate, trial, series)) WITHOUT ROWID;
"""
TRANSCRIPTS = "CREATE TABLE IF NOT EXISTS transcript(entry INTEGER PRIMARY KEY, candidate INTEGER UNIQUE, body BLOB NOT NULL)"

Call = Mapping[
    str, Any
]  # one call of a model: `request`, `response`, `usage`, `usd`, ... as plain JSON values


class Curve(NamedTuple):
    """One series of one trial: steps and values of equal length."""

    steps: tuple[float, ...]
    values: tuple[float, ...]
    self_reported: bool


class LivePoint(NamedTuple):
    """One point of a series of a running trial."""

    candidate: int
    trial: int
    series: str
    step: float
    value: float
    self_reported: bool


class Journal:
    """A reader of one study, which may also file requests. One connection: use it from one thread.

    Raises:
        StudyError: no study is there, it is of a newer version, or the file is no study.
    """

    def __init__(self, folder: StudyFolder) -> None:
        self.folder = folder
        if not folder.database.is_file():
            raise StudyError(f"no study at {folder.path}")
        self._sql, self._full = _connect(folder.database)
        self._seen = -1
        try:
            version = int(self._sql.execute("PRAGMA user_version").fetchone()[0])
        except sqlite3.DatabaseError as error:
            self.close()
            raise StudyError(f"{folder.database} is no study ({error})") from None
        if version != FORMAT:
            self.close()
            newer = f"is of format {version}, newer than this workbench reads ({FORMAT}); upgrade the workbench"
            raise StudyError(
                f"{folder.database} {newer if version > FORMAT else 'is no study (it has no format number)'}"
            )
        self._load = lru_cache(maxsize=256)(self._program)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._sql.close()

    def changed(self) -> bool:
        """Whether another process has written since the last call; a few microseconds."""
        version = int(self._rows("PRAGMA data_version")[0][0])
        changed, self._seen = version != self._seen, version
        return changed

    def entries(self, after: int = 0, limit: int = -1) -> list[Entry]:
        """The entries with an id above `after`, in order; at most `limit` of them, all by default."""
        rows = self._rows(
            "SELECT id, at, kind, body FROM journal WHERE id > ? ORDER BY id LIMIT ?", after, limit
        )
        with no_collections():
            return [Entry(number, at, decode(kind, body)) for number, at, kind, body in rows]

    def program(self, digest: str) -> Program:
        """The program with this digest; raises StudyError when the study has none."""
        program: Program = self._load(digest)
        return program

    def _program(self, digest: str) -> Program:
        rows = self._rows("SELECT base, body FROM program WHERE digest = ?", digest)
        if not rows:
            raise StudyError(f"this study holds no program {digest[:12]}")
        base, body = rows[0]
        unpack = (
            zlib.decompressobj(zdict=_pack(self.program(base))) if base else zlib.decompressobj()
        )
        return _unpack(unpack.decompress(body))

    def request(self, verb: str, body: Mapping[str, Any], request_id: str | None = None) -> str:
        """Files a request, durably; filing the same id again has no effect. Returns its id."""
        request_id = request_id or uuid.uuid4().hex
        with self._transaction(durable=True):
            self._sql.execute(
                "INSERT OR IGNORE INTO request(id, at, verb, body) VALUES (?, ?, ?, ?)",
                (request_id, time.time(), verb, json.dumps(dict(body), allow_nan=False)),
            )
        return request_id

    def requests(self, after: int) -> list[Request]:
        """Requests with a sequence above `after`, in their order."""
        rows = self._rows(
            "SELECT sequence, id, at, verb, body FROM request WHERE sequence > ? ORDER BY sequence",
            after,
        )
        return [
            Request(sequence, name, at, verb, json.loads(body))
            for sequence, name, at, verb, body in rows
        ]

    def unanswered(self) -> list[Request]:
        """Requests that no loop has adopted or refused yet, in their order."""
        rows = self._rows(
            "SELECT body FROM journal WHERE kind IN (?, ?) ORDER BY id DESC LIMIT 1",
            Adopted.kind,
            Refused.kind,
        )
        return self.requests(json.loads(rows[0][0])["sequence"] if rows else 0)

    def live_points(self, after: int = 0) -> tuple[int, list[LivePoint]]:
        """Points of running trials with an id above `after`, and the id to ask from next time."""
        rows = self._rows(
            "SELECT id, candidate, trial, series, step, value, self_reported FROM point WHERE id > ? ORDER BY id",
            after,
        )
        points, last = [], after
        for number, candidate, trial, series, step, value, own in rows:
            last = number
            points.append(LivePoint(candidate, trial, series, step, value, bool(own)))
        return last, points

    def curves(self, candidate: int, trial: int) -> dict[str, Curve]:
        """The series of a trial, finished or still running, by name."""
        rows = self._rows(
            "SELECT series, self_reported, body FROM curve WHERE candidate = ? AND trial = ?",
            candidate,
            trial,
        )
        found = {series: _read_curve(body, bool(own)) for series, own, body in rows}
        return found or self._live_curves(candidate, trial)

    def transcript(self, candidate: int) -> list[Call]:
        """The calls of a model that made a candidate, in their order; none where no model did, or none were kept."""
        return self._calls("candidate", candidate)

    def transcript_of_entry(self, entry: int) -> list[Call]:
        """The calls behind a journal entry: a candidate, a proposal that came to nothing, or one call by itself."""
        return self._calls("entry", entry)

    def _calls(self, column: str, value: int) -> list[Call]:
        if not self._rows(
            "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'transcript'"
        ):
            return []
        rows = self._rows(f"SELECT body FROM transcript WHERE {column} = ?", value)
        kept: list[Call | int] = json.loads(zlib.decompress(rows[0][0])) if rows else []
        return [
            call
            for one in kept
            for call in (self.transcript_of_entry(one) if isinstance(one, int) else [one])
        ]

    def _live_curves(self, candidate: int, trial: int) -> dict[str, Curve]:
        query = "SELECT series, self_reported, step, value FROM point WHERE candidate = ? AND trial = ? ORDER BY id"
        rows = self._rows(query, candidate, trial)
        measured = {
            name for name, own, *_ in rows if not own
        }  # to what the evaluator measures, a candidate adds nothing
        series: dict[str, tuple[list[float], list[float], bool]] = {}
        for name, own, step, value in rows:
            if own and name in measured:
                continue
            steps, values, _ = series.setdefault(name, ([], [], bool(own)))
            steps.append(step)
            values.append(value)
        return {
            name: Curve(tuple(steps), tuple(values), own)
            for name, (steps, values, own) in series.items()
        }

    def _rows(self, query: str, *values: Any) -> list[Any]:
        try:
            return self._sql.execute(query, values).fetchall()
        except sqlite3.OperationalError as error:  # the disk, or a lock that is never given back
            raise WorkbenchError(f"cannot read {self.folder.database}: {error}") from None

    def _transaction(self, durable: bool) -> "_Transaction":
        return _Transaction(self._sql, durable or self._full)


class Pen(Journal):
    """The journal of a study whose lease the caller holds: the only way to append."""

    def __init__(self, folder: StudyFolder, lease: Lease) -> None:
        if not lease.held:
            raise RuntimeError("the pen belongs to the holder of the lease")
        super().__init__(folder)

    def append(
        self,
        *records: Record,
        programs: Sequence[Program] = (),
        calls: Sequence[Call] = (),
        called: Sequence[int] = (),
    ) -> list[Entry]:
        """Appends records in one transaction, with the programs that they name; all of them are there, or none.

        `calls` are those of a model that the last record cost, and become its transcript; that of each of these records is made of the
        entries `called`.

        Decisions and answers to requests are forced to the disk; the rest survives the death of the process at any instant.
        """
        durable = any(isinstance(record, Decision | Adopted | Refused) for record in records)
        now, rows = time.time(), [encode(record) for record in records]
        entries = []
        with self._transaction(durable):
            for program in programs:
                self._save(program)
            for record, (kind, body) in zip(records, rows, strict=True):
                cursor = self._sql.execute(
                    "INSERT INTO journal(at, kind, body) VALUES (?, ?, ?)", (now, kind, body)
                )
                entries.append(Entry(int(cursor.lastrowid or 0), now, record))
            if calls:
                self._keep(entries[-1], calls)
            for entry in entries if called else ():
                self._keep(entry, called)
        return entries

    def _keep(self, entry: Entry, calls: Sequence[Call] | Sequence[int]) -> None:
        self._sql.execute(TRANSCRIPTS)
        candidate = entry.record.candidate if isinstance(entry.record, Candidate) else None
        body = zlib.compress(
            json.dumps(list(calls), allow_nan=False, separators=(",", ":")).encode(), 9
        )
        self._sql.execute(
            "INSERT INTO transcript(entry, candidate, body) VALUES (?, ?, ?)",
            (entry.id, candidate, body),
        )

    def add_points(self, points: Iterable[LivePoint]) -> None:
        """Stores live points of running trials, for readers to follow."""
        with self._transaction(durable=False):
            self._sql.executemany(
                "INSERT INTO point(candidate, trial, series, self_reported, step, value) VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (p.candidate, p.trial, p.series, int(p.self_reported), p.step, p.value)
                    for p in points
                ],
            )

    def end_trial(self, record: Record, candidate: int, trial: int) -> list[Entry]:
        """Appends the record that ends a trial and folds its live points into one blob per series, in one transaction."""
        now, (kind, body) = time.time(), encode(record)
        with self._transaction(durable=False):
            for series, curve in self._live_curves(candidate, trial).items():
                row = (candidate, trial, series, int(curve.self_reported), _write_curve(curve))
                self._sql.execute(
                    "INSERT OR REPLACE INTO curve(candidate, trial, series, self_reported, body) VALUES (?, ?, ?, ?, ?)",
                    row,
                )
            self._sql.execute(
                "DELETE FROM point WHERE candidate = ? AND trial = ?", (candidate, trial)
            )
            cursor = self._sql.execute(
                "INSERT INTO journal(at, kind, body) VALUES (?, ?, ?)", (now, kind, body)
            )
        return [Entry(int(cursor.lastrowid or 0), now, record)]

    def _save(self, program: Program) -> None:
        if self._sql.execute(
            "SELECT 1 FROM program WHERE digest = ?", (program.digest,)
        ).fetchone():
            return
        # All programs of a study resemble its first one: with that as dictionary, a small change costs some hundred bytes.
        row = self._sql.execute("SELECT digest FROM program WHERE base IS NULL").fetchone()
        packer = (
            zlib.compressobj(6, zdict=_pack(self.program(row[0]))) if row else zlib.compressobj(6)
        )
        body = packer.compress(_pack(program)) + packer.flush()
        self._sql.execute(
            "INSERT INTO program(digest, base, body) VALUES (?, ?, ?)",
            (program.digest, row[0] if row else None, body),
        )


class _Transaction:
    def __init__(self, sql: sqlite3.Connection, durable: bool) -> None:
        self._sql, self._durable = sql, durable

    def __enter__(self) -> None:
        try:
            self._sql.execute(f"PRAGMA synchronous = {'FULL' if self._durable else 'NORMAL'}")
            self._sql.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            raise WorkbenchError(_unwritable(error)) from None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            try:
                self._sql.execute("COMMIT")
                return
            except sqlite3.OperationalError as problem:
                error = problem
        if self._sql.in_transaction:
            self._sql.execute("ROLLBACK")
        if isinstance(error, sqlite3.OperationalError):
            raise WorkbenchError(_unwritable(error)) from None


def _unwritable(error: sqlite3.OperationalError) -> str:
    """The failure of a transaction in one line, with what to do."""
    full = "free some space, then resume" if "full" in str(error) else ""
    readonly = "make the study's folder writable, or copy it" if "readonly" in str(error) else ""
    return f"cannot write study.db: {error}; nothing of this step was stored{'; ' * bool(full or readonly)}{full or readonly}"


def write_new(folder: StudyFolder, records: Sequence[Record], programs: Sequence[Program]) -> None:
    """Makes the `study.db` of a folder that has none, with its first records."""
    with closing(sqlite3.connect(folder.database, isolation_level=None)) as sql:
        sql.execute(f"PRAGMA journal_mode = {'DELETE' if network_type(folder.path) else 'WAL'}")
        sql.executescript(SCHEMA)
        sql.execute(f"PRAGMA user_version = {FORMAT}")
    with Lease(folder) as lease, Pen(folder, lease) as pen:
        pen.append(*records, programs=programs)


def _connect(database: Path) -> tuple[sqlite3.Connection, bool]:
    """A read-write connection, or a read-only one where the folder may not be written; and whether each transaction is flushed."""
    if network_type(database.parent) and _has_log(database) and not _end_log(database):
        return _snapshot(database), False
    if (sql := _open(database, "rw")) is not None:
        try:
            return sql, sql.execute("PRAGMA journal_mode").fetchone()[0] != "wal"
        except sqlite3.DatabaseError:
            return sql, False
    log = database.with_name(f"{database.name}-wal")
    waits = log.exists() and log.stat().st_size > 0
    sql = _open(database, "ro") or (None if waits else _open(database, "ro&immutable=1"))
    return sql or _snapshot(database), False


def _open(database: Path, mode: str) -> sqlite3.Connection | None:
    """A connection that can be read from, or None; one to a file that is no database at all is left to the caller."""
    url = f"{database.resolve().as_uri()}?mode={mode}"
    sql = sqlite3.connect(
        url, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        sql.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        sql.close()
        return None
    except sqlite3.DatabaseError:
        pass  # said in the caller's words
    return sql


def _snapshot(database: Path) -> sqlite3.Connection:
    """A study as it is now, to be read only: a log that was not folded in can only be read where it can be worked in."""
    with tempfile.TemporaryDirectory(prefix="workbench-read-") as name:
        try:
            for file in (database, database.with_name(f"{database.name}-wal")):
                if file.exists():
                    shutil.copyfile(file, Path(name, file.name))
        except OSError as error:
            raise StudyError(
                f"cannot open {database}: {error.strerror}; is the file readable?"
            ) from None
        sql = _open(Path(name, database.name), "rw")
        if sql is None:
            raise StudyError(f"cannot open {database}; is the file readable?")
        sql.execute("PRAGMA query_only = ON")  # what would be written here would vanish
        return sql  # its files live on, nameless, for as long as they are open


def _has_log(database: Path) -> bool:
    with database.open("rb") as file:
        return file.read(20)[18:] == bytes((2, 2))  # read and write version of the file format


def _end_log(database: Path) -> bool:
    """Turns the write-ahead log into a rollback journal; alone with the file, SQLite needs no shared memory for that."""
    with closing(sqlite3.connect(database, timeout=BUSY_SECONDS, isolation_level=None)) as sql:
        try:
            sql.execute("PRAGMA locking_mode = EXCLUSIVE")
            return bool(sql.execute("PRAGMA journal_mode = DELETE").fetchone()[0] == "delete")
        except sqlite3.OperationalError:
            return False  # it may not be written


def _pack(program: Program) -> bytes:
    body = {"files": dict(program.files), "executable": sorted(program.executable)}
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _unpack(data: bytes) -> Program:
    body = json.loads(data.decode("utf-8", "surrogatepass"))
    return Program(body["files"], frozenset(body["executable"]))


def _write_curve(curve: Curve) -> bytes:
    """Steps as little-endian float64, then values as float32, compressed."""
    n = len(curve.steps)
    return zlib.compress(
        struct.pack(f"<I{n}d{n}f", n, *curve.steps, *(_as_float32(value) for value in curve.values))
    )


def _as_float32(value: float) -> float:
    limit = 3.4028234663852886e38
    return max(-limit, min(limit, value))


def _read_curve(body: bytes, self_reported: bool) -> Curve:
    data = zlib.decompress(body)
    n = struct.unpack_from("<I", data)[0]
    numbers = struct.unpack_from(f"<{n}d{n}f", data, 4)
    return Curve(numbers[:n], numbers[n:], self_reported)
