"""Importing: makes a read-only study of another tool's log, whole or not at all. What the log says stays what it says.

A row becomes a candidate without a program (all name the empty one) and without a parent; its text and fields lie in
the candidate's origin. A crash is a failed trial; a row that the log does not decide has no decision.
"""

import hashlib
import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import workbench
from workbench.errors import StudyError, UsageError
from workbench.experiment import Goal, Objective
from workbench.ledger import folder as folders
from workbench.ledger import imported
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import write_new
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
    Verdict,
)

NO_PROGRAM = Program({})
GENERIC = ("results", "result", "log", "autoresearch")
SHOWN_FLAGS = 5


@dataclass(frozen=True)
class Imported:
    """The new study, and the log that it was made of."""

    folder: StudyFolder
    log: Log

    @property
    def flagged(self) -> list[Row]:
        return [row for row in self.log.rows if row.flags]

    def data(self) -> dict[str, Any]:
        """What `import --json` prints: `study`, `format`, `objective`, `rows`, `words`, `notes`, `flagged[{line,flags}]`."""
        log = self.log
        words = [
            {"word": word, "means": said or imported.UNKNOWN, "rows": n}
            for (word, said), n in self._words().items()
        ]
        return {
            "study": self.folder.name,
            "format": log.format,
            "objective": {"name": log.metric, "goal": log.goal},
            "rows": len(log.rows),
            "words": words,
            "notes": list(log.notes),
            "flagged": [{"line": row.line, "flags": list(row.flags)} for row in self.flagged],
        }

    def _words(self) -> Counter[tuple[str, str | None]]:
        return Counter((row.word, row.said) for row in self.log.rows)

    def __str__(self) -> str:
        log, flagged = self.log, self.flagged
        better = "higher is better" if log.goal == "maximize" else "lower is better"
        lines = [
            f"study {self.folder.name}: {_rows(len(log.rows))} of a {log.format}, read-only; {log.metric} (self-reported), {better}"
        ]
        meanings = [
            f"{n} {word or '(none)'} -> {said or imported.UNKNOWN}"
            for (word, said), n in self._words().most_common()
        ]
        unknown = any(said is None and word for word, said in self._words())
        hint = (
            "; say what a word means with --status WORD=keep, =discard or =crash" if unknown else ""
        )
        lines.append(
            f"status: {', '.join(meanings[:12])}{', ...' if len(meanings) > 12 else ''}{hint}"
        )
        lines += log.notes
        lines += [f"line {row.line}: {'; '.join(row.flags)}" for row in flagged[:SHOWN_FLAGS]]
        if len(flagged) > SHOWN_FLAGS:
            lines.append(
                f"{len(flagged)} rows are flagged in all; autoresearch log {self.folder.name} shows them"
            )
        return "\n".join(lines)


def import_log(
    path: str | Path,
    *,
    study: str | None = None,
    root: str | Path | None = None,
    goal: Goal | None = None,
    metric: str | None = None,
    columns: Sequence[str] = (),
    statuses: Mapping[str, str] | None = None,
    segment: int | None = None,
) -> Imported:
    """Makes a read-only study of a `results.tsv` or of pi's `autoresearch.jsonl`.

    Args:
        study: its name; by default the log's, or its folder's, with a number. root: where `studies/` lies.
        goal: which direction is better, where the log does not say. metric: which column or named metric is the score.
        columns: names for the columns of a log without a header. statuses: what its own words mean: keep, discard or crash.
        segment: which segment of a pi log; its last one with runs by default.

    Raises:
        UsageError: there is no such log, it cannot be read as given, or the name is taken. No study was made.
    """
    root, path = Path(root or Path.cwd()).resolve(), Path(path).expanduser().absolute()
    if study is not None and (root / folders.STUDIES / study).exists():
        raise StudyError(
            f"a study {study!r} is there already; choose another name with --study NAME"
        )
    log = read(
        path,
        Reading(
            metric=metric,
            goal=goal,
            columns=tuple(columns),
            statuses=statuses or {},
            segment=segment,
        ),
    )
    stem = re.sub(r"[^\w.-]+", "-", _stem(path, log))[:80].strip("-.") or "log"
    for _ in range(20):
        name = study or folders.free_name(root, stem)
        try:
            return Imported(
                folders.create(
                    root,
                    name,
                    lambda draft, name=name: _fill(draft, name, path, log),  # type: ignore[misc]
                ),
                log,
            )
        except StudyError:
            if (
                study is not None or not (root / folders.STUDIES / name).exists()
            ):  # not an import at the same time
                raise
    raise StudyError(f"found no free name for a study of {path}; choose one with --study NAME")


def read(path: Path, reading: Reading) -> Log:
    """Reads a log in the format that it is in."""
    before, lines = logs.lines_of(path)
    if pi.is_pi(path, lines):
        return pi.read(path, lines, reading)
    if reading.segment is not None:
        raise UsageError(f"{path} is a table, which has no segments; leave out --segment")
    return tsv.read(path, before, lines, reading)


def _stem(path: Path, log: Log) -> str:
    """What to call it: every project's log is called `results.tsv`, so then its folder's name."""
    if path.stem.lower() not in GENERIC:
        return path.stem
    folder = path.resolve().parent
    return log.name or (folder.parent.name if folder.name == ".auto" else folder.name) or path.stem


def _fill(draft: StudyFolder, name: str, path: Path, log: Log) -> None:
    n_flagged = sum(bool(row.flags) for row in log.rows)
    opened = StudyOpened(
        name=name,
        experiment=_stem(path, log),
        source=str(path),
        experiment_digest=hashlib.sha256(
            "".join([log.head, *(row.raw for row in log.rows)]).encode()
        ).hexdigest(),
        objective=Objective(name=log.metric, goal=log.goal, noise="run"),
        options=Options(proposer=log.format, strategy="", policy="", executor="", sandbox=""),
        shape=imported.SHAPE,
        settings={"format": log.format, "head": log.head, "well_formed": log.well_formed},
        version=workbench.__version__,
    )
    reason = f"imported from {path.name}: {_rows(len(log.rows))}, {n_flagged} flagged; read-only"
    records = [opened, *_records(log), StateChanged(state="finished", reason=reason)]
    write_new(draft, records, [NO_PROGRAM])


def _records(log: Log) -> list[Record]:
    records: list[Record] = []
    incumbent: int | None = None
    for number, row in enumerate(log.rows):
        origin = {"line": row.line, "raw": row.raw, "fields": row.fields, "cells": row.cells}
        records.append(
            Candidate(
                candidate=number,
                parent=None,
                program=NO_PROGRAM.digest,
                author=log.format,
                hypothesis=row.description,
                origin=origin,
                flags=row.flags,
            )
        )
        if row.said == "crash" or row.score is not None:
            records.append(_trial(number, row, log.metric))
        if row.said is not None:
            verdict: Verdict = "keep" if row.said == "keep" else "discard"
            evidence = Evidence(
                against=incumbent, trials=int(row.score is not None)
            )  # in the log's order, each keep is the next head
            records.append(
                Decision(
                    candidate=number,
                    verdict=verdict,
                    by=log.format,
                    why=f"the log says {row.word}",
                    evidence=evidence,
                )
            )
            incumbent = number if verdict == "keep" else incumbent
    return records


def _trial(number: int, row: Row, metric: str) -> Trial:
    common: dict[str, Any] = {
        "candidate": number,
        "trial": 0,
        "seed": 0,
        "self_reported": True,
        "shape": imported.SHAPE,
    }
    if row.score is None:
        return Trial(status="failed", reason=f"the log says {row.word}", **common)
    memory_mb = min(1024 * row.metrics.get("memory_gb", 0.0), sys.float_info.max)
    return Trial(
        status="ok",
        score=row.score,
        metrics={**row.metrics, metric: row.score},
        memory_mb=memory_mb,
        **common,
    )


def _rows(n: int) -> str:
    return f"{n:,} row{'' if n == 1 else 's'}"
