"""The frozen stand-in for a model: copies from the nearest example in the prompt.

A pure function of the prompt; it needs neither a download nor a key.

It is not a language model. It knows nothing but the prompt, and does what is best understood about
learning from a context: it looks for earlier places that end in the same cue as the prompt, weighs
them by how much what stands before them resembles what stands before the cue, and copies what
followed (an induction head: Olsson et al., In-context Learning and Induction Heads, 2022). What is
known to
matter to real models matters to it as well: which examples are shown and how many (the longer the
    prompt, the less sharply it
attends), their order (late ones count for more), whether the labels are named and described, and
whether the format is consistent. How much each of these matters is invented.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from functools import lru_cache

SHARPNESS = 28.0  # of attention, in a short prompt
DULL_CHARS = 5000  # characters of prompt that halve it
RECENCY = 0.5  # how much less the first example counts than the last one
DESCRIPTION = 0.7  # what the description of a label counts, beside an example
UNSURE = "I cannot tell."
_LIST = re.compile(
    r"^[^:\n]*\b(?:labels|categories|classes|topics|options|one of)\b[^:\n]*:\s*(\S.*)$",
    re.IGNORECASE,
)
_ONLY = re.compile(r"\b(?:only|nothing else|just)\b", re.IGNORECASE)


def answer(prompt: str) -> str:
    """What the model says.

    A label, bare where the prompt asks for nothing else, otherwise in a sentence.
    """
    lines = prompt.rstrip().split("\n")
    cue = lines[-1].strip()
    if not cue.endswith(":"):
        return UNSURE
    examples, query, preamble = _read(lines[:-1], cue)
    options = _options(preamble)
    scores = _attention(query, examples, 1 + len(prompt) / DULL_CHARS, options)
    if not scores:
        return UNSURE
    best = min(scores, key=lambda label: (-scores[label], label))
    return (
        best if any(map(_ONLY.search, preamble)) else f"It seems to me that this belongs to {best}."
    )


def _read(lines: list[str], cue: str) -> tuple[list[tuple[str, str]], str, list[str]]:
    """The text before each cue and what follows it, and the lines before all that.

    A blank line begins a new passage; the lines of the first passage without an example are the
    preamble.
    """
    examples: list[tuple[str, str]] = []
    passage: list[str] = []
    preamble: list[str] = []
    for line in lines:
        if line.lower().startswith(cue.lower()):
            if passage and (followed := line[len(cue) :].strip()):
                examples.append((" ".join(passage), followed))
            passage = []
        elif line.strip():
            passage.append(line.strip())
        elif passage:
            preamble += [] if examples else passage
            passage = []
    return examples, " ".join(passage), preamble


def _options(preamble: list[str]) -> dict[str, str]:
    """The labels that the preamble lists after a colon, with their descriptions, if any."""
    listed = (match[1] for line in preamble if (match := _LIST.match(line)))
    options = {
        name.strip(" .*-"): ""
        for names in listed
        for name in names.split(",")
        if 0 < len(name.strip(" .*-")) <= 60
    }
    for line in preamble:
        name, colon, text = line.lstrip("-* ").partition(":")
        if colon and name.strip() in options:
            options[name.strip()] = text.strip()
    return options


def _attention(
    query: str, examples: list[tuple[str, str]], dullness: float, options: Mapping[str, str]
) -> dict[str, float]:
    """What each label collects, the evidence of a passage of no resemblance being 0."""
    query_features = features(query)
    scores: dict[str, float] = defaultdict(float)
    for place, (text, label) in enumerate(examples, 1):
        if not options or label in options:
            late = 1 - RECENCY * (1 - place / len(examples))
            scores[label] += late * _weight(query_features, text, dullness)
    for label, text in options.items():
        scores[label] += DESCRIPTION * _weight(query_features, f"{label} {text}", dullness)
    return scores


def _weight(query_features: Mapping[str, float], text: str, dullness: float) -> float:
    text_features = features(text)
    alike = sum(
        weight * text_features[name]
        for name, weight in query_features.items()
        if name in text_features
    )
    return math.exp(SHARPNESS / dullness * alike)


def _weigh(name: str) -> float:
    """How much a word, or a piece of one (`#` and four letters), counts."""
    if len(name) < 4:
        return 0.2
    return 0.5 if name.startswith("#") else 1.0


@lru_cache(maxsize=1 << 14)
def features(text: str) -> Mapping[str, float]:
    """Words and the four-letter pieces of long ones with their weights, of length 1 together.

    Short words count for little.
    """
    counts: Counter[str] = Counter()
    for word in re.findall(r"[a-z0-9]+", text.lower()):
        counts[word] += 1
        if len(word) > 5:
            counts.update(f"#{word[start : start + 4]}" for start in range(len(word) - 3))
    weights = {name: (1 + math.log(count)) * _weigh(name) for name, count in counts.items()}
    length = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
    return {name: weight / length for name, weight in weights.items()}
