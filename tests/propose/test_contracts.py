from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import write_new
from workbench.program import Program
from workbench.propose.null import Null
from workbench.propose.patches import Patches
from workbench.propose.replay import Replay
from workbench.propose.tuner import Tuner
from workbench.records import Candidate
from workbench.testing import PROGRAM, ProposerContract, opening


class TestNull(ProposerContract):
    def make(self, experiment, options):
        return Null("", experiment, options)


class TestTuner(ProposerContract):
    def make(self, experiment, options):
        return Tuner("", experiment, options)


class TestPatches(ProposerContract):
    def make(self, experiment, options):
        folder = experiment.folder.parent / "patches"
        for path, text in experiment.program().files.items():
            (folder / "entry" / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / "entry" / path).write_text(text + "# changed\n")
        return Patches(str(folder), experiment, options, clock=lambda: 1e12)


class TestReplay(ProposerContract):
    def make(self, experiment, options):
        changed = Program({"train.py": PROGRAM.files["train.py"].replace("WIDTH = 8", "WIDTH = 9")})
        made = Candidate(
            candidate=1, parent=0, program=changed.digest, author="evolve", hypothesis="wider"
        )
        recorded = experiment.folder / "recorded"
        recorded.mkdir()
        write_new(StudyFolder(recorded), [*opening(experiment), made], [PROGRAM, changed])
        return Replay(str(recorded), experiment, options)
