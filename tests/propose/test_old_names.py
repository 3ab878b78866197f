"""Names that experiments of older versions import: a study holds a copy of its experiment."""

from importlib import import_module

import pytest


@pytest.mark.parametrize(
    "place",
    [
        "workbench.propose.agent.agent:level",
        "workbench.propose.evolve:words",
        "workbench.propose.model.failures:Unanswered",
        "workbench.propose.model.plain:plain",
        "workbench.propose.proposer:Brief",
        "workbench.propose.proposer:Exhausted",
        "workbench.propose.proposer:Proposal",
        "workbench.propose.proposer:Proposer",
        "workbench.propose.proposer:Receipt",
        "workbench.propose.proposer:Unusable",
        "workbench.propose.settings:made",
        "workbench.propose.tuner:Tuner",
        "workbench.propose.wording:WORDINGS",
        "workbench.propose.workspace:Bare",
    ],
)
def test_a_name_that_older_studies_import_still_exists(place: str) -> None:
    module, _, name = place.partition(":")
    assert hasattr(import_module(module), name)
