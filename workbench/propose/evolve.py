"""Evolve: one call of a model per candidate, as AlphaEvolve and FunSearch do it.

An answer that gives no program is repaired once. The strategy chooses parent and inspirations.

Source: AlphaEvolve (Novikov et al. 2025, arXiv 2506.13131), FunSearch (Romera-Paredes et al.,
Nature 2024).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from workbench.errors import UsageError
from workbench.experiment import Experiment
from workbench.ledger.study import Study
from workbench.program import Program
from workbench.propose import blocks, meta_prompts, prompt, smoke_check
from workbench.propose.blocks import AnswerProblem
from workbench.propose.meta_prompts import MetaPrompt
from workbench.propose.model import ensemble, prices
from workbench.propose.model.call import ModelRequest, Reply, text_block
from workbench.propose.model.client import Client
from workbench.propose.model.preflight import check_model_options
from workbench.propose.proposer import Brief, Glimpse, Proposal, Unusable
from workbench.propose.wording import EvolveWording, alias_from_prompt
from workbench.records import Options

VARIANTS = ("full", "bandit", "meta", "no-context", "no-history")


class Evolve:
    """Asks a model, or an ensemble of models, for SEARCH/REPLACE blocks.

    `Options.prompt` says what the models are told. The argument is any of these variants, with
    commas between them:

    - full: ask for whole files. An answer may always choose the form.
    - bandit: choose among the models by their keeps per token, not by weight.
    - meta: evolve instructions for the model as well, see `meta_prompts`. One proposal in five
      takes one call more.
    - no-context: leave out `program.md` (or the description); state only the objective and the
      editable files.
    - no-history: show only the parent with its result. What people said is still shown.

    The last two, and leaving out `meta`, are arms of AlphaEvolve's ablation (arXiv 2506.13131,
    figure 8). Its arm without evolution is `no-history` with the strategy `best-of-n`, which starts
    from the baseline every time.
    """

    name = "evolve"
    ahead = 2

    def __init__(self, argument: str, experiment: Experiment, options: Options) -> None:
        self._variants = parse_variants(argument)
        self._models = ensemble.parse_models(options.model)
        self._options = options
        self._wording = EvolveWording.read_option(options.prompt)
        if "no-history" in self._variants:
            self._wording = replace(self._wording, attempts=0, inspirations=0, failures=0, logs=0)
        self._system = prompt.write_system(self._wording, "full" in self._variants)
        self._client = Client(options.base_url)

    @classmethod
    def check(cls, argument: str, options: Options, root: Path) -> str:
        """Returns the variants unchanged, once everything that a model needs is there."""
        parse_variants(argument)
        EvolveWording.read_option(options.prompt)
        check_model_options(options)
        return argument

    @classmethod
    def estimate(cls, experiment: Experiment, program: Program, options: Options) -> str:
        """About what the calls of all candidates cost: a guess from the length of one prompt."""
        wording = EvolveWording.read_option(options.prompt)
        size = prompt.estimate_size(experiment, program, wording)
        return prices.estimate_cost(ensemble.parse_models(options.model), size, options.candidates)

    @classmethod
    def alias_from_program(cls, argument: str, files: Mapping[str, str]) -> str | None:
        """This proposer with the prompt in `evolve.toml`; None without that file."""
        return alias_from_prompt(cls.name, argument, files)

    def propose(self, brief: Brief) -> Proposal:
        """One proposal of one call; see `Proposer`.

        A repair takes a second call, and writing a meta-prompt takes one more.
        """
        rng = Random(f"{self._options.seed}/{brief.number}/evolve")
        model = self._choose_model(brief.study, rng)
        advice = MetaPrompt("")
        if "meta" in self._variants:
            advice = self._choose_meta_prompt(brief, model, rng)
        origin: dict[str, Any] = {"model": model, **advice.origin}
        if advice.is_new and brief.is_budget_used:
            reason = "the budget was used before a program was asked for"
            raise _make_unusable(reason, origin, brief)
        focus = prompt.choose_focus(rng) if self._wording.focus else ""
        question = prompt.write_question(brief, self._wording, advice.text, focus)
        first_turn = self._make_turn(brief, question)
        reply = self._ask(brief, model, self._system, [first_turn])
        try:
            return self._make_proposal(reply, brief, origin)
        except AnswerProblem as problem:
            if brief.is_budget_used:
                reason = f"{problem} (not repaired: the budget is used)"
                raise _make_unusable(reason, origin, brief) from None
            turns = [first_turn, *_make_repair_turns(reply, problem)]
            second_reply = self._ask(brief, model, self._system, turns)
            try:
                repaired = {**origin, "repaired": str(problem)}
                return self._make_proposal(second_reply, brief, repaired)
            except AnswerProblem as second_problem:
                reason = f"{second_problem} (after one repair; at first: {problem})"
                raise _make_unusable(reason, origin, brief) from None

    def _choose_model(self, study: Study, rng: Random) -> str:
        if "bandit" in self._variants:
            return ensemble.choose_by_success(self._models, study, rng)
        return ensemble.choose_by_weight(self._models, rng)

    def _choose_meta_prompt(self, brief: Brief, model: str, rng: Random) -> MetaPrompt:
        """One of the study's meta-prompts, or, at times, a new one that the model writes now."""
        ranked = meta_prompts.rank_meta_prompts(brief.study)
        if rng.random() >= meta_prompts.NEW_CHANCE:
            return meta_prompts.draw_meta_prompt(ranked, rng)
        examples = [(each.text, each.kept, each.ended) for each in ranked if each.text]
        question = prompt.write_meta_question(
            brief, self._wording, examples[: meta_prompts.N_EXAMPLES]
        )
        system = prompt.write_meta_system(self._wording)
        reply = self._ask(brief, model, system, [self._make_turn(brief, question)])
        return meta_prompts.read_meta_prompt(reply.text)

    def _make_turn(self, brief: Brief, question: str) -> dict[str, Any]:
        """The first turn of a call: the problem, the same in every call, and the question."""
        with_context = "no-context" not in self._variants
        problem = prompt.write_problem(brief.experiment, with_context=with_context)
        return {"role": "user", "content": [text_block(problem), text_block(question)]}

    def _ask(
        self, brief: Brief, model: str, system: str, messages: Sequence[Mapping[str, Any]]
    ) -> Reply:
        request = ModelRequest(
            model=model,
            system=system,
            messages=messages,
            effort=self._options.effort,
            seed=f"{self._options.seed}/{brief.number}",
        )
        n_calls = len(brief.receipt.calls)
        brief.show(Glimpse("model", model, turn=n_calls + 1, tokens=brief.receipt.tokens))
        return self._client.ask(request, brief.receipt, brief.cancelled, brief.say, brief.show)

    def _make_proposal(self, reply: Reply, brief: Brief, origin: Mapping[str, Any]) -> Proposal:
        """The proposal that an answer makes; raises AnswerProblem if it makes none."""
        answer = blocks.read_answer(reply.text, brief.experiment.editable)
        program = blocks.apply_answer(answer, brief.program, brief.experiment.editable)
        _check_new(program, brief.study)
        smoke = smoke_check.check_program(brief, program, imports=False)
        return Proposal(program=program, hypothesis=answer.hypothesis, origin={**origin, **smoke})


def parse_variants(argument: str) -> frozenset[str]:
    """The variants of `evolve:VARIANT,VARIANT`.

    Raises:
        UsageError: an unknown variant.
    """
    words = [word.strip() for word in argument.split(",")]
    variants = frozenset(word for word in words if word)
    if unknown := variants - set(VARIANTS):
        raise UsageError(
            f"evolve does not know {', '.join(sorted(unknown))}; "
            f"what may follow evolve: is any of {', '.join(VARIANTS)}"
        )
    return variants


def _make_repair_turns(reply: Reply, problem: AnswerProblem) -> list[dict[str, Any]]:
    """The model's answer, and the request to repair it."""
    answer = reply.text.strip() or "(no text)"
    request = prompt.write_repair(problem.text_for_model)
    return [
        {"role": "assistant", "content": [text_block(answer)]},
        {"role": "user", "content": [text_block(request)]},
    ]


def _check_new(program: Program, study: Study) -> None:
    twin = study.by_program.get(program.digest)
    if twin is not None:
        raise AnswerProblem(f"it gives the same program as candidate {twin}")


def _make_unusable(reason: str, origin: Mapping[str, Any], brief: Brief) -> Unusable:
    """The error for an answer that gave no program, with what later calls are told about it."""
    problem = reason[: prompt.LINE_CHARS]
    return Unusable(reason, {**origin, "tokens": brief.receipt.tokens, "problem": problem})


# Studies of older versions contain experiments that import it by this name.
words = parse_variants
