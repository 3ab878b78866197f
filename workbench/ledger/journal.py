"""Journal: the durable history of a study. Only the holder of the lease may append to it.

Anyone may read it, and file requests. All of it lies in `study.db`, in these tables:

- `journal`: the records, which are only appended.
- `program`: programs by digest, compressed.
- `request`: what people and tools have asked for, idempotent by id.
- `point`: points of running trials.
- `curve`: the series of trials that have ended.
- `transcript`: what proposers asked of models and were answered, by journal entry. The table is
  created with the first transcript, so early studies have none.
"""

import json
import sqlite3
import time
import uuid
import zlib
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from types import TracebackType
from typing import Any, Self

from workbench.errors import StudyError
from workbench.ledger import curves, database
from workbench.ledger.curves import Curve, LivePoint
from workbench.ledger.database import Database
from workbench.ledger.folder import StudyFolder
from workbench.ledger.garbage_collection import pause_garbage_collection
from workbench.ledger.lease import Lease
from workbench.program import Program
from workbench.record_json import decode, encode
from workbench.records import (
    Adopted,
    Candidate,
    Decision,
    Entry,
    Record,
    Refused,
)
from workbench.requests import FiledRequest

FORMAT = 1
SCHEMA = """
CREATE TABLE journal(
    id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL
);
CREATE TABLE program(digest TEXT PRIMARY KEY, base TEXT, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE request(
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, at REAL NOT NULL,
    verb TEXT NOT NULL, body TEXT NOT NULL
);
CREATE TABLE point(
    id INTEGER PRIMARY KEY AUTOINCREMENT, candidate INTEGER NOT NULL, trial INTEGER NOT NULL,
    series TEXT NOT NULL, self_reported INTEGER NOT NULL, step REAL NOT NULL, value REAL NOT NULL
);
CREATE INDEX point_of ON point(candidate, trial);
CREATE TABLE curve(
    candidate INTEGER NOT NULL, trial INTEGER NOT NULL, series TEXT NOT NULL,
    self_reported INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY(candidate, trial, series)
) WITHOUT ROWID;
"""
TRANSCRIPT_SCHEMA = """
CREATE TABLE IF NOT EXISTS transcript(
    entry INTEGER PRIMARY KEY, candidate INTEGER UNIQUE, body BLOB NOT NULL
)
"""

# One call of a model: `request`, `response`, `usage`, `usd` and so on, as plain JSON values.
Call = Mapping[str, Any]


class Journal:
    """A reader of one study, which may also file requests. Use it from one thread.

    Raises:
        StudyError: the folder has no study, its study is of a newer version, or the file is not a
            study.
    """

    def __init__(self, folder: StudyFolder) -> None:
        self.folder = folder
        if not folder.database.is_file():
            raise StudyError(f"no study at {folder.path}")
        self._database = Database(folder.database)
        self._data_version = -1
        try:
            self._check_format()
        except StudyError:
            self.close()
            raise
        # A program never changes, and most questions are about the same few.
        self._load_program = lru_cache(maxsize=256)(self._read_program)

    def _check_format(self) -> None:
        file = self.folder.database
        try:
            version = self._database.read_format()
        except sqlite3.DatabaseError as error:
            raise StudyError(f"{file} is not a study ({error})") from None
        if version > FORMAT:
            raise StudyError(
                f"{file} is of format {version}, newer than this workbench reads ({FORMAT}); "
                "upgrade the workbench"
            )
        if version != FORMAT:
            raise StudyError(f"{file} is not a study (it has no format number)")

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
        self._database.close()

    def has_changed(self) -> bool:
        """True if another process has written since the last call. Takes a few microseconds."""
        before = self._data_version
        self._data_version = int(self._database.query("PRAGMA data_version")[0][0])
        return self._data_version != before

    def read_entries(self, after: int = 0, limit: int = -1) -> list[Entry]:
        """Returns the entries with an id above `after`, in order, and at most `limit` of them."""
        rows = self._database.query(
            "SELECT id, at, kind, body FROM journal WHERE id > ? ORDER BY id LIMIT ?", after, limit
        )
        with pause_garbage_collection():
            return [Entry(number, at, decode(kind, body)) for number, at, kind, body in rows]

    def read_program(self, digest: str) -> Program:
        """Returns the program with this digest; raises StudyError if the study has none."""
        program: Program = self._load_program(digest)
        return program

    def _read_program(self, digest: str) -> Program:
        rows = self._database.query("SELECT base, body FROM program WHERE digest = ?", digest)
        if not rows:
            raise StudyError(f"this study holds no program {digest[:12]}")
        base, body = rows[0]
        if base:
            dictionary = _encode_program(self.read_program(base))
            decompressor = zlib.decompressobj(zdict=dictionary)
        else:
            decompressor = zlib.decompressobj()
        return _decode_program(decompressor.decompress(body))

    def file_request(
        self, verb: str, body: Mapping[str, Any], request_id: str | None = None
    ) -> str:
        """Files a request, durably, and returns its id. Filing the same id again has no effect."""
        request_id = request_id or uuid.uuid4().hex
        with self._database.transaction(durable=True):
            self._database.execute(
                "INSERT OR IGNORE INTO request(id, at, verb, body) VALUES (?, ?, ?, ?)",
                request_id,
                time.time(),
                verb,
                json.dumps(dict(body), allow_nan=False),
            )
        return request_id

    def read_requests(self, after: int) -> list[FiledRequest]:
        """Returns the requests with a sequence number above `after`, in their order."""
        rows = self._database.query(
            "SELECT sequence, id, at, verb, body FROM request WHERE sequence > ? ORDER BY sequence",
            after,
        )
        return [
            FiledRequest(sequence, str(name), at, str(verb), _decode_request(body))
            for sequence, name, at, verb, body in rows
        ]

    def read_unanswered_requests(self) -> list[FiledRequest]:
        """Returns the requests that no loop has adopted or refused yet, in their order."""
        rows = self._database.query(
            "SELECT body FROM journal WHERE kind IN (?, ?) ORDER BY id DESC LIMIT 1",
            Adopted.kind,
            Refused.kind,
        )
        # Requests are answered in their order, so the last answer says how far the loop has come.
        last_answered = json.loads(rows[0][0])["sequence"] if rows else 0
        return self.read_requests(last_answered)

    def read_live_points(self, after: int = 0) -> tuple[int, list[LivePoint]]:
        """Returns points of running trials with an id above `after`.

        Returns:
            The id to ask from next time, and the points in order.
        """
        rows = self._database.query(
            "SELECT id, candidate, trial, series, step, value, self_reported "
            "FROM point WHERE id > ? ORDER BY id",
            after,
        )
        last = rows[-1][0] if rows else after
        points = [
            LivePoint(candidate, trial, series, step, value, bool(self_reported))
            for _, candidate, trial, series, step, value, self_reported in rows
        ]
        return last, points

    def read_curves(self, candidate: int, trial: int) -> dict[str, Curve]:
        """Returns the series of a trial by name, whether it has ended or is still running."""
        rows = self._database.query(
            "SELECT series, self_reported, body FROM curve WHERE candidate = ? AND trial = ?",
            candidate,
            trial,
        )
        if not rows:
            return self._read_live_curves(candidate, trial)
        return {
            series: curves.unpack(body, bool(self_reported)) for series, self_reported, body in rows
        }

    def _read_live_curves(self, candidate: int, trial: int) -> dict[str, Curve]:
        rows = self._database.query(
            "SELECT series, self_reported, step, value "
            "FROM point WHERE candidate = ? AND trial = ? ORDER BY id",
            candidate,
            trial,
        )
        return curves.collect(
            (series, bool(self_reported), step, value)
            for series, self_reported, step, value in rows
        )

    def read_transcript(self, candidate: int) -> list[Call]:
        """Returns the model calls that made a candidate, in order; empty if none were kept."""
        return self._read_calls("candidate", candidate)

    def read_transcript_of_entry(self, entry: int) -> list[Call]:
        """Returns the model calls behind a candidate, a failed proposal, or a recorded call."""
        return self._read_calls("entry", entry)

    def _read_calls(self, column: str, value: int) -> list[Call]:
        has_transcripts = self._database.query(
            "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'transcript'"
        )
        if not has_transcripts:
            return []
        rows = self._database.query(f"SELECT body FROM transcript WHERE {column} = ?", value)
        if not rows:
            return []
        calls: list[Call] = []
        # A transcript holds calls, or the ids of entries whose calls were recorded one by one.
        items: list[Call | int] = json.loads(zlib.decompress(rows[0][0]))
        for item in items:
            if isinstance(item, int):
                calls += self.read_transcript_of_entry(item)
            else:
                calls.append(item)
        return calls


class Pen(Journal):
    """The journal of a study whose lease the caller holds: the only way to append."""

    def __init__(self, folder: StudyFolder, lease: Lease) -> None:
        if not lease.is_held:
            raise RuntimeError("the pen belongs to the holder of the lease")
        super().__init__(folder)

    def append(
        self,
        *records: Record,
        programs: Sequence[Program] = (),
        calls: Sequence[Call] = (),
        called: Sequence[int] = (),
    ) -> list[Entry]:
        """Appends records in one transaction: all of them are stored, or none.

        Decisions and answers to requests are flushed to the disk, because people have seen them.
        The rest survives the death of the process at any instant.

        Args:
            records: what to append.
            programs: the programs that the records name.
            calls: the model calls that the last record cost; they become its transcript.
            called: ids of the entries whose calls are the transcript of each of these records.
        """
        now = time.time()
        # This may fail over a number that is not finite, so it comes before the transaction.
        rows = [encode(record) for record in records]
        durable = any(isinstance(record, Decision | Adopted | Refused) for record in records)
        entries = []
        with self._database.transaction(durable=durable):
            for program in programs:
                self._save_program(program)
            for record, (kind, body) in zip(records, rows, strict=True):
                entries.append(Entry(self._insert(now, kind, body), now, record))
            if calls:
                self._save_transcript(entries[-1], calls)
            if called:
                for entry in entries:
                    self._save_transcript(entry, called)
        return entries

    def add_points(self, points: Iterable[LivePoint]) -> None:
        """Stores points of running trials, for readers to follow."""
        rows = [
            (
                point.candidate,
                point.trial,
                point.series,
                int(point.self_reported),
                point.step,
                point.value,
            )
            for point in points
        ]
        with self._database.transaction(durable=False):
            self._database.execute_many(
                "INSERT INTO point(candidate, trial, series, self_reported, step, value) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                rows,
            )

    def end_trial(self, record: Record, candidate: int, trial: int) -> list[Entry]:
        """Appends the record that ends a trial, and turns its points into one blob per series."""
        now = time.time()
        kind, body = encode(record)
        with self._database.transaction(durable=False):
            for series, curve in self._read_live_curves(candidate, trial).items():
                self._database.execute(
                    "INSERT OR REPLACE INTO curve(candidate, trial, series, self_reported, body) "
                    "VALUES (?, ?, ?, ?, ?)",
                    candidate,
                    trial,
                    series,
                    int(curve.self_reported),
                    curves.pack(curve),
                )
            self._database.execute(
                "DELETE FROM point WHERE candidate = ? AND trial = ?", candidate, trial
            )
            entry_id = self._insert(now, kind, body)
        return [Entry(entry_id, now, record)]

    def _insert(self, at: float, kind: str, body: str) -> int:
        """Inserts an entry, and returns its id."""
        return self._database.execute(
            "INSERT INTO journal(at, kind, body) VALUES (?, ?, ?)", at, kind, body
        )

    def _save_transcript(self, entry: Entry, items: Sequence[Call] | Sequence[int]) -> None:
        self._database.execute(TRANSCRIPT_SCHEMA)
        candidate = entry.record.candidate if isinstance(entry.record, Candidate) else None
        text = json.dumps(list(items), allow_nan=False, separators=(",", ":"))
        self._database.execute(
            "INSERT INTO transcript(entry, candidate, body) VALUES (?, ?, ?)",
            entry.id,
            candidate,
            zlib.compress(text.encode(), 9),
        )

    def _save_program(self, program: Program) -> None:
        digest = program.digest
        if self._database.query("SELECT 1 FROM program WHERE digest = ?", digest):
            return
        # All programs of a study resemble its first one. With that one as the dictionary, a small
        # change of a large program takes some hundred bytes.
        rows = self._database.query("SELECT digest FROM program WHERE base IS NULL")
        base = None
        compressor = zlib.compressobj(6)
        if rows:
            base = rows[0][0]
            dictionary = _encode_program(self.read_program(base))
            compressor = zlib.compressobj(6, zdict=dictionary)
        body = compressor.compress(_encode_program(program)) + compressor.flush()
        self._database.execute(
            "INSERT INTO program(digest, base, body) VALUES (?, ?, ?)", digest, base, body
        )


def create_journal(
    folder: StudyFolder, records: Sequence[Record], programs: Sequence[Program]
) -> None:
    """Creates the journal of a study that has none, with its first records."""
    database.create(folder.database, SCHEMA, FORMAT)
    with Lease(folder) as lease, Pen(folder, lease) as pen:
        pen.append(*records, programs=programs)


def _decode_request(body: Any) -> Any:
    """Decodes the body of a request; one that is not JSON comes back as it is.

    Another program may have written it, and a loop must not end over it. It is refused later.
    """
    try:
        return json.loads(body)
    except (TypeError, ValueError, RecursionError):
        return body


def _encode_program(program: Program) -> bytes:
    body = {"files": dict(program.files), "executable": sorted(program.executable)}
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _decode_program(data: bytes) -> Program:
    body = json.loads(data.decode("utf-8", "surrogatepass"))
    return Program(body["files"], frozenset(body["executable"]))
