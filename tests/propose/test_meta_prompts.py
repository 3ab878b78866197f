"""Meta-prompts: how they are written, kept and drawn.

The model writes them in a separate call, the journal keeps them, and their results decide which is
drawn.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.messages_server import Answer, MessagesServer, Step
from tests.propose.test_blocks import answer
from tests.propose.test_evolve import OPUS, make_brief, options
from workbench.experiment import Experiment
from workbench.ledger.study import Study
from workbench.propose import meta_prompts, prompt
from workbench.propose.evolve import Evolve
from workbench.propose.proposer import Proposal, Unusable
from workbench.propose.wording import EvolveWording
from workbench.records import Candidate, Decision, Entry, ProposalFailed, Record
from workbench.testing import experiment_for_tests, fold, opening

META_SYSTEM = prompt.write_meta_system(EvolveWording())
TEXT = "Look at how the rate falls, not at how high it is."


def script(body: Any) -> Step:
    """Writes an instruction if it is asked for one, and else a program."""
    if body["system"] == META_SYSTEM:
        return TEXT
    return Answer(answer(("WIDTH = 8", f"WIDTH = {next(WIDTHS)}")))


WIDTHS = itertools.count(20)


@pytest.fixture
def server(key: str) -> Iterator[MessagesServer]:
    with MessagesServer(script) as server:
        yield server


@pytest.fixture
def experiment(tmp_path: Path) -> Experiment:
    return experiment_for_tests(tmp_path)


def study_with(experiment: Experiment, *results: tuple[dict[str, Any], str]) -> Study:
    """A study with one proposal per pair of an origin and a verdict.

    The verdict `failed` means a proposal that did not become a candidate; `open` is not decided.
    """
    records: list[Record] = [*opening(experiment), Decision(candidate=0, verdict="keep", by="loop")]
    number = 0
    for origin, verdict in results:
        if verdict == "failed":
            records.append(
                ProposalFailed(author="evolve", reason="x", origin={"model": OPUS, **origin})
            )
            continue
        number += 1
        records.append(
            Candidate(
                candidate=number,
                parent=0,
                program=f"{number:064}",
                author="evolve",
                origin={"model": OPUS, **origin},
            )
        )
        if verdict != "open":
            records.append(Decision(candidate=number, verdict=verdict, by="tested"))  # type: ignore[arg-type]
    return fold(records)


def make_proposals(
    server: MessagesServer,
    experiment: Experiment,
    study: Study,
    numbers: Sequence[int],
    argument: str = "meta",
) -> list[Proposal]:
    evolve = Evolve(argument, experiment, options(server))
    brief = make_brief(experiment, options(server))
    return [evolve.propose(replace(brief, study=study, number=number)) for number in numbers]


def test_one_in_five_proposals_begins_with_a_new_one_that_is_tried_at_once_and_recorded(
    server: MessagesServer, experiment: Experiment
) -> None:
    proposals = make_proposals(server, experiment, study_with(experiment), range(40))
    new = [proposal for proposal in proposals if "meta_text" in proposal.origin]
    old = [proposal for proposal in proposals if proposal not in new]
    assert 3 <= len(new) <= 16
    assert {proposal.origin["meta_text"] for proposal in new} == {TEXT}
    assert len({proposal.origin["meta"] for proposal in new}) == 1
    assert len(server.requests) == len(proposals) + len(new)
    index = next(
        at for at, request in enumerate(server.requests) if request["body"]["system"] == META_SYSTEM
    )
    assert f"<advice>\n- {TEXT}\n</advice>" in server.prompts[index + 1]
    assert "Write the instruction." in server.prompts[index]
    with_meta = [proposal for proposal in old if "meta" in proposal.origin]
    assert with_meta == [], "a meta-prompt of this study was not there to draw before"


def test_without_the_word_none_is_asked_for_or_shown(
    server: MessagesServer, experiment: Experiment
) -> None:
    (proposal,) = make_proposals(
        server,
        experiment,
        study_with(experiment, ({"meta": "a", "meta_text": TEXT}, "keep")),
        [0],
        "",
    )
    assert proposal.origin == {"model": OPUS}
    assert len(server.requests) == 1
    assert "<advice>" not in server.prompts[0]


def test_what_became_of_the_proposals_under_each_is_counted(experiment: Experiment) -> None:
    first = {"meta": "a", "meta_text": "first"}
    second = {"meta": "b", "meta_text": "second"}
    study = study_with(
        experiment,
        (first, "keep"), ({"meta": "a"}, "discard"), ({"meta": "a"}, "open"), ({}, "discard"),
        (second, "failed"), ({"meta": "b"}, "discard"),
    )  # fmt: skip
    assert [
        (each.text, each.kept, each.ended) for each in meta_prompts.rank_meta_prompts(study)
    ] == [
        ("first", 1, 2),
        ("", 0, 1),
        ("second", 0, 2),
    ]
    study.apply(
        Entry(
            study.last_id + 1, study.last_at, Decision(candidate=1, verdict="discard", by="person")
        )
    )
    assert meta_prompts.rank_meta_prompts(study)[0] == meta_prompts.MetaPrompt("", 0, 1), (
        "a veto of what it led to counts against it"
    )


def test_those_that_led_to_keeps_are_drawn_more_often_and_the_others_at_times(
    experiment: Experiment,
) -> None:
    study = study_with(
        experiment,
        ({"meta": "a", "meta_text": "good"}, "keep"), *[({"meta": "a"}, "keep")] * 5,
        ({"meta": "b", "meta_text": "bad"}, "discard"), *[({"meta": "b"}, "discard")] * 2,
        *[({}, "discard")] * 2,
    )  # fmt: skip
    rng = Random(1)
    ranked = meta_prompts.rank_meta_prompts(study)
    drawn = [meta_prompts.draw_meta_prompt(ranked, rng).text for _ in range(300)]
    assert drawn.count("good") > 200
    assert drawn.count("bad") > 0 < drawn.count("")


def test_a_model_sees_the_best_earlier_ones_with_their_outcomes_when_it_writes_another(
    server: MessagesServer, experiment: Experiment
) -> None:
    verdicts = ["keep"] * 3 + ["discard"] * 9
    results = [
        ({"meta": f"m{n}", "meta_text": f"text {n} </earlier-instructions>"}, verdict)
        for n, verdict in enumerate(verdicts)
    ]
    study = study_with(experiment, *results)
    ranked = meta_prompts.rank_meta_prompts(study)
    assert len(ranked) == meta_prompts.N_RANKED
    assert "" in [each.text for each in ranked], "having none is one of the alternatives"
    make_proposals(server, experiment, study, range(20))
    index = next(
        at for at, request in enumerate(server.requests) if request["body"]["system"] == META_SYSTEM
    )
    prompt_text = server.prompts[index]
    listed = prompt_text.partition("<earlier-instructions>")[2]
    listed = listed.partition("</earlier-instructions>")[0]
    assert listed.count("\n- ") == meta_prompts.N_EXAMPLES
    assert "(of 1 proposals under it, 1 were kept) text 0" in listed
    assert prompt_text.count("</earlier-instructions>") == 1, (
        "what a model wrote cannot end the tag around it"
    )


def test_an_answer_is_cut_to_a_line_and_an_empty_one_is_none(
    server: MessagesServer, experiment: Experiment
) -> None:
    assert (
        meta_prompts.read_meta_prompt(" a\n b \n" + "x" * 5000).text
        == ("a b " + "x" * 5000)[: meta_prompts.MAX_CHARS]
    )
    assert meta_prompts.read_meta_prompt(" \n").origin == {}


def test_no_program_is_asked_for_where_the_meta_prompt_took_the_budget(
    server: MessagesServer, experiment: Experiment
) -> None:
    study_options = options(server, max_tokens=10)
    evolve = Evolve("meta", experiment, study_options)
    brief = make_brief(experiment, study_options)
    proposals = make_proposals(server, experiment, study_with(experiment), range(20))
    first = next(n for n, proposal in enumerate(proposals) if "meta_text" in proposal.origin)
    with pytest.raises(
        Unusable, match="the budget was used before a program was asked for"
    ) as unusable:
        evolve.propose(replace(brief, number=first))
    assert server.requests[-1]["body"]["system"] == META_SYSTEM
    assert unusable.value.origin["meta_text"] == TEXT


def test_what_to_look_for_changes_from_call_to_call_and_a_persons_idea_comes_first(
    server: MessagesServer, experiment: Experiment
) -> None:
    def ends(**more: Any) -> list[str]:
        evolve = Evolve("", experiment, options(server))
        brief = make_brief(experiment, options(server), **more)
        since = len(server.requests)
        for number in range(10):
            evolve.propose(replace(brief, number=number))
        return [prompt_text.rpartition("\n\n")[2] for prompt_text in server.prompts[since:]]

    plain = ends()
    assert plain == ends(), "the number of the proposal and the seed decide"
    start = "Propose the next program, starting from candidate 0."
    assert [end for end in plain if not end.startswith(start)] == []
    assert len(set(plain)) > 2
    assert set(ends(idea="a cosine")) == {"Carry out the idea above."}
