"""Tuner: turns one to three knobs of the parent at a time; needs no model and no key.

How it chooses. Every candidate so far is a point in the space of knobs. A Gaussian process over
these points (`effects`) says what each knob does; where nothing was measured, the names of the
knobs do (`priors`). It considers these moves: each knob one or two steps up or down from the parent
(half a step once it was tried), what Optuna's TPE suggests for the most promising knobs, and pairs
and triples of the best of these. It proposes the move with the largest expected improvement over
the best candidate so far whose program is new. What broke candidates before is avoided: two
failures in one direction close that direction.

It keeps nothing on disk. `origin["knobs"]` of its candidates tells a new instance all that it
needs, and the same study and number give the same proposal.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from pathlib import Path

from workbench.experiment import Experiment
from workbench.program import Program
from workbench.propose.guidance import find_directions, find_named_knobs
from workbench.propose.hypotheses import write_hypothesis
from workbench.propose.knob_history import KnobHistory, State
from workbench.propose.knob_space import KnobSpace
from workbench.propose.knobs import Knob, find_knobs, turn_knobs
from workbench.propose.moves import Moves, RankedMove
from workbench.propose.proposer import Brief, Exhausted, ParentExhausted, Proposal, Unusable
from workbench.propose.settings import parse_settings, parse_source
from workbench.records import Options

MAX_CACHED = 16  # programs whose knobs are remembered
MIN_GUIDED_ATTEMPTS = 2  # attempts at a knob that guidance names, before anything else is tried
MAX_NAMES_CHARS = 300  # of the list of knobs in a message


class Tuner:
    """A search over the numbers, flags and alternatives in the code itself.

    The argument is its settings, as in `reach=3` (see `settings`).
    """

    name = "tuner"
    ahead = 0

    def __init__(self, argument: str, experiment: Experiment, options: Options) -> None:
        self._seed = options.seed
        self._settings = parse_settings(argument)
        self._history = KnobHistory(experiment.objective)
        self._baseline: dict[str, Knob] | None = None
        self._knob_cache: OrderedDict[str, dict[str, Knob]] = OrderedDict()
        self._proposed: set[str] = set()

    @classmethod
    def check(cls, argument: str, options: Options, root: Path) -> str:
        """Returns the settings unchanged, once they can be read."""
        parse_settings(argument)
        return argument

    @classmethod
    def alias_from_program(cls, argument: str, files: Mapping[str, str]) -> str | None:
        """The tuner with the settings that `settings.py` assigns; None without that file."""
        source = files.get("settings.py", "")
        if not source:
            return None
        settings = parse_source(source).text()
        if not settings:
            return cls.name
        return f"{cls.name}:{settings}"

    def propose(self, brief: Brief) -> Proposal | None:
        """The best new move from the parent; None if there is none now but may be later.

        Raises:
            Exhausted: the program has no knob, or all are banned.
            ParentExhausted: every move from this parent was tried.
            Unusable: the idea that a person wants tried names no knob.
        """
        self._history.update(brief.study)
        if self._baseline is None:
            self._baseline = self._find_knobs(brief.experiment.program())
        all_knobs = self._find_knobs(brief.program)
        if not all_knobs:
            files = ", ".join(brief.program.files)
            raise Exhausted(f"no literal or named constant found in {files}")
        self._history.learn_values(brief.parent, _list_changed_values(all_knobs, self._baseline))
        knobs = _select_allowed(all_knobs, brief)
        idea = _read_idea(brief, knobs)
        directions = {**find_directions(brief.guidance, list(knobs)), **idea}
        space = KnobSpace(knobs, self._baseline, self._history.find_device(), self._settings)
        moves = Moves(
            space, self._history, brief.parent, directions, self._make_seed(brief), self._settings
        )
        for move in moves.rank(first=list(idea) or self._find_neglected(directions)):
            program = turn_knobs(brief.program, knobs, move.changes)
            is_known = program.digest in brief.study.by_program
            if is_known or program.digest in self._proposed:
                continue
            self._proposed.add(program.digest)
            return self._make_proposal(program, knobs, move, directions)
        is_undecided = any(attempt.is_pending for attempt in self._history.attempts)
        if is_undecided or brief.study.open:
            return None  # one of those may become another parent
        raise ParentExhausted(
            f"every change of the {len(knobs)} knobs that is within reach of "
            f"candidate {brief.parent} was tried"
        )

    def _find_knobs(self, program: Program) -> dict[str, Knob]:
        """The program's knobs.

        Finding them takes a while, so those of the latest programs are remembered.
        """
        knobs = self._knob_cache.get(program.digest)
        if knobs is None:
            knobs = find_knobs(program)
            self._knob_cache[program.digest] = knobs
            if len(self._knob_cache) > MAX_CACHED:
                self._knob_cache.popitem(last=False)
        self._knob_cache.move_to_end(program.digest)
        return knobs

    def _make_seed(self, brief: Brief) -> int:
        digest = hashlib.sha256(f"{self._seed}/{brief.number}".encode()).digest()
        return int.from_bytes(digest[:4], "big")

    def _find_neglected(self, guided: Iterable[str]) -> list[str]:
        """The knobs that guidance names and that were hardly turned yet."""
        history = self._history
        return [name for name in guided if len(history.attempts_at(name)) < MIN_GUIDED_ATTEMPTS]

    def _make_proposal(
        self,
        program: Program,
        knobs: Mapping[str, Knob],
        move: RankedMove,
        directions: Mapping[str, tuple[int, str]],
    ) -> Proposal:
        texts = [directions[name][1] for name in move.changes if name in directions]
        guidance = texts[0] if texts else ""
        return Proposal(
            program=program,
            hypothesis=write_hypothesis(
                knobs, move.changes, self._history, move.expected, guidance
            ),
            origin={
                "knobs": {name: [knobs[name].value, value] for name, value in move.changes.items()}
            },
        )


def _list_changed_values(knobs: Mapping[str, Knob], baseline: Mapping[str, Knob]) -> State:
    """The values that differ from those of the baseline, by knob."""
    return {
        name: knob.value
        for name, knob in knobs.items()
        if name in baseline and knob.value != baseline[name].value
    }


def _select_allowed(knobs: Mapping[str, Knob], brief: Brief) -> dict[str, Knob]:
    """The knobs that no ban names.

    Raises:
        Exhausted: there is none.
    """
    banned: set[str] = set()
    for text in brief.banned:
        banned |= find_named_knobs(text, knobs)
    allowed = {name: knob for name, knob in knobs.items() if name not in banned}
    if not allowed:
        files = ", ".join(brief.program.files)
        raise Exhausted(f"all {len(knobs)} knobs found in {files} are banned")
    return allowed


def _read_idea(brief: Brief, knobs: Iterable[str]) -> Mapping[str, tuple[int, str]]:
    """Knob id to direction and text, for the knobs that the idea names; empty without an idea.

    Raises:
        Unusable: there is an idea, and it names no knob.
    """
    if not brief.idea:
        return {}
    names = list(knobs)
    directions = find_directions([brief.idea], names)
    if not directions:
        all_names = ", ".join(sorted(names))[:MAX_NAMES_CHARS]
        raise Unusable(
            f"the tuner turns knobs only, and none is named in {brief.idea!r}; it has: {all_names}"
        )
    return directions
