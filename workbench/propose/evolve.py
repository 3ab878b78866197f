"""Evolve: one call of a model per candidate, as AlphaEvolve and FunSearch do it, with one repair of an answer that gives no program.

Source: AlphaEvolve (Novikov et al. 2025, arXiv 2506.13131), FunSearch (Romera-Paredes et al., Nature 2024). Which parent and which
inspirations is the strategy's affair.
"""

from collections.abc import Mapping
from random import Random
from typing import Any

from workbench.errors import UsageError
from workbench.experiment import Experiment
from workbench.ledger.study import Study
from workbench.program import Program
from workbench.propose import blocks, prompt
from workbench.propose.blocks import Answer, AnswerProblem
from workbench.propose.model import ensemble
from workbench.propose.model.call import Reply, Request, text_block
from workbench.propose.model.client import Client
from workbench.propose.proposer import Brief, Proposal, Unusable
from workbench.records import Options

WORDS = ("full", "bandit", "advice")
MAX_ADVICE = 300


class Evolve:
    """A proposer that asks a model, or an ensemble of them, for SEARCH/REPLACE blocks.

    The argument is any of these words, with commas between them:
        full: ask for whole files. An answer may always choose the form.
        bandit: choose among the models by their keeps per token, not by weight.
        advice: let models write a sentence for those after them, and show one, chosen by what became of the candidates it was shown for:
            AlphaEvolve's evolution of meta-prompts in its smallest form.
    """

    name = "evolve"

    def __init__(self, argument: str, experiment: Experiment, options: Options) -> None:
        self._words = words(argument)
        self._models = ensemble.models(options.model)
        self._options = options
        self._system = prompt.system("full" in self._words, "advice" in self._words)
        self._client = Client(options.base_url)

    def propose(self, brief: Brief) -> Proposal:
        """One proposal, of one call or two; see `Proposer`."""
        rng = Random(f"{self._options.seed}/{brief.number}/evolve")
        model = ensemble.by_success(self._models, brief.study, rng) if "bandit" in self._words else ensemble.by_weight(self._models, rng)
        advisor, advice = _advice(brief.study, rng) if "advice" in self._words else (None, "")
        origin: dict[str, Any] = {"model": model, **({} if advisor is None else {"advised_by": advisor})}
        first = {"role": "user", "content": [text_block(prompt.stable(brief.experiment)), text_block(prompt.question(brief, advice))]}
        reply = self._ask(brief, model, [first])
        try:
            return self._proposal(reply, brief, origin)
        except AnswerProblem as problem:
            if brief.is_spent:
                raise _unusable(f"{problem} (not repaired: the budget is used)", origin, brief) from None
            said = {"role": "assistant", "content": [text_block(reply.text.strip() or "(no text)")]}
            told = {"role": "user", "content": [text_block(prompt.repair(str(problem)))]}
            reply = self._ask(brief, model, [first, said, told])
            try:
                return self._proposal(reply, brief, {**origin, "repaired": str(problem)})
            except AnswerProblem as again:
                raise _unusable(f"{again} (after one repair; at first: {problem})", origin, brief) from None

    def _ask(self, brief: Brief, model: str, messages: list[Mapping[str, Any]]) -> Reply:
        seed = f"{self._options.seed}/{brief.number}"
        request = Request(model=model, system=self._system, messages=messages, effort=self._options.effort, seed=seed)
        return self._client.ask(request, brief.receipt, brief.cancelled, brief.say)

    def _proposal(self, reply: Reply, brief: Brief, origin: Mapping[str, Any]) -> Proposal:
        answer = blocks.read(reply.text, brief.experiment.editable)
        program = blocks.made(answer, brief.program, brief.experiment.editable)
        _check_new(program, brief.study)
        return Proposal(program=program, hypothesis=answer.hypothesis, origin={**origin, **_own_advice(answer)})


def words(argument: str) -> frozenset[str]:
    """The words of `evolve:WORD,WORD`.

    Raises:
        UsageError: there is no such word.
    """
    found = frozenset(filter(None, (word.strip() for word in argument.split(","))))
    if strangers := found - set(WORDS):
        raise UsageError(f"evolve does not know {', '.join(sorted(strangers))}; what may follow evolve: is any of {', '.join(WORDS)}")
    return found


def _check_new(program: Program, study: Study) -> None:
    if (twin := study.by_program.get(program.digest)) is not None:
        raise AnswerProblem(f"it gives the same program as candidate {twin}")


def _own_advice(answer: Answer) -> dict[str, str]:
    return {"advice": answer.advice[:MAX_ADVICE]} if answer.advice else {}


def _unusable(reason: str, origin: Mapping[str, Any], brief: Brief) -> Unusable:
    return Unusable(reason, {**origin, "tokens": brief.receipt.tokens, "problem": reason[: prompt.LINE_CHARS]})


def _advice(study: Study, rng: Random) -> tuple[int | None, str]:
    """The candidate whose advice is shown, and the advice: Thompson sampling over how often what it was shown for was kept.

    Source: Thompson, Biometrika 1933; Beta(1, 1) priors. None of all is one of the choices, so that advice has to earn its place.
    """
    offers: dict[int | None, str] = {None: ""}
    kept: dict[int | None, int] = {None: 0}
    ended: dict[int | None, int] = {None: 0}
    for history in study.candidates:
        origin = history.record.origin
        if history.number not in study.open and "model" in origin:
            by = origin.get("advised_by")
            ended[by] = ended.get(by, 0) + 1
            kept[by] = kept.get(by, 0) + (history.status == "kept")
        if origin.get("advice"):
            offers[history.number] = str(origin["advice"])
    drawn = {by: rng.betavariate(1 + kept.get(by, 0), 1 + ended.get(by, 0) - kept.get(by, 0)) for by in offers}
    best = max(drawn, key=lambda by: drawn[by])
    return best, offers[best]
