"""Guidance: which knobs a person's sentence names, and in which direction it wants them to move."""

import re
from collections.abc import Iterable, Mapping, Sequence

_UP = re.compile(
    r"\b(raise|increase|higher|larger|bigger|more|longer|up|wider|deeper|try true|enable|turn on)\b"
)
_DOWN = re.compile(
    r"\b(lower|reduce|decrease|smaller|less|fewer|shorter|down|narrower|shallower|disable"
    r"|turn off)\b"
)
_ALIASES = {
    "lr": "learning rate",
    "wd": "weight decay",
    "bs": "batch size",
    "act": "activation",
    "embd": "embedding",
    "eps": "epsilon",
}


def find_named_knobs(text: str, knobs: Iterable[str]) -> set[str]:
    """The ids of the knobs whose names occur in a text as whole words.

    Both `learning rate` and `lr` name LEARNING_RATE.
    """
    words = f" {_to_words(text)} "
    phrases: dict[str, str] = {}  # knob id to its name in words, for the knobs that occur
    for knob in knobs:
        phrase = _knob_phrase(knob)
        if len(phrase) > 1 and f" {phrase} " in words:
            phrases[knob] = phrase
    # `CUDA_LEARNING_RATE` in a text names that knob, and not LEARNING_RATE as well, unless that
    # occurs once more.
    occurring = set(phrases.values())
    inside = {phrase for phrase in occurring if _is_inside_another(phrase, occurring)}
    rest = _remove_phrases(words, occurring - inside)
    return {
        knob for knob, phrase in phrases.items() if phrase not in inside or f" {phrase} " in rest
    }


def _knob_phrase(knob: str) -> str:
    """The last part of a knob's name in words, without its index."""
    name = knob.split(":", 1)[-1].split(".")[-1]
    return _to_words(re.sub(r"\[\d+\]|#\d+$", "", name))


def _is_inside_another(phrase: str, phrases: Iterable[str]) -> bool:
    return any(phrase != other and f" {phrase} " in f" {other} " for other in phrases)


def find_directions(texts: Sequence[str], knobs: Sequence[str]) -> Mapping[str, tuple[int, str]]:
    """Knob id to direction and text, for the knobs that guidance names. The latest text counts.

    The direction is +1 for up, -1 for down, and 0 if either will do.
    """
    directions: dict[str, tuple[int, str]] = {}
    for text in texts:
        lower = text.lower()
        direction = int(bool(_UP.search(lower))) - int(bool(_DOWN.search(lower)))
        for knob in find_named_knobs(text, knobs):
            directions[knob] = (direction, text)
    return directions


def _to_words(text: str) -> str:
    """A text in lower case, as plain words.

    Names are taken apart (`learningRate`, `LEARNING_RATE`), and abbreviations spelled out.
    """
    spaced = re.sub(r"([a-z])([A-Z])", r"\1 \2", text).lower()
    words = re.sub(r"[^a-z0-9]+", " ", spaced).split()
    return " ".join(_ALIASES.get(word, word) for word in words)


def _remove_phrases(words: str, phrases: Iterable[str]) -> str:
    for phrase in phrases:
        words = words.replace(f" {phrase} ", " | ")
    return words
