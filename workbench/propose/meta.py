"""Meta: instructions that a model wrote for itself (meta-prompts), and what became of the proposals that were made under each.

Source: AlphaEvolve (Novikov et al. 2025, arXiv 2506.13131, section 2.2): meta-prompts are suggested by the model in a step of their own,
and evolved in a database apart from that of the programs. How they are chosen is not said there; here it is Thompson sampling. The
database is the journal: a proposal's `origin` names the meta-prompt that it was made under, and holds the text of a new one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from random import Random
from typing import Any

from workbench.ledger.study import Study

N_ALIVE = 8  # meta-prompts that are drawn from; the others are remembered by the journal only
N_EXAMPLES = 4  # of them, the best, that a model is shown when it writes another one
NEW_CHANCE = 0.2  # of a proposal to begin with a new meta-prompt
MAX_CHARS = 800  # of a meta-prompt


@dataclass(frozen=True)
class MetaPrompt:
    """A text (empty: none at all), and how many proposals under it were kept, of how many that were decided or came to nothing."""

    text: str
    kept: int = 0
    ended: int = 0
    is_new: bool = False

    @property
    def mean(self) -> float:
        """Expected share of keeps, under a Beta(1, 1) prior."""
        return (1 + self.kept) / (2 + self.ended)

    @property
    def origin(self) -> dict[str, str]:
        """What a proposal that is made under it notes down."""
        return (
            {"meta": _name(self.text), **({"meta_text": self.text} if self.is_new else {})}
            if self.text
            else {}
        )


def written(reply: str) -> MetaPrompt:
    """The meta-prompt that a model answered with, as one line of bounded length."""
    return MetaPrompt(" ".join(reply.split())[:MAX_CHARS], is_new=True)


def alive(study: Study) -> list[MetaPrompt]:
    """The meta-prompts that are drawn from, the best first; none at all is always among them, so that each has to earn its place."""
    texts, kept, ended = {"": ""}, dict[str, int](), dict[str, int]()

    def read(origin: Mapping[str, Any]) -> str:
        name = str(origin.get("meta", ""))
        if "meta_text" in origin:
            texts.setdefault(name, str(origin["meta_text"]))
        return name

    for history in study.candidates:
        name = read(history.record.origin)
        if "model" in history.record.origin and history.number not in study.open:
            ended[name] = ended.get(name, 0) + 1
            kept[name] = kept.get(name, 0) + (history.status == "kept")
    for origin in study.failed_origins:
        name = read(origin)
        ended[name] = ended.get(name, 0) + ("model" in origin)
    found = [
        MetaPrompt(text, kept.get(name, 0), ended.get(name, 0)) for name, text in texts.items()
    ]
    best = sorted(found[1:], key=lambda each: each.mean, reverse=True)[: N_ALIVE - 1]
    return sorted([found[0], *best], key=lambda each: each.mean, reverse=True)


def drawn(prompts: Sequence[MetaPrompt], rng: Random) -> MetaPrompt:
    """One of them, by a draw from each one's posterior share of keeps (Thompson, Biometrika 1933; Beta(1, 1) priors)."""
    return max(prompts, key=lambda each: rng.betavariate(1 + each.kept, 1 + each.ended - each.kept))


def _name(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
