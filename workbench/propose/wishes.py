"""Which knobs a person's sentence means, and which way it wants them."""

import re
from collections.abc import Iterable, Mapping, Sequence

_UP = re.compile(
    r"\b(raise|increase|higher|larger|bigger|more|longer|up|wider|deeper|try true|enable|turn on)\b"
)
_DOWN = re.compile(
    r"\b(lower|reduce|decrease|smaller|less|fewer|shorter|down|narrower|shallower|disable|turn off)\b"
)
_ALIASES = {
    "lr": "learning rate",
    "wd": "weight decay",
    "bs": "batch size",
    "act": "activation",
    "embd": "embedding",
    "eps": "epsilon",
}


def named(text: str, knobs: Iterable[str]) -> set[str]:
    """The knob ids whose own name stands in a text, as whole words; `learning rate` means LEARNING_RATE and `lr`."""
    words = f" {_plain(text)} "
    found: dict[str, str] = {}
    for knob in knobs:
        own = re.sub(r"\[\d+\]|#\d+$", "", knob.split(":", 1)[-1].split(".")[-1])
        plain = _plain(own)
        if "#" in knob and "." not in knob.split(":", 1)[-1] and plain == "":
            continue
        if len(plain) > 1 and f" {plain} " in words:
            found[knob] = plain
    # `CUDA_LEARNING_RATE` in a text means that knob, not LEARNING_RATE as well.
    longest = set(found.values())
    inside = {
        plain
        for plain in longest
        for other in longest
        if plain != other and f" {plain} " in f" {other} "
    }
    alone = {plain for plain in inside if f" {plain} " in _without(words, longest - inside)}
    return {knob for knob, plain in found.items() if plain not in inside or plain in alone}


def wanted(texts: Sequence[str], knobs: Sequence[str]) -> Mapping[str, tuple[int, str]]:
    """Knob id to direction (+1, -1 or 0 for either) and the text, for the knobs that guidance names; the latest counts."""
    found: dict[str, tuple[int, str]] = {}
    for text in texts:
        up, down = bool(_UP.search(text.lower())), bool(_DOWN.search(text.lower()))
        for knob in named(text, knobs):
            found[knob] = (int(up) - int(down), text)
    return found


def _plain(text: str) -> str:
    spaced = re.sub(r"[^a-z0-9]+", " ", re.sub(r"([a-z])([A-Z])", r"\1 \2", text).lower()).strip()
    return " ".join(_ALIASES.get(word, word) for word in spaced.split())


def _without(words: str, phrases: Iterable[str]) -> str:
    for phrase in phrases:
        words = words.replace(f" {phrase} ", " | ")
    return words
