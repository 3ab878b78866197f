"""Meta-prompts: instructions that a model wrote for itself, and how they did.

Source: AlphaEvolve (Novikov et al. 2025, arXiv 2506.13131, section 2.2). There, the model suggests
meta-prompts in a separate step, and they are evolved in a database apart from that of the programs.
How they are chosen is not said there; here it is Thompson sampling. The database is the journal: a
proposal's `origin` names its meta-prompt, and holds the text of a new one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from random import Random
from typing import Any

from workbench.ledger.study import Study

N_RANKED = 8  # meta-prompts that are drawn from; all others only remain in the journal
N_EXAMPLES = 4  # of the best ones, shown to a model that writes another one
NEW_CHANCE = 0.2  # that a proposal begins with a new meta-prompt
MAX_CHARS = 800  # of a meta-prompt


@dataclass(frozen=True)
class MetaPrompt:
    """A meta-prompt and its record.

    Attributes:
        text: the instruction; empty for the alternative of having none.
        kept: how many proposals under it were kept.
        ended: how many proposals under it were decided, or failed.
        is_new: true if the model has just written it.
    """

    text: str
    kept: int = 0
    ended: int = 0
    is_new: bool = False

    @property
    def mean(self) -> float:
        """Expected share of proposals that are kept, under a Beta(1, 1) prior."""
        return (1 + self.kept) / (2 + self.ended)

    @property
    def origin(self) -> dict[str, str]:
        """What a proposal under it records in its own origin."""
        if not self.text:
            return {}
        origin = {"meta": _make_name(self.text)}
        if self.is_new:
            origin["meta_text"] = self.text
        return origin


def read_meta_prompt(reply: str) -> MetaPrompt:
    """The meta-prompt that a model answered with, as one line of bounded length."""
    return MetaPrompt(" ".join(reply.split())[:MAX_CHARS], is_new=True)


def rank_meta_prompts(study: Study) -> list[MetaPrompt]:
    """The meta-prompts that are drawn from, the best first.

    Having none is always among them, so that each meta-prompt has to be better than nothing.
    """
    tally = _Tally()
    for history in study.candidates:
        # A candidate of a person has no model; one that is open has no result yet.
        counts = "model" in history.record.origin and history.number not in study.open
        tally.add(history.record.origin, counts, is_kept=history.status == "kept")
    for origin in study.proposals.failed_origins:
        tally.add(origin, "model" in origin, is_kept=False)
    without, *others = tally.list_meta_prompts()
    best = sorted(others, key=lambda each: each.mean, reverse=True)[: N_RANKED - 1]
    return sorted([without, *best], key=lambda each: each.mean, reverse=True)


class _Tally:
    """Counts of proposals by the name of their meta-prompt; the name of none is empty."""

    def __init__(self) -> None:
        self._texts = {"": ""}
        self._kept: dict[str, int] = {}
        self._ended: dict[str, int] = {}

    def add(self, origin: Mapping[str, Any], counts: bool, is_kept: bool) -> None:
        """Reads a proposal's origin. If it `counts`, it has ended, and was kept or not."""
        name = str(origin.get("meta", ""))
        if "meta_text" in origin:
            self._texts.setdefault(name, str(origin["meta_text"]))
        if counts:
            self._ended[name] = self._ended.get(name, 0) + 1
            self._kept[name] = self._kept.get(name, 0) + is_kept

    def list_meta_prompts(self) -> list[MetaPrompt]:
        """All in the order in which they were written; the first has no text."""
        return [
            MetaPrompt(text, self._kept.get(name, 0), self._ended.get(name, 0))
            for name, text in self._texts.items()
        ]


def draw_meta_prompt(prompts: Sequence[MetaPrompt], rng: Random) -> MetaPrompt:
    """One meta-prompt, by a draw from the posterior share of keeps of each.

    Source: Thompson, Biometrika 1933; with Beta(1, 1) priors.
    """
    return max(prompts, key=lambda each: rng.betavariate(1 + each.kept, 1 + each.ended - each.kept))


def _make_name(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
