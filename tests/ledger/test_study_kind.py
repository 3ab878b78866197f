"""What differs between a study that is run and a log that is shown."""

from dataclasses import replace

import pytest

from tests.ledger.some_records import history, keep, ok_trial
from workbench.errors import UsageError
from workbench.ledger.candidate import STATUSES, CandidateHistory
from workbench.ledger.study_kind import IMPORTED, ImportedLog, StudyKind, read_kind
from workbench.records import Candidate, StudyOpened
from workbench.testing import experiment_for_tests, opening


@pytest.fixture
def opening_record(tmp_path_factory: pytest.TempPathFactory) -> StudyOpened:
    record = opening(experiment_for_tests(tmp_path_factory.mktemp("experiment")))[0]
    assert isinstance(record, StudyOpened)
    return record


@pytest.fixture
def log(opening_record: StudyOpened) -> StudyKind:
    settings = {"well_formed": True, "head": "commit\tloss\n"}
    return read_kind(
        replace(
            opening_record,
            shape=IMPORTED,
            name="old",
            source="/logs/results.tsv",
            settings=settings,
        )
    )


def row(number: int, text: str) -> CandidateHistory:
    origin = {"line": number + 2, "raw": text, "fields": {"loss": text[:3]}, "cells": [text[:3]]}
    record = Candidate(candidate=number, parent=None, program="", author="log", origin=origin)
    return CandidateHistory(record, at=0.0)


def test_a_study_that_is_run_can_be_changed_and_has_programs(opening_record: StudyOpened) -> None:
    kind = read_kind(opening_record)
    kind.require_writable("accept")
    kind.require_programs("diff")
    assert (kind.has_programs, kind.is_read_only, kind.self_reported) == (True, False, False)
    assert kind.read_log([]) is None
    assert kind.read_results([]) is None
    assert kind.read_row(row(0, "1.5\n")) == {}


def test_printed_scores_are_self_reported(opening_record: StudyOpened) -> None:
    assert read_kind(replace(opening_record, shape="claimed")).self_reported
    printed = history(1)
    printed.end_trial(replace(ok_trial(1), self_reported=True))
    assert read_kind(opening_record).is_self_reported(printed)
    assert not read_kind(opening_record).is_self_reported(history(1))


def test_a_log_refuses_changes_and_all_that_needs_a_program(log: StudyKind) -> None:
    assert isinstance(log, ImportedLog)
    with pytest.raises(
        UsageError, match=r"^old is imported from results\.tsv and read-only; accept"
    ):
        log.require_writable("accept")
    with pytest.raises(UsageError, match="has no program, which diff needs"):
        log.require_programs("diff")


def test_a_row_that_the_log_does_not_decide_is_unknown(log: StudyKind) -> None:
    undecided = history(1)
    assert log.get_status(undecided) == "unknown"
    undecided.decisions.append(keep(1))
    assert log.get_status(undecided) == "kept"
    counts = {**dict.fromkeys(STATUSES, 0), "queued": 2, "provisional": 1, "kept": 4}
    counts_as_shown = log.count_statuses(counts)
    assert (
        counts_as_shown["unknown"],
        counts_as_shown["queued"],
        counts_as_shown["provisional"],
        counts_as_shown["kept"],
    ) == (3, 0, 0, 4)


def test_a_log_comes_back_byte_for_byte(log: StudyKind) -> None:
    rows = [row(0, "1.5\tbase\r\n"), row(1, "1.4\tbetter\n")]
    assert log.read_log(rows) == "commit\tloss\n1.5\tbase\r\n1.4\tbetter\n"
    assert log.read_results(rows) == [("1.5",), ("1.4",)]
    assert log.read_row(rows[0]) == {"line": 2, "raw": "1.5\tbase", "fields": {"loss": "1.5"}}
