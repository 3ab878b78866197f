"""Attempts: what a study says about knobs that were turned, read once and then kept up with."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from workbench.experiment import Objective
from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.study import Study
from workbench.propose.scales import Value

State = dict[str, Value]  # knob id to its value, where it differs from the baseline


@dataclass
class Attempt:
    """One candidate, as turned knobs.

    Attributes:
        changed: knob id to old and new value; empty for a candidate that is not the tuner's.
        state: the knobs that differ from the baseline's. root: the nearest ancestor (or itself) whose other code differs too.
        parent: as it was when these were worked out.
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
        """Whether it came to no score through its own fault: it broke, or was too bad to be tried to the end."""
        return self.history.failure is not None or self.history.ended_early is not None

    @property
    def has_score(self) -> bool:
        return self.history.score is not None and not self.has_failed

    @property
    def is_pending(self) -> bool:
        return (
            self.history.score is None
            and not self.has_failed
            and self.history.status in ("queued", "running", "waiting")
        )

    def gain(self, objective: Objective, parent: "Attempt") -> float | None:
        """What it gained over its parent; None when either has no score."""
        mine, theirs = self.history.score, parent.history.score
        return (
            None
            if mine is None or theirs is None or self.has_failed
            else objective.gain(mine, theirs)
        )


@dataclass
class Attempts:
    """All candidates so far, by number."""

    objective: Objective
    all: list[Attempt] = field(default_factory=list)
    _by_knob: dict[str, list[Attempt]] = field(default_factory=dict)
    _known_roots: set[int] = field(default_factory=lambda: {0})

    def update(self, study: Study) -> None:
        """Adds the candidates that are new, and looks at all through this study's histories."""
        for attempt, history in zip(self.all, study.candidates, strict=False):
            attempt.history = history
            if (
                attempt.parent != history.record.parent is not None
            ):  # it was put onto a new incumbent
                self._place(attempt, self.all[history.record.parent])
        for history in study.candidates[len(self.all) :]:
            parent = self.all[history.record.parent] if history.record.parent is not None else None
            changed = _changes(history.record.origin.get("knobs"))
            self.all.append(Attempt(history, changed, {}, history.number))
            if parent is not None:
                self._place(self.all[-1], parent)
            for name in changed if parent is not None else ():
                self._by_knob.setdefault(name, []).append(self.all[-1])

    def _place(self, attempt: Attempt, parent: Attempt) -> None:
        """Its state, from its parent's and what it changed."""
        attempt.parent = parent.number
        attempt.state = {
            **parent.state,
            **{name: new for name, (_, new) in attempt.changed.items()},
        }
        attempt.root = parent.root if attempt.changed else attempt.number

    def of(self, knob: str) -> list[Attempt]:
        """Those that turned a knob."""
        return self._by_knob.get(knob, [])

    def know(self, number: int, values: State) -> None:
        """Learns the values in a candidate's program, where they differ from the baseline's, and so those of all its lineage."""
        root = self.all[number].root
        if root in self._known_roots:
            return
        self._known_roots.add(root)
        values, at = dict(values), self.all[number]
        while at.number != root and at.history.record.parent is not None:
            values |= {name: old for name, (old, _) in at.changed.items()}
            at = self.all[at.history.record.parent]
        at.state = values
        for attempt in self.all[root + 1 :]:
            if attempt.root == root and attempt.history.record.parent is not None:
                attempt.state = {
                    **self.all[attempt.history.record.parent].state,
                    **{name: new for name, (_, new) in attempt.changed.items()},
                }

    def gain(self, attempt: Attempt) -> float | None:
        """What an attempt gained over its parent."""
        parent = attempt.history.record.parent
        return None if parent is None else attempt.gain(self.objective, self.all[parent])

    def noise(self) -> float | None:
        """Standard deviation of one trial, pooled over candidates with several; 0 for a deterministic score, None when unknown."""
        if self.objective.noise == "none":
            return 0.0
        total, freedom = 0.0, 0
        for attempt in self.all:
            scores = [trial.score for trial in attempt.history.trials if trial.score is not None]
            if len(scores) > 1:
                mean = sum(scores) / len(scores)
                total += sum((score - mean) ** 2 for score in scores)
                freedom += len(scores) - 1
        return (total / freedom) ** 0.5 if freedom >= 2 else None

    def device(self) -> str:
        """`cpu`, `cuda` or nothing: where the baseline ran."""
        device = next(
            (
                trial.device
                for attempt in self.all[:1]
                for trial in attempt.history.trials
                if trial.device
            ),
            "",
        )
        return device if device in ("", "cpu") else "cuda"

    def latest(self, limit: int) -> Iterable[Attempt]:
        """The baseline, the kept ones and the most recent ones, at most `limit`."""
        if len(self.all) <= limit:
            return self.all
        kept = [attempt for attempt in self.all[:-limit] if attempt.history.status == "kept"][
            -limit // 4 :
        ]
        return [
            self.all[0],
            *(attempt for attempt in kept if attempt.number),
            *self.all[-(limit - len(kept) - 1) :],
        ]


def _changes(raw: object) -> dict[str, tuple[Value, Value]]:
    """The knobs in a candidate's origin; empty when they are not as the tuner writes them."""
    if not isinstance(raw, Mapping):
        return {}
    plain = {
        str(name): pair
        for name, pair in raw.items()
        if isinstance(pair, list | tuple) and len(pair) == 2
    }
    return {
        name: (pair[0], pair[1])
        for name, pair in plain.items()
        if all(isinstance(value, bool | int | float | str) for value in pair)
    }
