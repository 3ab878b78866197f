"""Hypotheses of the tuner, in words.

They say what it turns, what the study has shown about that, and what would show that it was wrong.
"""

from collections.abc import Mapping

from workbench.propose.knob_history import Attempt, KnobHistory
from workbench.propose.knobs import Knob
from workbench.propose.priors import find_prior
from workbench.propose.scales import Value, format_literal

NEGLIGIBLE = (
    1e-6  # a standard deviation below which the expected gain does not depend on scores at all
)
MIN_SCORES = 4  # with fewer scores, the expected gain is mostly the prior
GUIDANCE_CHARS = 80


def write_hypothesis(
    knobs: Mapping[str, Knob],
    changes: Mapping[str, Value],
    history: KnobHistory,
    expected: tuple[float, float],
    guidance: str = "",
) -> str:
    """Two or three sentences about a proposal.

    Args:
        knobs: the knobs of the parent, by id.
        changes: knob id to new value.
        history: the study so far.
        expected: mean and standard deviation of the gain. They are named once the study has enough
            scores.
        guidance: a person's guidance that the proposal follows; empty if there is none.
    """
    changed = [_describe_change(knobs[name], value) for name, value in changes.items()]
    evidence = _describe_evidence(knobs, changes, history)
    text = f"{_join_sentence(changed)}: {evidence}"
    if guidance:
        text += f" (asked for: {guidance[:GUIDANCE_CHARS]})"
    mean, sd = expected
    n_scores = sum(attempt.has_score for attempt in history.attempts)
    if n_scores >= MIN_SCORES and sd > NEGLIGIBLE:
        text += f". Expected gain {_format_number(mean)} \u00b1 {_format_number(sd)}"
    return f"{text}. {_describe_test(knobs, changes, history)}"


def _describe_change(knob: Knob, value: Value) -> str:
    name = knob.name
    if "#" in name:
        name = _describe_place(knob)
    new = format_literal(value, knob.text)
    if isinstance(value, bool | str) or isinstance(knob.value, str):
        return f"set {name} to {new} instead of {knob.text}"
    verb = "raise" if value > knob.value else "lower"
    change = f"{verb} {name} from {knob.text} to {new}"
    if knob.value:
        ratio = float(value) / float(knob.value)
        if ratio > 0 and abs(ratio - 1) > 0.05:
            return f"{change} (x{_format_ratio(ratio)})"
    return change


def _format_ratio(ratio: float) -> str:
    if ratio >= 1:
        return f"{ratio:.2g}"
    return f"1/{1 / ratio:.2g}"


def _join_sentence(parts: list[str]) -> str:
    text = parts[-1]
    if len(parts) > 1:
        text = f"{', '.join(parts[:-1])} and {text}"
    return text[0].upper() + text[1:]


def _describe_evidence(
    knobs: Mapping[str, Knob], changes: Mapping[str, Value], history: KnobHistory
) -> str:
    """What earlier attempts showed for each knob, and which knobs are new."""
    parts = []
    for name, value in changes.items():
        knob = knobs[name]
        subject = _short_name(knob) if len(changes) > 1 else "it"
        if history.attempts_at(name):
            parts.append(_describe_attempts(knob, value, history, subject))
    new = [_short_name(knobs[name]) for name in changes if not history.attempts_at(name)]
    if new:
        verb = "has" if len(new) == 1 else "have"
        parts.append(f"{' and '.join(new)} {verb} not been tried yet")
    return "; ".join(parts)


def _describe_attempts(knob: Knob, value: Value, history: KnobHistory, subject: str) -> str:
    """The most telling earlier attempt at a knob, or that none has a score."""
    best = _find_most_telling(knob, value, history)
    if best is None:
        return f"{_short_name(knob)} has no score yet"
    attempt, gain = best
    old, new = attempt.changed[knob.id]
    verb = "setting"
    if knob.scale.is_ordered:
        verb = "raising" if _is_up(knob, old, new) else "lowering"
    n_others = len(attempt.changed) - 1
    others = ""
    if n_others:
        noun = "change" if n_others == 1 else "changes"
        others = f", with {n_others} other {noun},"
    result = "changed nothing"
    if gain > 0:
        result = f"gained {_format_number(gain)}"
    elif gain < 0:
        result = f"lost {_format_number(-gain)}"
    literal = format_literal(new, knob.text)
    return f"{verb} {subject} to {literal} in candidate {attempt.number}{others} {result}"


def _find_most_telling(
    knob: Knob, value: Value, history: KnobHistory
) -> tuple[Attempt, float] | None:
    """The attempt that says most about a new value, and its gain; None if none has a score.

    Attempts in the same direction say most, then those that changed little else, then those with
    large effects.
    """
    best = None
    best_rank = None
    is_up = knob.scale.is_ordered and _is_up(knob, knob.value, value)
    for attempt in history.attempts_at(knob.id):
        gain = history.gain(attempt)
        if gain is None:
            continue
        old, new = attempt.changed[knob.id]
        is_same_direction = knob.scale.is_ordered and _is_up(knob, old, new) == is_up
        rank = (is_same_direction or new == value, -len(attempt.changed), abs(gain))
        if best_rank is None or rank > best_rank:
            best_rank = rank
            best = (attempt, gain)
    return best


def _is_up(knob: Knob, old: Value, new: Value) -> bool:
    return knob.scale.at(new) > knob.scale.at(old)


def _short_name(knob: Knob) -> str:
    """The knob's name without its scope. A knob without a name is described by its place."""
    if "#" in knob.name:
        return _describe_place(knob)
    return knob.name.split(".")[-1]


def _describe_place(knob: Knob) -> str:
    return f"the {knob.text} in line {knob.line}"


def _format_number(value: float) -> str:
    if value < 100:
        return f"{value:.2g}"
    return f"{value:.0f}"


def _describe_test(
    knobs: Mapping[str, Knob], changes: Mapping[str, Value], history: KnobHistory
) -> str:
    """What result would show that the hypothesis is right, and what would show that it is wrong."""
    if causes := _find_causes(knobs, changes):
        premise = " and ".join(causes)
    elif len(changes) == 1:
        premise = "the new value is better"
    else:
        premise = "these values are better"
    metric = history.objective.name
    if history.objective.goal == "minimize":
        return f"If {premise}, {metric} falls; if not, it stays or rises."
    return f"If {premise}, {metric} rises; if not, it stays or falls."


def _find_causes(knobs: Mapping[str, Knob], changes: Mapping[str, Value]) -> list[str]:
    """What must be wrong with the old values for the changes to help, as far as names tell."""
    causes: list[str] = []
    for name, value in changes.items():
        knob = knobs[name]
        if not knob.scale.is_ordered:
            continue
        prior = find_prior(knob.name)
        cause = prior.if_too_high
        if _is_up(knob, knob.value, value):
            cause = prior.if_too_low
        if cause and cause not in causes:
            causes.append(cause)
    return causes
