"""KnobHistory: the candidates of a study as turned knobs.

It is read once, and then kept up to date.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from workbench.experiment import Objective
from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.study import Study
from workbench.propose.scales import Value

State = dict[str, Value]  # knob id to its value, for the knobs that differ from the baseline
MIN_FREEDOM = 2  # degrees of freedom below which the noise counts as unknown


@dataclass
class Attempt:
    """One candidate as turned knobs.

    Attributes:
        history: the candidate.
        changed: knob id to old and new value; empty for a candidate that is not the tuner's.
        state: the knobs that differ from the baseline.
        root: the lineage: the nearest ancestor (or itself) that changed anything but knobs.
        parent: the parent for which `state` and `root` were computed; a rebase changes it.
    """

    history: CandidateHistory
    changed: dict[str, tuple[Value, Value]]
    state: State
    root: int
    parent: int | None = None

    @property
    def number(self) -> int:
        return self.history.number

    @property
    def has_failed(self) -> bool:
        """True if it has no score through its own fault.

        It broke, or it was too bad to be tried to the end.
        """
        return self.history.failure is not None or self.history.ended_early is not None

    @property
    def has_score(self) -> bool:
        return self.history.score is not None and not self.has_failed

    @property
    def is_pending(self) -> bool:
        if self.history.score is not None or self.has_failed:
            return False
        return self.history.status in ("queued", "running", "waiting")

    def gain(self, objective: Objective, parent: "Attempt") -> float | None:
        """What it gained over its parent; None if either has no score."""
        score = self.history.score
        parent_score = parent.history.score
        if score is None or parent_score is None or self.has_failed:
            return None
        return objective.gain(score, parent_score)


@dataclass
class KnobHistory:
    """All candidates of a study so far, as turned knobs.

    Attributes:
        objective: what the scores mean.
        attempts: one per candidate, by number.
    """

    objective: Objective
    attempts: list[Attempt] = field(default_factory=list)
    _by_knob: dict[str, list[Attempt]] = field(default_factory=dict)
    # Lineages whose knobs are known. That of the baseline is: nothing differs there.
    _known_roots: set[int] = field(default_factory=lambda: {0})

    def update(self, study: Study) -> None:
        """Adds the new candidates, and takes over this study's histories of all."""
        for attempt, history in zip(self.attempts, study.candidates, strict=False):
            attempt.history = history
            parent = history.record.parent
            if parent is not None and attempt.parent != parent:  # it was rebased
                self._set_parent(attempt, self.attempts[parent])
        for history in study.candidates[len(self.attempts) :]:
            self._add(history)

    def _add(self, history: CandidateHistory) -> None:
        changed = _read_changes(history.record.origin.get("knobs"))
        attempt = Attempt(history, changed, {}, history.number)
        self.attempts.append(attempt)
        if history.record.parent is None:
            return
        self._set_parent(attempt, self.attempts[history.record.parent])
        for name in changed:
            self._by_knob.setdefault(name, []).append(attempt)

    def _set_parent(self, attempt: Attempt, parent: Attempt) -> None:
        attempt.parent = parent.number
        attempt.state = _state_after(parent.state, attempt)
        attempt.root = parent.root if attempt.changed else attempt.number

    def attempts_at(self, knob: str) -> list[Attempt]:
        """The attempts that turned a knob."""
        return self._by_knob.get(knob, [])

    def learn_values(self, number: int, values: State) -> None:
        """Learns the knobs of a whole lineage from the program of one candidate in it.

        A candidate that is not the tuner's may have changed any knob, and its record does not say
        which.

        Args:
            number: the candidate.
            values: knob id to its value in the candidate's program, for those that differ from the
                baseline.
        """
        root = self.attempts[number].root
        if root in self._known_roots:
            return
        self._known_roots.add(root)
        values = dict(values)
        ancestor = self.attempts[number]
        # Undo the tuner's changes, from the candidate up to the root of its lineage.
        while ancestor.number != root and ancestor.history.record.parent is not None:
            values |= {name: old for name, (old, _) in ancestor.changed.items()}
            ancestor = self.attempts[ancestor.history.record.parent]
        ancestor.state = values
        # Redo them in all candidates of the lineage; parents come before their children.
        for attempt in self.attempts[root + 1 :]:
            parent = attempt.history.record.parent
            if attempt.root == root and parent is not None:
                attempt.state = _state_after(self.attempts[parent].state, attempt)

    def gain(self, attempt: Attempt) -> float | None:
        """What an attempt gained over its parent; None if either has no score."""
        parent = attempt.history.record.parent
        if parent is None:
            return None
        return attempt.gain(self.objective, self.attempts[parent])

    def estimate_noise(self) -> float | None:
        """Standard deviation of one trial, pooled over candidates with several trials.

        It is 0 for a deterministic score, and None if it is not known.
        """
        if self.objective.noise == "none":
            return 0.0
        # The last digit matters: it decides between moves that are worth the same, and a study
        # with a seed must propose the same again. So this does not use `repeats.pool_squares`.
        total = 0.0
        freedom = 0
        for attempt in self.attempts:
            scores = [trial.score for trial in attempt.history.trials if trial.score is not None]
            if len(scores) > 1:
                mean = sum(scores) / len(scores)
                total += sum((score - mean) ** 2 for score in scores)
                freedom += len(scores) - 1
        if freedom < MIN_FREEDOM:
            return None
        return float((total / freedom) ** 0.5)

    def find_device(self) -> str:
        """`cpu` or `cuda`: where the baseline ran; empty if that is not known."""
        for attempt in self.attempts[:1]:
            for trial in attempt.history.trials:
                if trial.device:
                    return "cpu" if trial.device == "cpu" else "cuda"
        return ""

    def select_latest(self, limit: int) -> Iterable[Attempt]:
        """The baseline, the latest kept attempts, and the latest of all; at most `limit`."""
        if len(self.attempts) <= limit:
            return self.attempts
        kept = [each for each in self.attempts[:-limit] if each.history.status == "kept"]
        kept = kept[-limit // 4 :]
        n_recent = limit - len(kept) - 1
        baseline = self.attempts[0]
        older = [attempt for attempt in kept if attempt is not baseline]
        return [baseline, *older, *self.attempts[-n_recent:]]


def _state_after(parent: State, attempt: Attempt) -> State:
    """The state of an attempt: that of its parent, with its own changes."""
    return {**parent, **{name: new for name, (_, new) in attempt.changed.items()}}


def _read_changes(raw: object) -> dict[str, tuple[Value, Value]]:
    """The knobs in a candidate's origin; an entry that the tuner would not write is left out."""
    if not isinstance(raw, Mapping):
        return {}
    changes: dict[str, tuple[Value, Value]] = {}
    for name, pair in raw.items():
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            continue
        if all(isinstance(value, bool | int | float | str) for value in pair):
            changes[str(name)] = (pair[0], pair[1])
    return changes
