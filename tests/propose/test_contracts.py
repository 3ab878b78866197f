from workbench.propose.null import Null
from workbench.propose.patches import Patches
from workbench.propose.tuner import Tuner
from workbench.testing import ProposerContract


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
