"""Makes a read-only study of another tool's log, whole or not at all.

What the log says stays what it says: nothing is left out, repaired or judged again. A row becomes a
candidate without a parent and without a program (all have the empty one); its text and its fields
lie in the candidate's origin. A crash is a failed trial. A row that the log does not decide has no
decision.
"""

import hashlib
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import workbench
from workbench.errors import StudyError, UsageError
from workbench.experiment import Objective
from workbench.ledger import folder as folders
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import create_journal
from workbench.ledger.study_kind import IMPORTED, UNKNOWN
from workbench.program import Program
from workbench.recognise import logs, pi, tsv
from workbench.recognise.logs import Log, Reading, Row
from workbench.records import (
    Candidate,
    Decision,
    Evidence,
    Options,
    Record,
    StateChanged,
    StudyOpened,
    Trial,
)

NO_PROGRAM = Program({})
# File names that say nothing about the log; the study is then named after the folder.
GENERIC_NAMES = ("results", "result", "log", "autoresearch")
MAX_NAME = 80  # characters of a study's name before its number
MAX_TRIES = 20
MAX_WORDS = 12
MAX_FLAGGED = 5


@dataclass(frozen=True)
class ImportedLog:
    """The new study, and the log that it was made of."""

    folder: StudyFolder
    log: Log

    def data(self) -> dict[str, Any]:
        """What `import --json` prints.

        These are `study`, `format`, `objective`, `rows`, `words`, `notes`, `flagged[{line,flags}]`.
        """
        log = self.log
        words = [
            {"word": word, "means": meaning, "rows": n_rows}
            for (word, meaning), n_rows in self._count_words().items()
        ]
        return {
            "study": self.folder.name,
            "format": log.format,
            "objective": {"name": log.metric, "goal": log.goal},
            "rows": len(log.rows),
            "words": words,
            "notes": list(log.notes),
            "flagged": [{"line": row.line, "flags": list(row.flags)} for row in self._flagged],
        }

    @property
    def _flagged(self) -> list[Row]:
        return [row for row in self.log.rows if row.flags]

    def _count_words(self) -> Counter[tuple[str, str]]:
        """How many rows have each status word, with what it means."""
        return Counter((row.word, row.meaning or UNKNOWN) for row in self.log.rows)

    def __str__(self) -> str:
        log = self.log
        better = "higher is better" if log.goal == "maximize" else "lower is better"
        lines = [
            f"study {self.folder.name}: {_count_rows(log)} of a {log.format}, read-only; "
            f"{log.metric} (self-reported), {better}",
            f"status: {self._describe_words()}",
            *log.notes,
        ]
        flagged = self._flagged
        lines += [f"line {row.line}: {'; '.join(row.flags)}" for row in flagged[:MAX_FLAGGED]]
        if len(flagged) > MAX_FLAGGED:
            lines.append(
                f"{len(flagged)} rows are flagged in all; "
                f"autoresearch log {self.folder.name} shows them"
            )
        return "\n".join(lines)

    def _describe_words(self) -> str:
        """What the status words of the log mean, and what to do about those that are not known."""
        counts = self._count_words()
        meanings = [
            f"{n_rows} {word or '(none)'} -> {meaning}"
            for (word, meaning), n_rows in counts.most_common(MAX_WORDS)
        ]
        if len(counts) > MAX_WORDS:
            meanings.append("...")
        text = ", ".join(meanings)
        if any(word and meaning == UNKNOWN for word, meaning in counts):
            text += "; say what a word means with --status WORD=keep, =discard or =crash"
        return text


def import_log(
    path: str | Path, reading: Reading, *, study: str | None = None, root: Path
) -> ImportedLog:
    """Makes a read-only study of a `results.tsv` or of pi's `autoresearch.jsonl`.

    Args:
        path: the log.
        reading: how it is to be read, where it does not say so itself.
        study: name of the study; by default the log's or its folder's, with a number.
        root: the folder that holds `studies/`.

    Raises:
        UsageError: the log is missing, it cannot be read like this, or the name is taken. No study
            was made.
    """
    root = root.resolve()
    path = Path(path).expanduser().absolute()
    if study is not None and (root / folders.STUDIES / study).exists():
        raise StudyError(f"study {study!r} already exists; choose another name with --study NAME")
    log = read_log(path, reading)
    if study is not None:
        return _write(study, root, path, log)
    stem = re.sub(r"[^\w.-]+", "-", _choose_name(path, log))[:MAX_NAME].strip("-.") or "log"
    for _ in range(MAX_TRIES):
        name = folders.find_free_name(root, stem)
        try:
            return _write(name, root, path, log)
        except StudyError:
            # Another import may have taken the name in the meantime: then the next number is free.
            if not (root / folders.STUDIES / name).exists():
                raise
    raise StudyError(
        f"found no free name for a study of {path} in {MAX_TRIES} tries; "
        "choose one with --study NAME"
    )


def read_log(path: Path, reading: Reading) -> Log:
    """Reads a log in the format that it is in."""
    before, lines = logs.read_lines(path)
    if pi.is_pi(path, lines):
        return pi.read(path, lines, reading)
    if reading.segment is not None:
        raise UsageError(f"{path} is a table, which has no segments; leave out --segment")
    return tsv.read(path, before, lines, reading)


def _choose_name(path: Path, log: Log) -> str:
    """What to call the study: the log's own name, or where all logs are called so, its folder's."""
    if path.stem.lower() not in GENERIC_NAMES:
        return path.stem
    folder = path.resolve().parent
    if folder.name == ".auto":  # pi's hidden folder inside the project
        folder = folder.parent
    return log.name or folder.name or path.stem


def _write(name: str, root: Path, path: Path, log: Log) -> ImportedLog:
    def fill(draft: StudyFolder) -> None:
        create_journal(draft, _list_records(name, path, log), [NO_PROGRAM])

    return ImportedLog(folders.create(root, name, fill), log)


def _list_records(name: str, path: Path, log: Log) -> list[Record]:
    """The whole journal of the study."""
    text = "".join([log.head, *(row.raw for row in log.rows)])
    n_flagged = sum(bool(row.flags) for row in log.rows)
    reason = f"imported from {path.name}: {_count_rows(log)}, {n_flagged} flagged; read-only"
    opened = StudyOpened(
        name=name,
        experiment=_choose_name(path, log),
        source=str(path),
        # The log is all that the scores rest on, so it takes the place of the experiment's files.
        experiment_digest=hashlib.sha256(text.encode()).hexdigest(),
        objective=Objective(name=log.metric, goal=log.goal, noise="run"),
        options=Options(proposer=log.format, strategy="", policy="", executor="", sandbox=""),
        shape=IMPORTED,
        settings={"format": log.format, "head": log.head, "well_formed": log.well_formed},
        version=workbench.__version__,
    )
    return [opened, *_list_row_records(log), StateChanged(state="finished", reason=reason)]


def _list_row_records(log: Log) -> Iterator[Record]:
    """The candidate, trial and decision of every row, in the order of the log."""
    incumbent: int | None = None
    for number, row in enumerate(log.rows):
        yield Candidate(
            candidate=number,
            parent=None,
            program=NO_PROGRAM.digest,
            author=log.format,
            hypothesis=row.description,
            origin={"line": row.line, "raw": row.raw, "fields": row.fields, "cells": row.cells},
            flags=row.flags,
        )
        if row.meaning == "crash" or row.score is not None:
            yield _read_trial(number, row, log.metric)
        if row.meaning is not None:
            yield Decision(
                candidate=number,
                verdict="keep" if row.meaning == "keep" else "discard",
                by=log.format,
                why=f"the log says {row.word}",
                # Each row was compared with the last one that was kept before it.
                evidence=Evidence(against=incumbent, trials=int(row.score is not None)),
            )
        if row.meaning == "keep":
            incumbent = number


def _read_trial(number: int, row: Row, metric: str) -> Trial:
    """The one trial of a row: a score that the log claims, or a crash."""
    common: dict[str, Any] = {
        "candidate": number,
        "trial": 0,
        "seed": 0,
        "self_reported": True,
        "shape": IMPORTED,
    }
    if row.score is None:
        return Trial(status="failed", reason=f"the log says {row.word}", **common)
    return Trial(
        status="ok",
        score=row.score,
        metrics={**row.metrics, metric: row.score},
        # A log may claim any number; a thousand times the largest one would be infinite.
        memory_mb=min(1024 * row.metrics.get("memory_gb", 0.0), sys.float_info.max),
        **common,
    )


def _count_rows(log: Log) -> str:
    n_rows = len(log.rows)
    return "1 row" if n_rows == 1 else f"{n_rows:,} rows"
