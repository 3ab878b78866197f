"""Tuner: turns one to three knobs of the parent at a time; needs no model and no key.

How it chooses. Every candidate so far is a point in the space of knobs; a Gaussian process over them (`effects`) says what each
knob does, with the names' priors (`priors`) where nothing was measured. The moves that are considered: each knob one or two
steps up or down from the parent (half a step once it was tried), what Optuna's TPE suggests for those of the most promising knobs that were
tried twice, and pairs and triples of the best of these. The one with the largest expected improvement over the best so far is
proposed, provided that its program is new. What broke candidates before is avoided: twice in one direction closes it.

It keeps nothing on disk: `origin["knobs"]` of its candidates tells a new instance all that it needs, and the same study and
number give the same proposal.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from workbench.experiment import Experiment
from workbench.program import Program
from workbench.propose import knobs as knobs_
from workbench.propose import tpe
from workbench.propose.attempts import Attempt, Attempts
from workbench.propose.effects import Array, Axes, Effects, expected_improvement
from workbench.propose.knobs import Knob
from workbench.propose.priors import device_of, prior_for
from workbench.propose.proposer import Brief, Exhausted, ParentExhausted, Proposal, Unusable
from workbench.propose.reasons import hypothesis
from workbench.propose.scales import Value
from workbench.propose.settings import TunerSettings, read
from workbench.propose.wishes import named, wanted
from workbench.records import Options

MAX_CHANGES = 3
MAX_EVALUATIONS = 200
MAX_TOLD = 60  # evaluations that TPE is told
MAX_CONSIDERED = 120  # knobs
WISH = 4.0
WISHES_FIRST = 2  # attempts at a knob that guidance names, before anything else

Move = dict[str, Value]
_UNDECIDED = ("provisional", "waiting", "running", "queued")


class Tuner:
    """A search over the numbers, flags and alternatives that stand in the code itself; `argument` is its settings, as in `reach=3`."""

    name = "tuner"
    ahead = 0

    def __init__(self, argument: str, experiment: Experiment, options: Options) -> None:
        self._seed, self._settings = options.seed, read(argument)
        self._attempts = Attempts(experiment.objective)
        self._baseline: dict[str, Knob] | None = None
        self._found: OrderedDict[str, dict[str, Knob]] = OrderedDict()
        self._made: set[str] = set()

    def propose(self, brief: Brief) -> Proposal | None:
        """Raises Exhausted when there is no knob, or every move from this parent was tried; Unusable for an idea that names no knob."""
        self._attempts.update(brief.study)
        if self._baseline is None:
            self._baseline = self._knobs(brief.experiment.program())
        knobs = self._knobs(brief.program)
        if not knobs:
            raise Exhausted(
                f"no literal or named constant found in {', '.join(brief.program.files)}"
            )
        baseline = self._baseline
        unlike = {
            name: knob.value
            for name, knob in knobs.items()
            if name in baseline and knob.value != baseline[name].value
        }
        self._attempts.know(brief.parent, unlike)
        banned = {knob for text in brief.banned for knob in named(text, knobs)}
        usable = {name: knob for name, knob in knobs.items() if name not in banned}
        if not usable:
            raise Exhausted(
                f"all {len(knobs)} knobs found in {', '.join(brief.program.files)} are banned"
            )
        idea = wanted([brief.idea], list(usable)) if brief.idea else {}
        if brief.idea and not idea:
            raise Unusable(
                f"the tuner turns knobs only, and none is named in {brief.idea!r}; it has: {', '.join(sorted(usable))[:300]}"
            )
        wishes = {**wanted(brief.guidance, list(usable)), **idea}
        first = list(idea) or [
            name for name in wishes if len(self._attempts.of(name)) < WISHES_FIRST
        ]
        space = _Space(brief, self._attempts, self._baseline, usable, self._seed, self._settings)
        for move in space.ranked(wishes, first):
            changes = move.changes
            program = knobs_.turn(brief.program, usable, changes)
            if program.digest not in brief.study.by_program and program.digest not in self._made:
                self._made.add(program.digest)
                asked_for = next((wishes[name][1] for name in changes if name in wishes), "")
                return Proposal(
                    program=program,
                    hypothesis=hypothesis(
                        usable, changes, self._attempts, move.expected, asked_for
                    ),
                    origin={
                        "knobs": {
                            name: [usable[name].value, value] for name, value in changes.items()
                        }
                    },
                )
        if any(attempt.is_pending for attempt in self._attempts.all) or brief.study.open:
            return None  # another parent may come of those
        raise ParentExhausted(
            f"every change of the {len(usable)} knobs that is within reach of candidate {brief.parent} was tried"
        )

    def _knobs(self, program: Program) -> dict[str, Knob]:
        found = self._found.get(program.digest)
        if found is None:
            found = self._found[program.digest] = knobs_.find(program)
            if len(self._found) > 16:
                self._found.popitem(last=False)
        self._found.move_to_end(program.digest)
        return found


@dataclass(frozen=True)
class _Scored:
    """A move, what it is worth trying, and the mean and standard deviation of the gain over the parent that is expected of it."""

    changes: Move
    worth: float
    expected: tuple[float, float]


class _Space:
    """The moves from one parent, and what is known of them."""

    def __init__(
        self,
        brief: Brief,
        attempts: Attempts,
        baseline: Mapping[str, Knob],
        usable: Mapping[str, Knob],
        seed: int,
        settings: TunerSettings,
    ) -> None:
        self.settings = settings
        self.attempts, self.objective = attempts, attempts.objective
        self.parent = attempts.all[brief.parent]
        self.rng_seed = int.from_bytes(
            hashlib.sha256(f"{seed}/{brief.number}".encode()).digest()[:4], "big"
        )
        device = attempts.device()
        weights = {name: _weight(knob, usable, device, settings) for name, knob in usable.items()}
        self.names = sorted(usable, key=lambda name: -weights[name])[:MAX_CONSIDERED]
        self.knobs = {name: usable[name] for name in self.names}
        # A knob is measured on the baseline's scale, so that its coordinate means the same in every candidate.
        self.scales = {
            name: baseline[name].scale if name in baseline else self.knobs[name].scale
            for name in self.names
        }
        self.origin = {
            name: self.scales[name].at(baseline.get(name, self.knobs[name]).value)
            for name in self.names
        }
        self.here = np.array([self._offset(name, self.knobs[name].value) for name in self.names])
        priors = [prior_for(self.knobs[name].name) for name in self.names]
        self.careful = {name: prior.careful for name, prior in zip(self.names, priors, strict=True)}
        self.weights = np.array([weights[name] for name in self.names])
        ordered = np.array([self.scales[name].is_ordered for name in self.names])
        self.axes = Axes(ordered, self.weights, np.array([prior.direction for prior in priors]))
        self._survivals: dict[tuple[str, Value], float] = {}
        self._learn()

    def _offset(self, name: str, value: Value) -> float:
        return self.scales[name].at(value) - self.origin[name]

    def _point(self, attempt: Attempt) -> Array:
        state = attempt.state
        return np.array(
            [self._offset(name, state[name]) if name in state else 0.0 for name in self.names]
        )

    def _learn(self) -> None:
        """Fits the effects to the candidates that have, or await, a score."""
        reference = self.attempts.all[0].history.score
        self.used = [
            one for one in self.attempts.latest(MAX_EVALUATIONS) if one.is_pending or one.has_score
        ]
        if not self.used or reference is None:
            reference = next(
                (one.history.score for one in self.used if one.history.score is not None), 0.0
            )
        gains = [
            self.objective.gain(
                reference if one.history.score is None else one.history.score, reference
            )
            for one in self.used
        ]
        counts = [float(len(one.history.scored)) for one in self.used]
        self.points = np.array(
            [self.here if one is self.parent else self._point(one) for one in self.used]
        ).reshape(-1, len(self.names))
        self.gains, self.counts = np.array(gains), np.array(counts)
        roots = [one.root for one in self.used]
        self.effects = Effects(
            self.axes,
            self.points,
            roots,
            self.gains,
            self.counts,
            self.attempts.noise(),
            self.settings,
        )
        self.threshold = self._best_so_far()

    def _best_so_far(self) -> float:
        """Expected gain over the parent of the best candidate that may still become one, at least 0."""
        rivals = [
            i
            for i, one in enumerate(self.used)
            if one.root == self.parent.root and one.history.status in _UNDECIDED
        ]
        if not rivals:
            return 0.0
        mean, _ = self.effects.gain(self.points[rivals], self.parent.root, self.here)
        return max(0.0, float(mean.max()))

    def ranked(
        self, wishes: Mapping[str, tuple[int, str]], first: Sequence[str]
    ) -> Iterator[_Scored]:
        """Moves, the most promising first; those that turn a knob in `first` before all others."""
        self.wishes = wishes
        singles = self._score(
            [{name: value} for name in self.names for value in self._values(name)]
        )
        suggested = self._score(self._suggested(singles))
        ones = sorted([*singles, *suggested], key=lambda move: -move.worth)
        best = self._distinct(ones)
        joined = [
            _joined(group)
            for size in (2, 3)
            for group in combinations(best[: self.settings.n_best if size == 2 else 9], size)
        ]
        together = self._score([move for move in joined if move and self._is_telling(move)])
        moves = [
            move
            for move in sorted([*ones, *together], key=lambda move: -move.worth)
            if move.worth > 0
        ]
        if first:
            moves.sort(key=lambda move: not any(name in first for name in move.changes))
        yield from moves

    def _is_telling(self, move: Move) -> bool:
        """Whether the score will say something about a new knob: at most `new_together` of them are turned for the first time."""
        return sum(not self.attempts.of(name) for name in move) <= self.settings.new_together

    def _distinct(self, ones: Sequence[_Scored]) -> list[_Scored]:
        """The best single moves, at most two of one knob."""
        chosen: list[_Scored] = []
        seen: dict[str, int] = {}
        for move in ones:
            names = list(move.changes)
            if len(names) == 1 and seen.get(names[0], 0) < 2 and len(chosen) < self.settings.n_best:
                seen[names[0]] = seen.get(names[0], 0) + 1
                chosen.append(move)
        return chosen

    def _values(self, name: str) -> list[Value]:
        """The values that one knob may take next."""
        scale, knob = self.scales[name], self.knobs[name]
        if not scale.is_ordered:
            return [value for value in scale.values if value != knob.value]
        steps = [1.0] if self.careful[name] else [1.0, 2.0]
        if scale.is_fine and self.attempts.of(name):
            steps.insert(0, 0.5)
        x = scale.at(knob.value)
        values = [scale.value(x + sign * step) for step in steps for sign in (1, -1)]
        return [
            value
            for value in dict.fromkeys(values)
            if value != knob.value and type(value) is type(knob.value)
        ]

    def _suggested(self, singles: Sequence[_Scored]) -> list[Move]:
        """What TPE suggests for the knobs that promise most, alone and together."""
        if sum(self.counts > 0) < 4:
            return []
        order = dict.fromkeys(
            name for move in sorted(singles, key=lambda move: -move.worth) for name in move.changes
        )
        top = [name for name in order if len(self.attempts.of(name)) >= self.settings.tried][
            :MAX_CHANGES
        ]
        moves: list[Move] = []
        for size in range(1, len(top) + 1):
            indices = [self.names.index(name) for name in top[:size]]
            axes = {
                name: self._axis(name, self.here[k]) for name, k in zip(top, indices, strict=False)
            }
            # Coordinates here are relative to the baseline; those of choices are their indices.
            shift = {
                name: self.origin[name] if self.scales[name].is_ordered else 0.0 for name in top
            }
            history = [
                tpe.Evaluation(
                    {
                        name: x[k] + self.origin[name] - shift[name]
                        for name, k in zip(top, indices, strict=False)
                    },
                    gain,
                )
                for x, gain in zip(
                    self.points,
                    (float(g) if n else None for g, n in zip(self.gains, self.counts, strict=True)),
                    strict=True,
                )
            ]
            for point in tpe.suggest(axes, history[-MAX_TOLD:], self.rng_seed + size, count=2):
                values = {
                    name: self.scales[name].value(x + shift[name]) for name, x in point.items()
                }
                moves.append(
                    {
                        name: value
                        for name, value in values.items()
                        if value != self.knobs[name].value
                    }
                )
        return [move for move in moves if move]

    def _axis(self, name: str, x: float) -> tpe.Axis:
        scale = self.scales[name]
        reach = 1.0 if self.careful[name] else self.settings.reach
        return (
            tpe.Axis(x - reach, x + reach)
            if scale.is_ordered
            else tpe.Axis(n_choices=len(scale.values))
        )

    def _score(self, moves: Sequence[Move]) -> list[_Scored]:
        if not moves:
            return []
        points = np.tile(self.here, (len(moves), 1))
        for row, move in enumerate(moves):
            for name, value in move.items():
                points[row, self.names.index(name)] = self._offset(name, value)
        mean, sd = self.effects.gain(points, self.parent.root, self.here)
        worth = expected_improvement(mean, sd, self.threshold)
        worth[self._is_repetition(points)] = 0.0
        return [
            _Scored(move, float(value) * self._factor(move), (float(centre), float(error)))
            for move, value, centre, error in zip(moves, worth, mean, sd, strict=True)
        ]

    def _is_repetition(self, points: Array) -> npt.NDArray[np.bool_]:
        """Which points differ so little from one that was tried in this lineage that only noise would tell them apart."""
        near = np.zeros(len(points), dtype=bool)
        for point, one in zip(self.points, self.used, strict=True):
            if one.root == self.parent.root:
                near |= np.abs(points - point).max(axis=1) < self.settings.repetition
        return near

    def _factor(self, move: Move) -> float:
        factor = self.settings.company ** (len(move) - 1)
        for name, value in move.items():
            key = (name, value)
            if key not in self._survivals:
                self._survivals[key] = self._survival(name, value)
            factor *= self._survivals[key]
            if name in self.wishes:
                direction = self.wishes[name][0] * np.sign(
                    self._offset(name, value) - self.here[self.names.index(name)]
                )
                factor *= WISH if direction >= 0 else 1 / WISH
        return factor

    def _survival(self, name: str, value: Value) -> float:
        """How likely a value leaves the candidate able to run, from what failed there; 0 closes it."""
        x, here = self._offset(name, value), self.here[self.names.index(name)]
        failures = successes = 0.0
        for attempt in self.attempts.of(name):
            at = self._offset(name, attempt.changed[name][1])
            along = self.scales[name].is_ordered and (at - here) * (x - here) > 0
            beyond = at == x or (along and abs(x - here) >= abs(at - here))
            if attempt.has_failed:
                failures += (1.0 if beyond else 0.3) / len(
                    attempt.changed
                )  # what breaks one way may break the other way
            elif attempt.history.score is not None:
                successes += at == x or (along and abs(at - here) >= abs(x - here))
        if failures >= 2 and not successes:
            return 0.0
        return (1 + successes) / (1 + successes + 2 * failures)


def _joined(group: Sequence[_Scored]) -> Move:
    """All changes of a group in one; nothing when two turn the same knob."""
    move = {name: value for one in group for name, value in one.changes.items()}
    return move if len(move) == sum(len(one.changes) for one in group) else {}


def _weight(knob: Knob, knobs: Mapping[str, Knob], device: str, settings: TunerSettings) -> float:
    """The knob's weight, next to nothing where its name says that it is for a machine that the study does not run on."""
    meant = device_of(knob.name)
    if device and not meant:
        twins = (f"{knob.path}:{prefix}{knob.name}" for prefix in ("CUDA_", "GPU_", "CPU_"))
        meant = next(
            (
                {"CPU_": "cuda"}.get(twin.split(":")[1][:4], "cpu")
                for twin in twins
                if twin in knobs
            ),
            "",
        )
    # `f(warmup=0.1)` where there is WARMUP as well: most likely the constant is what counts.
    own = knob.name.split(".")[-1]
    shadowed = own != own.upper() and f"{knob.path}:{own.upper()}" in knobs
    return (
        knob.weight
        * (settings.elsewhere if device and meant and meant != device else 1.0)
        * (settings.shadowed if shadowed else 1.0)
    )
