"""Hypotheses in words: what is turned, what the study has shown about it, and what would show that it was wrong."""

from collections.abc import Mapping

from workbench.propose.attempts import Attempts
from workbench.propose.knobs import Knob
from workbench.propose.priors import prior_for
from workbench.propose.scales import Value, write

NEGLIGIBLE = 1e-6  # an expectation that no score has a share in
N_TELLING = 3  # scores below which the expected gain is mostly the prior


def hypothesis(
    knobs: Mapping[str, Knob],
    changes: Mapping[str, Value],
    attempts: Attempts,
    expected: tuple[float, float],
    asked_for: str = "",
) -> str:
    """Two or three sentences for a proposal that turns `changes`.

    Args:
        knobs: those of the parent.
        changes: knob id to new value.
        attempts: the study so far.
        expected: mean and standard deviation of the gain, as far as the study tells; named once it tells something.
        asked_for: a person's guidance that this follows, if any.
    """
    parts = [_change(knobs[name], value) for name, value in changes.items()]
    new = [_short(knobs[name]) for name in changes if not attempts.of(name)]
    seen = [
        text
        for name, value in changes.items()
        if (text := _evidence(knobs[name], value, attempts, several=len(changes) > 1))
    ]
    if new:
        seen.append(f"{' and '.join(new)} {'has' if len(new) == 1 else 'have'} not been tried yet")
    text = f"{_sentence(parts)}: {'; '.join(seen)}"
    if asked_for:
        text += f" (asked for: {asked_for[:80]})"
    if sum(attempt.has_score for attempt in attempts.all) > N_TELLING and expected[1] > NEGLIGIBLE:
        text += f". Expected gain {_figure(expected[0])} \u00b1 {_figure(expected[1])}"
    return f"{text}. {_test(knobs, changes, attempts)}"


def _change(knob: Knob, value: Value) -> str:
    name = knob.name if "#" not in knob.name else f"the {knob.text} in line {knob.line}"
    new = write(value, knob.text)
    if isinstance(value, bool | str) or isinstance(knob.value, str):
        return f"set {name} to {new} instead of {knob.text}"
    verb = "raise" if value > knob.value else "lower"
    ratio = float(value) / float(knob.value) if knob.value else 0.0
    times = f" (x{_times(ratio)})" if ratio > 0 and abs(ratio - 1) > 0.05 else ""
    return f"{verb} {name} from {knob.text} to {new}{times}"


def _times(ratio: float) -> str:
    if ratio >= 1:
        return f"{ratio:.2g}"
    return f"1/{1 / ratio:.2g}"


def _sentence(parts: list[str]) -> str:
    text = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    return text[0].upper() + text[1:]


def _evidence(knob: Knob, value: Value, attempts: Attempts, several: bool) -> str:
    """The most telling earlier attempt at this knob, in words; empty when it has not been tried or has no score."""
    known = []
    for attempt in attempts.of(knob.id):
        old, new = attempt.changed[knob.id]
        if (gain := attempts.gain(attempt)) is not None:
            # Attempts in the same direction say most, then those of this knob alone, then large effects.
            same = knob.scale.is_ordered and _is_up(knob, old, new) == _is_up(
                knob, knob.value, value
            )
            known.append(((same or new == value, -len(attempt.changed), abs(gain)), attempt, gain))
    if not known:
        return f"{_short(knob)} has no score yet" if attempts.of(knob.id) else ""
    _, attempt, gain = max(known, key=lambda item: item[0])
    old, new = attempt.changed[knob.id]
    verb = (
        "setting"
        if not knob.scale.is_ordered
        else "raising"
        if _is_up(knob, old, new)
        else "lowering"
    )
    others = len(attempt.changed) - 1
    company = f", with {others} other change{'s' if others > 1 else ''}," if others else ""
    what = f"{'gained' if gain > 0 else 'lost'} {_figure(abs(gain))}" if gain else "changed nothing"
    subject = _short(knob) if several else "it"
    return (
        f"{verb} {subject} to {write(new, knob.text)} in candidate {attempt.number}{company} {what}"
    )


def _is_up(knob: Knob, old: Value, new: Value) -> bool:
    return knob.scale.at(new) > knob.scale.at(old)


def _short(knob: Knob) -> str:
    """The knob's own name without its scope; a nameless one by its line."""
    return (
        knob.name.split(".")[-1] if "#" not in knob.name else f"the {knob.text} in line {knob.line}"
    )


def _figure(value: float) -> str:
    return f"{value:.2g}" if value < 100 else f"{value:.0f}"


def _test(knobs: Mapping[str, Knob], changes: Mapping[str, Value], attempts: Attempts) -> str:
    """When it would be right, and when wrong."""
    objective = attempts.objective
    better, worse = ("falls", "rises") if objective.goal == "minimize" else ("rises", "falls")
    causes = []
    for name, value in changes.items():
        knob = knobs[name]
        prior = prior_for(knob.name)
        cause = (
            prior.low
            if knob.scale.is_ordered and knob.scale.at(value) > knob.scale.at(knob.value)
            else prior.high
        )
        if cause and knob.scale.is_ordered and cause not in causes:
            causes.append(cause)
    if causes:
        return f"If {' and '.join(causes)}, {objective.name} {better}; if not, it stays or {worse}."
    values = "these values are" if len(changes) > 1 else "the new value is"
    return f"If {values} better, {objective.name} {better}; if not, it stays or {worse}."
