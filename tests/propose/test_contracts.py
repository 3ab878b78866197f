"""The proposers that need no model, against the contract of their role."""

from pathlib import Path

from workbench.experiment import Experiment
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import create_journal
from workbench.program import Program
from workbench.propose.null import Null
from workbench.propose.patches import Patches
from workbench.propose.replay import Replay
from workbench.propose.tuner import Tuner
from workbench.records import Candidate, Options
from workbench.testing import LARGER_PROGRAM, ProposerContract, opening


class TestNull(ProposerContract):
    def make(self, experiment: Experiment, options: Options) -> Null:
        return Null("", experiment, options)


class TestTuner(ProposerContract):
    def make(self, experiment: Experiment, options: Options) -> Tuner:
        return Tuner("", experiment, options)


class TestPatches(ProposerContract):
    def make(self, experiment: Experiment, options: Options) -> Patches:
        folder = experiment.folder.parent / "patches"
        for path, text in LARGER_PROGRAM.files.items():
            file = folder / "entry" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text + "# changed\n")
        return Patches(str(folder), experiment, options, clock=lambda: 1e12)


class TestReplay(ProposerContract):
    def make(self, experiment: Experiment, options: Options) -> Replay:
        folder = experiment.folder / "recorded"
        if not folder.exists():
            self.record_a_study(folder, experiment)
        return Replay(str(folder), experiment, options)

    def record_a_study(self, folder: Path, experiment: Experiment) -> None:
        train = LARGER_PROGRAM.files["train.py"].replace("WIDTH = 8", "WIDTH = 9")
        wider = Program({**LARGER_PROGRAM.files, "train.py": train})
        candidate = Candidate(
            candidate=1, parent=0, program=wider.digest, author="evolve", hypothesis="wider"
        )
        folder.mkdir()
        records = [*opening(experiment, program=LARGER_PROGRAM), candidate]
        create_journal(StudyFolder(folder), records, [LARGER_PROGRAM, wider])
