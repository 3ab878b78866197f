"""The options of a new study: checked before it exists, and what they are about to cost.

Values are checked here once for all. What a proposer, strategy, policy or executor can be given,
and what it costs, each of them answers for itself; this module knows none of them by name.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from workbench import experiment_file, registry
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Journal
from workbench.ledger.study import Study
from workbench.options import check_values
from workbench.records import Options


def check_options(options: Options, root: Path) -> Options:
    """The options as the study records them: aliases resolved, and paths in arguments absolute.

    Args:
        root: the folder that paths are relative to.

    Raises:
        UsageError: an option cannot have its value; the message says what was given and what is
            possible.
    """
    proposer, prompt = registry.resolve_alias(options.proposer)
    # Roles see the prompt and the checked values in these options, so their turn is last.
    options = replace(options, proposer=proposer, prompt=prompt or options.prompt)
    check_values(options)
    names: dict[str, Any] = {
        option: registry.check_argument(role, getattr(options, option), options, root)
        for role, option in registry.ROLES.items()
    }
    return replace(options, **names)


def estimate_cost(folder: StudyFolder) -> str:
    """About what the proposals of a new study will cost, in one line; empty for nothing."""
    with Journal(folder) as journal:
        study = Study().fold(journal.read_entries())
        program = journal.read_program(study.candidates[0].record.program)
    proposer = registry.find("proposers", study.options.proposer)
    estimate = getattr(proposer, "estimate", None)
    if estimate is None:
        return ""
    experiment = experiment_file.read(folder.experiment)
    return str(estimate(experiment, program, study.options))
