"""What the loop lets a proposer see of the trials: those of the search, and nothing of an audit."""

from dataclasses import replace

from tests.loop.toy import Toy
from workbench import experiment_file
from workbench.ledger.journal import Journal
from workbench.ledger.study import Study
from workbench.loop.workspace import StudyWorkspace
from workbench.program import Program


def test_logs_and_curves_of_the_search_are_there_and_those_of_an_audit_are_not(toy: Toy) -> None:
    toy.create(candidates=1)
    toy.run()
    with Journal(toy.folder) as journal:
        study = Study().fold(journal.read_entries())
        workspace = StudyWorkspace(experiment_file.read(toy.folder.experiment), journal, study)
        for trial in (0, 7):
            file = toy.folder.trial(1, trial) / "log.txt"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"printed by trial {trial}")
        assert workspace.log(1, 0) == "printed by trial 0"
        study.candidates[1].audits.append(
            replace(study.candidates[1].trials[0], trial=7, purpose="audit")
        )
        assert (workspace.log(1, 7), workspace.curves(1, 7)) == ("", {})


def test_a_program_that_was_tried_is_known_by_what_it_does(toy: Toy) -> None:
    toy.create(candidates=1)
    toy.run()
    with Journal(toy.folder) as journal:
        study = Study().fold(journal.read_entries())
        program = journal.read_program(study.candidates[1].record.program)
        (path,) = program.files
        workspace = StudyWorkspace(experiment_file.read(toy.folder.experiment), journal, study)
        assert (
            workspace.repeats(Program({path: program.files[path] + "# a comment\n"}))
            == "it is candidate 1 but for comments or formatting"
        )
        assert workspace.repeats(Program({path: program.files[path] + "NEW = 1\n"})) == ""
