"""Evolve: one call of a model per candidate, as AlphaEvolve and FunSearch do it, with one repair of an answer that gives no program.

Source: AlphaEvolve (Novikov et al. 2025, arXiv 2506.13131), FunSearch (Romera-Paredes et al., Nature 2024). Which parent and which
inspirations is the strategy's affair.
"""

from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any

from workbench.errors import UsageError
from workbench.experiment import Experiment
from workbench.ledger.study import Study
from workbench.program import Program
from workbench.propose import blocks, meta, prompt, smoke
from workbench.propose.blocks import AnswerProblem
from workbench.propose.meta import MetaPrompt
from workbench.propose.model import ensemble
from workbench.propose.model.call import Reply, Request, text_block
from workbench.propose.model.client import Client
from workbench.propose.proposer import Brief, Proposal, Shown, Unusable
from workbench.propose.wording import EvolveWording
from workbench.records import Options

WORDS = ("full", "bandit", "meta", "no-context", "no-history")


class Evolve:
    """A proposer that asks a model, or an ensemble of them, for SEARCH/REPLACE blocks; `Options.prompt` is what it tells them.

    The argument is any of these words, with commas between them:
        full: ask for whole files. An answer may always choose the form.
        bandit: choose among the models by their keeps per token, not by weight.
        meta: evolve what the model is told, too: see `meta`. One proposal in five takes a call more.
        no-context: leave out `program.md` (or the description), and say the objective and the editable files alone.
        no-history: show the parent with its result, and nothing else of what was tried. What people said stays.

    The last two, and being without `meta`, are arms of AlphaEvolve's ablation (arXiv 2506.13131, figure 8); its arm without
    evolution is `no-history` with the strategy `best-of-n`, which starts from the baseline every time.
    """

    name = "evolve"
    ahead = 2

    def __init__(self, argument: str, experiment: Experiment, options: Options) -> None:
        self._words = words(argument)
        self._models = ensemble.models(options.model)
        self._options = options
        told = EvolveWording.of(options.prompt)
        self._wording = (
            replace(told, attempts=0, inspirations=0, failures=0, logs=0)
            if "no-history" in self._words
            else told
        )
        self._system = prompt.system(self._wording, "full" in self._words)
        self._client = Client(options.base_url)

    def propose(self, brief: Brief) -> Proposal:
        """One proposal, of one call, two where the answer is repaired, and one more where a meta-prompt is written; see `Proposer`."""
        rng = Random(f"{self._options.seed}/{brief.number}/evolve")
        model = (
            ensemble.by_success(self._models, brief.study, rng)
            if "bandit" in self._words
            else ensemble.by_weight(self._models, rng)
        )
        told = self._meta_prompt(brief, model, rng) if "meta" in self._words else MetaPrompt("")
        origin: dict[str, Any] = {"model": model, **told.origin}
        if told.is_new and brief.is_spent:
            raise _unusable("the budget was used before a program was asked for", origin, brief)
        focus = prompt.focus(rng) if self._wording.focus else ""
        first = self._turn(brief, prompt.question(brief, self._wording, told.text, focus))
        reply = self._ask(brief, model, self._system, [first])
        try:
            return self._proposal(reply, brief, origin)
        except AnswerProblem as problem:
            if brief.is_spent:
                raise _unusable(
                    f"{problem} (not repaired: the budget is used)", origin, brief
                ) from None
            said = {"role": "assistant", "content": [text_block(reply.text.strip() or "(no text)")]}
            back = {"role": "user", "content": [text_block(prompt.repair(problem.told))]}
            reply = self._ask(brief, model, self._system, [first, said, back])
            try:
                return self._proposal(reply, brief, {**origin, "repaired": str(problem)})
            except AnswerProblem as again:
                raise _unusable(
                    f"{again} (after one repair; at first: {problem})", origin, brief
                ) from None

    def _meta_prompt(self, brief: Brief, model: str, rng: Random) -> MetaPrompt:
        """One of the study's, or, at times, a new one of the model's, which is tried at once."""
        known = meta.alive(brief.study)
        if rng.random() >= meta.NEW_CHANCE:
            return meta.drawn(known, rng)
        examples = [(each.text, each.kept, each.ended) for each in known if each.text]
        question = prompt.meta_question(brief, self._wording, examples[: meta.N_EXAMPLES])
        return meta.written(
            self._ask(
                brief, model, prompt.meta_system(self._wording), [self._turn(brief, question)]
            ).text
        )

    def _turn(self, brief: Brief, question: str) -> dict[str, Any]:
        """The first turn of a call: what stays the same from call to call, and the question."""
        stable = prompt.stable(brief.experiment, with_context="no-context" not in self._words)
        return {"role": "user", "content": [text_block(stable), text_block(question)]}

    def _ask(
        self, brief: Brief, model: str, system: str, messages: list[Mapping[str, Any]]
    ) -> Reply:
        seed = f"{self._options.seed}/{brief.number}"
        request = Request(
            model=model, system=system, messages=messages, effort=self._options.effort, seed=seed
        )
        brief.show(
            Shown("model", model, turn=len(brief.receipt.calls) + 1, tokens=brief.receipt.tokens)
        )
        return self._client.ask(request, brief.receipt, brief.cancelled, brief.say, brief.show)

    def _proposal(self, reply: Reply, brief: Brief, origin: Mapping[str, Any]) -> Proposal:
        answer = blocks.read(reply.text, brief.experiment.editable)
        program = blocks.made(answer, brief.program, brief.experiment.editable)
        _check_new(program, brief.study)
        checked = smoke.check(brief, program, imports=False)
        return Proposal(program=program, hypothesis=answer.hypothesis, origin={**origin, **checked})


def words(argument: str) -> frozenset[str]:
    """The words of `evolve:WORD,WORD`.

    Raises:
        UsageError: there is no such word.
    """
    found = frozenset(filter(None, (word.strip() for word in argument.split(","))))
    if strangers := found - set(WORDS):
        raise UsageError(
            f"evolve does not know {', '.join(sorted(strangers))}; what may follow evolve: is any of {', '.join(WORDS)}"
        )
    return found


def _check_new(program: Program, study: Study) -> None:
    if (twin := study.by_program.get(program.digest)) is not None:
        raise AnswerProblem(f"it gives the same program as candidate {twin}")


def _unusable(reason: str, origin: Mapping[str, Any], brief: Brief) -> Unusable:
    return Unusable(
        reason, {**origin, "tokens": brief.receipt.tokens, "problem": reason[: prompt.LINE_CHARS]}
    )
