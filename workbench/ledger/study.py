"""Study: the journal, folded. Every process that folds the same entries gets an equal value.

The fold does constant work per entry, whatever the length of the history. It reads nothing and writes nothing.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from workbench.errors import StudyError
from workbench.ledger.bulk import no_collections
from workbench.ledger.candidate import N_STATUSES, OPEN, CandidateHistory, CandidateStatus
from workbench.ledger.examination import Examination
from workbench.ledger.repeats import Repeats
from workbench.ledger.turns import Turn
from workbench.records import (
    Ablation,
    Adopted,
    Audit,
    Called,
    Candidate,
    Decision,
    Entry,
    LoopStarted,
    Options,
    Plateau,
    ProposalFailed,
    Rebased,
    Refused,
    Reproduction,
    RunState,
    StateChanged,
    StudyOpened,
    Trial,
    TrialStarted,
    Unknown,
)


@dataclass
class Spent:
    """What the study has cost: proposals and trials together; seconds are those while a loop ran."""

    usd: float = 0.0
    tokens: int = 0
    trials: int = 0
    cpu_seconds: float = 0.0


@lru_cache(maxsize=4096)
def _seed(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1


class Study:
    """The state of a study: candidates, the incumbent, what waits, what it cost.

    Attributes:
        candidates: by number. proposed: how many of them a proposer made, which the budget counts.
        incumbent: number of the kept candidate that the next one has to beat; None before the baseline is kept.
        kept: numbers in the order of their keeping, vetoed ones left out. open: numbers that are not decided, ablations only while
            they wait for a person. running: numbers with a trial that has not ended.
        audits, ablations: results of examinations. examinations: how many were asked for. examining: those without a result.
        evaluator_faults: trials in a row that the evaluator failed, evaluator_reason: why the last one did.
        lost_in_a_row: trials that were lost one after another through the machine or their process.
        n_units: by seed, how many unit observations an ok trial has; the first one says.
        tests: how many candidates have come through a statistical test. discoveries: which of these (1, 2, ...) were a discovery.
        turns: what a search learns from, in order. since_keep: how many were decided, and not kept, since the last keep.
        plateau: the one that was noticed since the last keep.
        failed_origins: what proposers wrote down of attempts that came to nothing.
        rebased: the candidates that were put onto another parent, in that order.
        dearest: what the dearest question so far took, as (usd, tokens).
        asked: in the view that a proposer is shown, the number of its question; None everywhere else.
        next_question: above the numbers of all questions that the journal knows of, and of all candidates and failed proposals.
        ideas: what people asked to be tried next and no proposal has answered, by request, oldest first.
        last_id: id of the last entry folded. handled: highest sequence of a request adopted or refused.
    """

    def __init__(self) -> None:
        self._opened: StudyOpened | None = None
        self.options = Options()
        self.candidates: list[CandidateHistory] = []
        self.incumbent: int | None = None
        self.kept: list[int] = []
        self.counts: dict[CandidateStatus, int] = dict.fromkeys(N_STATUSES, 0)
        self.open: set[int] = set()
        self.running: set[int] = set()
        self.audits: list[Audit] = []
        self.ablations: list[Ablation] = []
        self.examinations = 0
        self.examining: list[Examination] = []
        self.by_program: dict[str, int] = {}
        self.state: RunState = "running"
        self.reason = ""
        self.fault = False
        self.loop: LoopStarted | None = None
        self.spent = Spent()
        self.repeats = Repeats()
        self.n_units: dict[int, int] = {}
        self.tests = 0
        self.discoveries: list[int] = []
        self.turns: list[Turn] = []
        self.since_keep = 0
        self.plateau: Plateau | None = None
        self.rebased: list[int] = []
        self.dearest = (0.0, 0)
        self.asked: int | None = None
        self.next_question = 0
        self.guidance: list[str] = []
        self.ideas: dict[str, str] = {}
        self.banned: list[str] = []
        self.refused: dict[str, str] = {}
        self.adopted: dict[str, Adopted] = {}
        self.proposed = 0
        self.proposals_failed = 0
        self.failed_in_a_row = 0
        self.faults_in_a_row = 0
        self.failed_origins: list[Mapping[str, Any]] = []
        self.last_failure = ""
        self.exhausted: str | None = None
        self.evaluator_faults = 0
        self.evaluator_reason = ""
        self.lost_in_a_row: list[Trial] = []
        self.handled = 0
        self.last_id = 0
        self.opened_at = self.last_at = 0.0
        self.active_seconds = 0.0
        self._seen: dict[int, CandidateStatus] = {}
        self._took: dict[int, tuple[float, int]] = {}

    @property
    def opened(self) -> StudyOpened:
        if self._opened is None:
            raise StudyError("the journal has no opening record; this is no study")
        return self._opened

    @property
    def baseline(self) -> CandidateHistory | None:
        return self.candidates[0] if self.candidates else None

    @property
    def n_candidates(self) -> int:
        """How many candidates there are, the baseline counted, and what an ablation tried only where a person is asked about it."""
        return len(self.candidates) - self.counts["ablated"]

    @property
    def best(self) -> CandidateHistory | None:
        """The kept candidate with the best mean score."""
        return self._best(self.kept)

    @property
    def waiting(self) -> list[int]:
        """Candidates about which a person is asked."""
        return [
            number for number in sorted(self.open) if self.candidates[number].status == "waiting"
        ]

    def seed(self, index: int) -> int:
        """The evaluator's seed number `index` of this study: 31 bits, the same for every candidate, which pairs them.

        It depends on the experiment, the study's own seed and its key only. Without a key, where a person chose the seed, a study can
        be run again under another name; and whoever guesses that seed knows these.
        """
        text = "/".join(
            filter(
                None,
                (
                    self.opened.experiment,
                    str(self.opened.options.seed),
                    self.opened.key,
                    str(index),
                ),
            )
        )
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1

    def is_running(self, number: int) -> bool:
        return bool(self.candidates[number].running)

    def spread(self, number: int = 0) -> float | None:
        """Standard deviation of one candidate's scores over its seeds; None for fewer than two."""
        scores = (
            [trial.score for trial in self.candidates[number].trials if trial.score is not None]
            if self.candidates
            else []
        )
        if len(scores) < 2:
            return None
        mean = sum(scores) / len(scores)
        return float((sum((score - mean) ** 2 for score in scores) / (len(scores) - 1)) ** 0.5)

    def fold(self, entries: Iterable[Entry]) -> "Study":
        """Applies entries in their order; returns itself."""
        with no_collections():
            for entry in entries:
                self.apply(entry)
        return self

    def apply(self, entry: Entry) -> None:
        """Applies one entry.

        Raises:
            StudyError: the entry names a candidate that does not exist, or comes twice.
        """
        if entry.id <= self.last_id:
            raise StudyError(f"journal entry {entry.id} comes after entry {self.last_id}")
        record = entry.record
        if self.state == "running" and self.last_at and not isinstance(record, LoopStarted):
            self.active_seconds += max(
                0.0, entry.at - self.last_at
            )  # the clock may have been set back
        self.last_id, self.last_at = entry.id, entry.at
        match record:
            case StudyOpened():
                self._opened, self.options, self.opened_at = record, record.options, entry.at
            case Candidate():
                self._add(record, entry.at)
            case TrialStarted():
                self._history(record.candidate).running[record.trial] = record
                self._recount(record.candidate)
            case Trial():
                self._end(record)
            case Decision():
                self._decide(record)
            case Adopted():
                self._adopt(record)
            case Refused():
                self.handled = record.sequence
                self.refused[record.request] = record.reason
            case StateChanged():
                self.state, self.reason, self.fault = record.state, record.reason, record.fault
                if record.state == "running":
                    self.failed_in_a_row = self.faults_in_a_row = 0
                    self._forget_faults()
            case Plateau():
                self.plateau, self.reason = record, record.why
                self.turns.append(Turn("plateau", len(self.candidates) - 1))
            case LoopStarted():
                self.loop = record
            case ProposalFailed():
                self._proposal_failed(record)
            case Called():
                self.next_question = max(self.next_question, record.question + 1)
                self._spend(record)
            case Rebased():
                self._rebase(record)
            case Reproduction():
                self._history(record.candidate).reproductions.append(record)
            case Audit():
                self.audits.append(record)
                self._examined(record.request)
            case Ablation():
                self.ablations.append(record)
                self._examined(record.request)
            case Unknown():
                pass

    def history(self, number: int) -> CandidateHistory:
        """Raises StudyError when there is no such candidate; the message says which there are."""
        return self._history(number)

    def _history(self, number: int) -> CandidateHistory:
        if not 0 <= number < len(self.candidates):
            last = len(self.candidates) - 1
            raise StudyError(
                f"no candidate {number} in this study; it has {f'0 to {last}' if last >= 0 else 'none yet'}"
            )
        return self.candidates[number]

    def _add(self, record: Candidate, at: float) -> None:
        if record.candidate != len(self.candidates):
            raise StudyError(
                f"candidate {record.candidate} follows candidate {len(self.candidates) - 1}"
            )
        question = (
            len(self.candidates) - 1 + self.proposals_failed
            if record.question is None
            else record.question
        )
        self._number(record.question)
        self.candidates.append(CandidateHistory(record, at, question=question))
        self._seen[record.candidate] = "queued"
        self.counts["queued"] += 1
        self._recount(record.candidate)
        if record.without is not None:
            return
        self.by_program.setdefault(record.program, record.candidate)
        self.ideas.pop(record.request, None)
        self.proposed += record.is_proposal
        self._cost(record)
        self.failed_in_a_row = self.faults_in_a_row = 0

    def _end(self, record: Trial) -> None:
        history = self._history(record.candidate)
        history.running.pop(record.trial, None)
        (history.audits if record.purpose else history.trials).append(record)
        if record.score is not None and not record.purpose:
            scores = [trial.score for trial in history.trials if trial.score is not None]
            self.repeats.add(record.candidate, scores[record.candidate > 0 :])
        if record.score is not None:
            self.n_units.setdefault(record.seed, len(record.units))
        self.spent.trials += 1
        self.spent.cpu_seconds += record.cpu_seconds
        self._blame(record)
        self._recount(record.candidate)

    def _blame(self, record: Trial) -> None:
        """Counts what is nobody's fault in the program: an evaluator that fails, a machine that loses trials."""
        if record.fault == "evaluator":
            self.evaluator_faults += 1
            self.evaluator_reason = record.reason
        elif record.status != "lost":
            self.evaluator_faults = 0
        if not record.cut_off:
            is_loss = record.status == "lost" and record.fault in ("loop", "process")
            self.lost_in_a_row = [*self.lost_in_a_row, record] if is_loss else []

    def _forget_faults(self) -> None:
        """A person lets trials run again: what went wrong before is taken for mended."""
        self.evaluator_faults, self.lost_in_a_row = 0, []

    def _examined(self, request: str) -> None:
        self.examining = [
            examination for examination in self.examining if examination.request != request
        ]

    def _number(self, question: int | None) -> None:
        """Takes note of a question's number; to be called before its candidate or failure is counted."""
        known = (
            len(self.candidates) + self.proposals_failed
        )  # with the one that is being counted, without the baseline
        self.next_question = max(self.next_question, known, 0 if question is None else question + 1)

    def _proposal_failed(self, record: ProposalFailed) -> None:
        self._number(record.question)
        self.proposals_failed += 1
        self.failed_in_a_row += 1
        self.faults_in_a_row += record.fault
        self.last_failure = record.reason
        self.ideas.pop(record.request, None)
        if record.origin:
            self.failed_origins.append(record.origin)
        self._cost(record)
        if record.final:
            self.exhausted = record.reason

    def _cost(self, record: Candidate | ProposalFailed) -> None:
        """What an answer cost counts here only where its calls are no records of their own."""
        usd, tokens = record.usd, record.tokens
        if record.question is not None:  # of those that come one by one, each has a part
            before = self._took.get(record.question, (0.0, 0))
            usd, tokens = self._took[record.question] = before[0] + usd, before[1] + tokens
        self.dearest = max(self.dearest[0], usd), max(self.dearest[1], tokens)
        if record.question is None:
            self._spend(record)

    def _spend(self, record: Candidate | ProposalFailed | Called) -> None:
        self.spent.usd += record.usd
        self.spent.tokens += record.tokens

    def _rebase(self, record: Rebased) -> None:
        history = self._history(record.candidate)
        history.rebased = record
        history.record = replace(history.record, flags=record.flags)
        if record.program:
            new = {
                name: getattr(record, name) for name in ("program", "added", "removed", "normal")
            }
            history.record = replace(history.record, parent=record.onto, **new)
            self.by_program.setdefault(record.program, record.candidate)
            self.rebased.append(record.candidate)

    def _decide(self, record: Decision) -> None:
        history = self._history(record.candidate)
        was_kept, was_open = history.status == "kept", record.candidate in self.open
        if record.evidence.alpha is not None and all(
            decision.evidence.alpha is None for decision in history.decisions
        ):
            self._count_test(history, record)
        history.decisions.append(record)
        self._recount(record.candidate)
        self._turn(history, was_open)
        if record.verdict == "keep" and not was_kept:
            self.kept.append(record.candidate)
            self._follow(record)
            self._leave_plateau()
        elif was_kept and record.verdict != "keep":
            self.kept = [
                number for number in self.kept if not self.descends(number, record.candidate)
            ]
            if self.incumbent is not None and self.incumbent not in self.kept:
                best = self._best(self.kept)
                self.incumbent = None if best is None else best.number

    def _turn(self, history: CandidateHistory, was_open: bool) -> None:
        """What a search learns from a decision; nothing from one that leaves the candidate open, or about an ablation."""
        if history.number in self.open or history.status == "ablated":
            return
        self.since_keep += was_open
        if history.is_vetoed:
            self.turns.append(Turn("barred", history.number))
        elif history.scored and history.failure is None:
            self.turns.append(Turn("scored", history.number, len(history.scored)))

    def _leave_plateau(self) -> None:
        if self.plateau is not None and self.reason == self.plateau.why:
            self.reason = ""
        self.since_keep, self.plateau = 0, None

    def _count_test(self, history: CandidateHistory, decision: Decision) -> None:
        """The first decision after a test; what a person says to it later makes it no other test."""
        evidence = decision.evidence
        self.tests += 1
        if (
            decision.verdict in ("keep", "defer")
            and evidence.p is not None
            and evidence.alpha is not None
            and evidence.p <= evidence.alpha
        ):
            self.discoveries.append(self.tests)
        if evidence.against is not None:
            rival = self._history(evidence.against)
            pairs = [(history.trial_at(seed), rival.trial_at(seed)) for seed in evidence.seeds]
            self.repeats.add_pairs(
                [
                    (a.score, b.score)
                    for a, b in pairs
                    if a and b and a.score is not None and b.score is not None
                ]
            )
            beside = [
                (trial, rival.trial_at(trial.seed)) for trial in history.scored if trial.units
            ]
            self.repeats.add_differences(
                [[x - y for x, y in zip(a.units, b.units, strict=True)] for a, b in beside if b]
            )

    def _follow(self, keep: Decision) -> None:
        """A newly kept candidate becomes the incumbent, unless a better one came in while it waited for a person."""
        if self.incumbent is None or keep.evidence.against == self.incumbent:
            self.incumbent = keep.candidate
            return
        new, old = self.candidates[keep.candidate].score, self.candidates[self.incumbent].score
        if new is not None and (old is None or self.opened.objective.is_better(new, old)):
            self.incumbent = keep.candidate

    def descends(self, number: int, ancestor: int) -> bool:
        """Whether a candidate is, or was made from, another one whose change an ablation has not taken out since."""
        at, without = number, set[int]()
        while at > ancestor:
            record = self.candidates[at].record
            if record.without is not None:
                without.add(record.without)
            if record.parent is None:
                return False
            at = record.parent
        return at == ancestor and ancestor not in without

    def can_be_tried(self, number: int) -> bool:
        """Whether a vetoed candidate can still be tried: neither a score nor a failure came of it, and it has no other vetoed change."""
        history = self.candidates[number]
        was_tried = (
            history.score is not None
            or history.failure is not None
            or history.ended_early is not None
        )
        others = (self.candidates[other] for other in self.changes(number) if other != number)
        return history.is_vetoed and not was_tried and not any(other.is_vetoed for other in others)

    def changes(self, number: int) -> list[int]:
        """The candidates whose changes a program is made of, oldest first; those that an ablation took out are none of them."""
        found, without, record = list[int](), set[int](), self.candidates[number].record
        while record.parent is not None:
            if record.without is not None:
                without.add(record.without)
            elif record.candidate not in without:
                found.append(record.candidate)
            record = self.candidates[record.parent].record
        return found[::-1]

    def _adopt(self, record: Adopted) -> None:
        self.handled = record.sequence
        self.adopted[record.request] = record
        body: dict[str, Any] = dict(record.body)
        match record.verb:
            case "guide" if body.get("next"):
                self.ideas[record.request] = str(body["text"])
            case "guide":
                self.guidance.append(str(body["text"]))
            case "ban":
                self.banned.append(str(body["text"]))
            case "fork":
                self.incumbent = int(body["candidate"])
                self.turns.append(
                    Turn("forked", self.incumbent, len(self._history(self.incumbent).scored))
                )
            case "pin":
                self._history(int(body["candidate"])).pinned = True
            case "accept" if body.get("run"):
                self._history(int(body["candidate"])).cleared = True
                self._recount(int(body["candidate"]))
            case "set":
                self.options = replace(self.options, **{str(body["key"]): body["value"]})
            case "resume":
                self.exhausted = None
            case "audit" | "ablate":
                self.examinations += 1
                self.examining.append(Examination.adopted(record))
                self._forget_faults()
            case "stop":
                self.examining.clear()

    def _recount(self, number: int) -> None:
        """Keeps the counts and the set of undecided candidates true after a change of one candidate."""
        status = self.candidates[number].status
        self.counts[self._seen[number]] -= 1
        self.counts[status] += 1
        self._seen[number] = status
        for numbers, is_member in (
            (self.open, status in OPEN),
            (self.running, bool(self.candidates[number].running)),
        ):
            if is_member:
                numbers.add(number)
            else:
                numbers.discard(number)

    def _best(self, numbers: Iterable[int]) -> CandidateHistory | None:
        best: CandidateHistory | None = None
        for number in numbers:
            candidate = self.candidates[number]
            if candidate.score is None:
                continue
            if (
                best is None
                or best.score is None
                or not self.opened.objective.is_better(best.score, candidate.score)
            ):
                best = candidate
        return best
