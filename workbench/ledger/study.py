"""Study: the journal, folded into a value.

Every process that folds the same entries gets an equal value. The fold does constant work per
entry, however long the history is, and neither reads nor writes files. What belongs to one subject
is folded by that part of the study, in its own module.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, assert_never, cast

from workbench import requests
from workbench.errors import StudyError
from workbench.ledger.candidate import CandidateHistory, Note
from workbench.ledger.garbage_collection import pause_garbage_collection
from workbench.ledger.study_parts import StudyParts
from workbench.records import (
    Ablation,
    Adopted,
    Audit,
    Called,
    Candidate,
    Decision,
    Entry,
    LoopStarted,
    Plateau,
    ProposalFailed,
    Rebased,
    Refused,
    Reproduction,
    StateChanged,
    StudyOpened,
    Trial,
    TrialStarted,
    Unknown,
)


class Study(StudyParts):
    """A study that follows its journal: each record is handed to the parts that it changes."""

    def fold(self, entries: Iterable[Entry]) -> "Study":
        """Applies entries in their order; returns itself."""
        with pause_garbage_collection():
            for entry in entries:
                self.apply(entry)
        return self

    def apply(self, entry: Entry) -> None:
        """Applies one entry.

        Raises:
            StudyError: the entry comes twice, or names a candidate that does not exist.
        """
        if entry.id <= self.last_id:
            raise StudyError(f"journal entry {entry.id} comes after entry {self.last_id}")
        record = entry.record
        # The time before a loop starts is a time in which none was at work.
        if self.state == "running" and self.last_at and not isinstance(record, LoopStarted):
            self.costs.add_time(entry.at - self.last_at)
        self.last_id = entry.id
        self.last_at = entry.at
        match record:
            case StudyOpened():
                self._opened = record
                self.options = record.options
                self.opened_at = entry.at
            case Candidate():
                self._add(record, entry.at)
            case TrialStarted():
                history = self.history(record.candidate)
                history.running[record.trial] = record
                self._statuses.update(history)
            case Trial():
                self._end_trial(record)
            case Decision():
                self._decide(record)
            case Rebased():
                self._rebase(record)
            case Called():
                self.proposals.add_call(record.question)
                self.costs.add_call(record)
            case ProposalFailed():
                self._add_failure(record)
            case Reproduction():
                self.history(record.candidate).reproductions.append(record)
            case Adopted():
                self._adopt(record, entry.at)
            case Refused():
                self.people.refuse(record)
            case Audit():
                self.examinations.add_audit(record)
            case Ablation():
                self.examinations.add_ablation(record)
            case StateChanged():
                self._change_state(record)
            case Plateau():
                self.reason = record.why
                self.search.add_plateau(record, len(self.candidates) - 1)
            case LoopStarted():
                self.loop = record
            case Unknown():
                pass

    def _add(self, record: Candidate, at: float) -> None:
        number = record.candidate
        if number != len(self.candidates):
            raise StudyError(f"candidate {number} follows candidate {len(self.candidates) - 1}")
        question = self.proposals.add_candidate(record)
        history = CandidateHistory(record, at, question=question)
        self.candidates.append(history)
        self._statuses.update(history)
        # No one proposed an ablation's program: it costs nothing, and it answers nothing.
        if record.without is not None:
            return
        self.by_program.setdefault(record.program, number)
        self.people.close_idea(record.request)
        self.costs.add_answer(record)
        self.health.add_candidate()

    def _add_failure(self, record: ProposalFailed) -> None:
        self.proposals.add_failure(record, len(self.candidates))
        self.people.close_idea(record.request)
        self.costs.add_answer(record)
        self.health.add_failed_proposal(record)

    def _end_trial(self, record: Trial) -> None:
        history = self.history(record.candidate)
        history.end_trial(record)
        self.noise.add_trial(history, record)
        self.costs.add_trial(record)
        self.health.add_trial(record)
        self._statuses.update(history)

    def _rebase(self, record: Rebased) -> None:
        self.history(record.candidate).rebase(record)
        if record.program:
            self.by_program.setdefault(record.program, record.candidate)
            self.lineage.rebased.append(record.candidate)

    def _decide(self, record: Decision) -> None:
        number = record.candidate
        history = self.history(number)
        was_kept = history.status == "kept"
        was_open = number in self.open
        # Only the first decision with an alpha reports a test. A person who judges the candidate
        # later repeats its evidence, and that is not another test.
        if record.evidence.alpha is not None and not history.was_tested:
            against = record.evidence.against
            rival = None if against is None else self.history(against)
            self.noise.count_test(history, rival, record)
        history.decisions.append(record)
        self._statuses.update(history)
        # A search learns nothing from a candidate that stays open, nor from an ablation.
        if number not in self.open and history.status != "ablated":
            self.search.add_decision(history, was_open=was_open)
        # A person may repeat a keep, to give a reason; that keeps nothing anew.
        if record.verdict == "keep" and not was_kept:
            self._keep(record)
        elif was_kept and record.verdict != "keep":
            self._keeps.take_back(number, self.opened.objective)

    def _keep(self, record: Decision) -> None:
        self._keeps.keep(record.candidate, record.evidence.against, self.opened.objective)
        # The plateau is over, and so is its reason. A reason that came later stays.
        if self.search.plateau is not None and self.reason == self.search.plateau.why:
            self.reason = ""
        self.search.add_keep()

    def _change_state(self, record: StateChanged) -> None:
        self.state = record.state
        self.reason = record.reason
        self.fault = record.fault
        if record.state == "running":
            self.health.forgive()

    def _adopt(self, record: Adopted, at: float) -> None:
        self.people.adopt(record)
        request = requests.read_adopted(record)
        match request:
            case requests.Guide():
                self.people.guide(record.request, request)
            case requests.Ban():
                self.people.ban(request.text)
            case requests.Fork():
                self._keeps.incumbent = request.candidate
                self.search.add_fork(self.history(request.candidate))
            case requests.Pin():
                self.history(request.candidate).pinned = True
            case requests.Note():
                note = Note(at, request.author, request.text)
                self.history(request.candidate).notes.append(note)
            case requests.AdoptedAccept():
                if request.lets_run:
                    self._clear(request.request.candidate)
            case requests.Set():
                # The loop checked key and value before it adopted the request.
                self.options = replace(self.options, **{request.key: cast(Any, request.value)})
            case requests.Resume():
                self.proposals.allow_more()
            case requests.AdoptedExamination():
                self.examinations.begin(record.request, request)
                self.health.forgive_trials()
            case requests.Stop():
                self.examinations.cancel()
            case (
                requests.Reject()
                | requests.AdoptedEdit()
                | requests.Pause()
                | requests.RecordReproduction()
                | None
            ):
                # What they cause comes in other records. None is a request of another version.
                pass
            case _:
                assert_never(request)

    def _clear(self, number: int) -> None:
        """A person lets a candidate run that waited for that."""
        history = self.history(number)
        history.cleared = True
        self._statuses.update(history)
