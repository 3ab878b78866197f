"""Database: the SQLite file of a study, opened so that it can be read wherever it lies.

On a local disk the file has a write-ahead log, which needs memory that processes share. A network
file system offers none, so a rollback journal takes its place there. That costs a few flushes per
transaction, and its locks are only as good as the file system's: the loop and its readers should
run on one machine. A study that is copied to a network file system changes over when it is opened.

This file knows no tables.
"""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any

from workbench.errors import StudyError, WorkbenchError
from workbench.ledger.filesystem import find_network_type

BUSY_SECONDS = 30.0
WAL_FORMAT = bytes((2, 2))  # bytes 18 and 19 of a file that has a write-ahead log


class Database:
    """A connection to the file of a study. Use it from one thread.

    Raises:
        StudyError: the file cannot be opened.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._sql, self._is_always_durable = _connect(file)

    def close(self) -> None:
        self._sql.close()

    def read_format(self) -> int:
        """Returns the number of the file's format.

        Raises:
            sqlite3.DatabaseError: the file is not a database.
        """
        return int(self._sql.execute("PRAGMA user_version").fetchone()[0])

    def query(self, statement: str, *values: Any) -> list[Any]:
        """Returns the rows of a query.

        Raises:
            WorkbenchError: the disk failed, or another process does not give back its lock.
        """
        try:
            return self._sql.execute(statement, values).fetchall()
        except sqlite3.OperationalError as error:
            raise WorkbenchError(f"cannot read {self.file}: {error}") from None

    def execute(self, statement: str, *values: Any) -> int:
        """Executes a statement within a transaction; returns the id of the row that it inserted."""
        return int(self._sql.execute(statement, values).lastrowid or 0)

    def execute_many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Executes a statement for each row, within a transaction."""
        self._sql.executemany(statement, rows)

    def transaction(self, *, durable: bool) -> "Transaction":
        """Returns a transaction; a durable one survives a power failure once it has ended."""
        return Transaction(self._sql, durable or self._is_always_durable)


class Transaction:
    """All statements of a `with` block take effect, or none.

    Raises:
        WorkbenchError: it cannot be written; one line says what to do.
    """

    def __init__(self, sql: sqlite3.Connection, durable: bool) -> None:
        self._sql = sql
        self._synchronous = "FULL" if durable else "NORMAL"

    def __enter__(self) -> None:
        try:
            self._sql.execute(f"PRAGMA synchronous = {self._synchronous}")
            self._sql.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            raise WorkbenchError(_explain(error)) from None

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
            raise WorkbenchError(_explain(error)) from None


def create(file: Path, schema: str, format_number: int) -> None:
    """Creates the file of a study that has none, with empty tables."""
    with closing(sqlite3.connect(file, isolation_level=None)) as sql:
        mode = "DELETE" if find_network_type(file.parent) else "WAL"
        sql.execute(f"PRAGMA journal_mode = {mode}")
        sql.executescript(schema)
        sql.execute(f"PRAGMA user_version = {format_number}")


def _explain(error: sqlite3.OperationalError) -> str:
    """Describes the failure of a transaction in one line, with what to do."""
    message = f"cannot write study.db: {error}; nothing of this step was stored"
    if "full" in str(error):
        return f"{message}; free some space, then resume"
    if "readonly" in str(error):
        return f"{message}; make the study's folder writable, or copy it"
    return message


def _connect(file: Path) -> tuple[sqlite3.Connection, bool]:
    """Opens a file for writing if possible, else for reading only.

    Returns:
        The connection, and whether all its transactions have to be durable.
    """
    if find_network_type(file.parent) and _has_log(file) and not _end_log(file):
        return _open_snapshot(file), False
    sql = _open(file, "rw")
    if sql is not None:
        try:
            mode = sql.execute("PRAGMA journal_mode").fetchone()[0]
        except sqlite3.DatabaseError:  # not a database, which `read_format` tells
            return sql, False
        # A rollback journal must be flushed in any case, or the file may be damaged.
        return sql, mode != "wal"
    # Without the right to write, SQLite can read a file with a log only if other processes have set
    # up their shared memory, or if there is nothing in the log.
    sql = _open(file, "ro")
    log = file.with_name(f"{file.name}-wal")
    if sql is None and not (log.exists() and log.stat().st_size > 0):
        sql = _open(file, "ro&immutable=1")
    return sql or _open_snapshot(file), False


def _open(file: Path, mode: str) -> sqlite3.Connection | None:
    """Opens a file; None if that does not work in this mode.

    A connection to a file that is not a database is returned as well: `read_format` tells.
    """
    url = f"{file.resolve().as_uri()}?mode={mode}"
    sql = sqlite3.connect(
        url, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        sql.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        sql.close()
        return None
    except sqlite3.DatabaseError:
        pass
    return sql


def _open_snapshot(file: Path) -> sqlite3.Connection:
    """Opens a copy of a study as it is now, for reading only.

    What lies in a write-ahead log can only be read where SQLite can work in the folder, so both
    files are copied to such a place.
    """
    with tempfile.TemporaryDirectory(prefix="workbench-read-") as name:
        try:
            for source in (file, file.with_name(f"{file.name}-wal")):
                if source.exists():
                    shutil.copyfile(source, Path(name, source.name))
        except OSError as error:
            raise StudyError(
                f"cannot open {file}: {error.strerror}; is the file readable?"
            ) from None
        sql = _open(Path(name, file.name), "rw")
        if sql is None:
            raise StudyError(f"cannot open {file}; is the file readable?")
        # Whatever was written here would be lost.
        sql.execute("PRAGMA query_only = ON")
        # The folder is removed now, but open files live on without a name.
        return sql


def _has_log(file: Path) -> bool:
    with file.open("rb") as stream:
        return stream.read(20)[18:] == WAL_FORMAT


def _end_log(file: Path) -> bool:
    """Turns the write-ahead log into a rollback journal; False if the file cannot be written.

    With an exclusive lock SQLite needs no shared memory for that.
    """
    with closing(sqlite3.connect(file, timeout=BUSY_SECONDS, isolation_level=None)) as sql:
        try:
            sql.execute("PRAGMA locking_mode = EXCLUSIVE")
            return bool(sql.execute("PRAGMA journal_mode = DELETE").fetchone()[0] == "delete")
        except sqlite3.OperationalError:
            return False
