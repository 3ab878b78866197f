import os

import pytest

from tests.propose.simulated import Simulation, experiment_in
from workbench.errors import UsageError
from workbench.propose.null import Null
from workbench.propose.patches import Patches
from workbench.propose.proposer import Unusable

TEXT = "LR = 1\nother = 2\nmore = 3\n"


def diff(old, new, path="train.py"):
    return f"--- a/{path}\n+++ b/{path}\n@@ -1 +1 @@\n-LR = {old}\n+LR = {new}\n"


class World:
    """A study, a folder of patches, and a clock that stands still."""

    def __init__(self, tmp_path, **files):
        self.experiment = experiment_in(
            tmp_path / "toy", files or {"train.py": TEXT, "notes.txt": "hello\n"}
        )
        self.simulation = Simulation(
            self.experiment, lambda program, trial: -float(len(program.files["train.py"]))
        )
        self.folder = tmp_path / "patches"
        self.folder.mkdir()
        self.now = 1000.0
        self.proposer = self.fresh()

    def fresh(self):
        return Patches(
            str(self.folder), self.experiment, self.simulation.options, clock=lambda: self.now
        )

    def put(self, name, text, age=10.0):
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        for path in (file, *file.parents):
            if path == self.folder.parent:
                break
            os.utime(path, (self.now - age,) * 2)

    def ask(self):
        proposal = self.proposer.propose(self.simulation.brief())
        if proposal is not None:
            self.simulation.add(proposal, "patches")
        return proposal


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def test_entries_are_proposed_once_in_the_order_of_their_names(world):
    world.put("b.diff", diff(1, 20))
    world.put("a.patch", diff(1, 10))
    world.put("readme.md", "no candidate")
    assert [world.ask().origin["entry"] for _ in range(2)] == ["a.patch", "b.diff"]
    assert world.ask() is None
    world.put("c.diff", diff(1, 30))
    assert world.ask().program.files["train.py"].startswith("LR = 30\n")


def test_a_new_instance_goes_on_where_the_old_one_stopped(world):
    world.put("a.diff", diff(1, 10))
    world.put("b.diff", diff(1, 20))
    world.ask()
    world.proposer = world.fresh()
    assert world.ask().origin["entry"] == "b.diff"


def test_the_hypothesis_stands_beside_the_diff_or_before_it_or_in_the_folder(world):
    world.put("a.diff", diff(1, 10))
    world.put("a.hypothesis.txt", "Beside it.\n")
    world.put("b.diff", "Before it.\n\n" + diff(1, 20))
    mailed = (
        "From 123 Mon\nFrom: A <a@b>\nSubject: [PATCH] Mailed\n\nBody.\n---\n train.py | 2 +-\n\n"
    )
    world.put("c.patch", mailed + diff(1, 30) + "-- \n2.39\n")
    world.put("d/train.py", TEXT.replace("1", "4"))
    world.put("d/hypothesis.txt", "Inside it.")
    world.put("e-higher_rate.diff", diff(1, 50))
    hypotheses = [world.ask().hypothesis for _ in range(5)]
    assert hypotheses == [
        "Beside it.",
        "Before it.",
        "Mailed\n\nBody.",
        "Inside it.",
        "e higher rate (from e-higher_rate.diff)",
    ]


def test_a_folder_replaces_whole_files_and_leaves_the_others(world):
    world.put("x/notes.txt", "changed\n")
    program = world.ask().program
    assert dict(program.files) == {"train.py": TEXT, "notes.txt": "changed\n"}


def test_a_diff_that_fits_only_the_baseline_has_it_as_its_parent(world):
    world.put("a.diff", diff(1, 10))
    world.simulation.decide(world.simulation.add(world.proposer.propose(world.simulation.brief())))
    assert world.simulation.study.incumbent == 1
    world.put("b.diff", diff(1, 20))
    world.put("c.diff", diff(10, 30))
    assert world.ask().parent == 0
    assert world.ask().parent is None
    world.put("d.diff", diff(7, 30))
    with pytest.raises(
        Unusable,
        match=r"^d.diff: hunk 1 does not fit train.py "
        r"\(line 1 reads 'LR = 10', the diff expects 'LR = 7'\)$",
    ):
        world.ask()
    assert world.ask() is None


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        (
            "x.diff",
            diff(1, 2, "evaluate.py"),
            r"x.diff: evaluate.py may not be changed; editable: train.py, notes.txt",
        ),
        ("x.diff", "--- /dev/null\n+++ b/new.py\n@@ -0,0 +1 @@\n+x\n", "new.py may not be changed"),
        ("x.diff", diff(1, 2, "../train.py"), "may not be changed"),
        ("x/evil.py", "x = 1\n", "evil.py may not be changed"),
        ("x.diff", b"\xff\xfe", "not UTF-8"),
        ("x/train.py", b"\xff\xfe", "train.py is not UTF-8"),
        ("x.diff", b"a" * 1_100_000, "larger than 1 MB"),
        ("x.diff", diff(1, "= ="), "train.py does not parse: line 1"),
        ("x.diff", "what?", "no change found"),
        ("x/train.py", TEXT, "changes nothing"),
        ("x/hypothesis.txt", "only words", "the folder is empty"),
    ],
)
def test_what_cannot_be_a_candidate_says_why_in_one_line(world, name, text, problem):
    world.put(name, text)
    with pytest.raises(Unusable, match=problem) as caught:
        world.ask()
    assert caught.value.origin["entry"] == name.split("/")[0]
    assert "\n" not in str(caught.value)
    assert world.ask() is None


def test_a_corrected_entry_is_tried_again(world):
    world.put("x.diff", diff(7, 2))
    with pytest.raises(Unusable):
        world.ask()
    world.put("x.diff", diff(1, 2), age=5.0)
    assert world.ask().origin["entry"] == "x.diff"


def test_failed_entries_known_from_the_study_are_not_tried_again(world):
    world.put("x.diff", diff(7, 2))
    with pytest.raises(Unusable) as caught:
        world.ask()
    world.simulation.study.proposals.failed_origins = [caught.value.origin]
    world.proposer = world.fresh()
    assert world.ask() is None


def test_a_twin_of_an_earlier_candidate_is_refused(world):
    world.put("a.diff", diff(1, 10))
    world.put("b.diff", diff(1, 10))
    world.ask()
    with pytest.raises(Unusable, match=r"b\.diff: it gives the same program as candidate 1"):
        world.ask()


def test_a_half_written_entry_waits_until_it_no_longer_changes(world):
    world.put("x.diff", diff(1, 2), age=0.2)
    assert world.ask() is None
    world.now += 0.5
    assert world.ask() is None
    world.now += 0.5
    assert world.ask() is not None


def test_an_entry_from_the_future_is_taken_once_it_has_looked_the_same_for_a_second(world):
    world.put("x.diff", diff(1, 2), age=-500.0)
    assert world.ask() is None
    world.now += 0.9
    world.put("x.diff", diff(1, 22), age=-500.0)
    assert world.ask() is None
    world.now += 1.1
    assert world.ask().program.files["train.py"].startswith("LR = 22\n")


@pytest.mark.parametrize(
    "name", [".x.diff", "x.diff~", "x.diff.tmp", "x.diff.part", ".git/train.py", "x.part/train.py"]
)
def test_unfinished_and_hidden_names_are_ignored(world, name):
    world.put(name, diff(1, 2))
    assert world.ask() is None


def test_symbolic_links_are_not_followed(world, tmp_path):
    secret = tmp_path / "secret.diff"
    secret.write_text(diff(1, 2))
    (world.folder / "x.diff").symlink_to(secret)
    world.put("y/notes.txt", "x\n")
    (world.folder / "y" / "train.py").symlink_to(secret)
    world.now += 1e12
    for _ in range(2):
        with pytest.raises(Unusable, match="symbolic link"):
            world.ask()
    assert world.ask() is None


def test_without_a_folder_there_is_no_proposer(world, tmp_path):
    for argument in ("", str(tmp_path / "nowhere")):
        with pytest.raises(UsageError, match="folder"):
            Patches(argument, world.experiment, world.simulation.options)


def test_a_folder_that_disappears_is_waited_for(world):
    world.folder.rmdir()
    assert world.ask() is None


def test_the_null_proposer_changes_one_comment_and_never_repeats_a_program(world):
    null = Null("", world.experiment, world.simulation.options)
    digests = set()
    for _ in range(5):
        proposal = world.simulation.step(null)
        digests.add(proposal.program.digest)
        assert proposal.program.files["train.py"].startswith(TEXT + "# no-op ")
        assert proposal.program.files["train.py"].count("# no-op") == 1
    proposal = Null("", world.experiment, world.simulation.options).propose(
        world.simulation.brief()
    )
    assert len(digests) == 5
    assert proposal.program.digest not in digests


def test_the_null_proposer_keeps_line_ends_and_does_without_python(tmp_path):
    experiment = experiment_in(tmp_path / "crlf", {"a.py": "x = 1\r\ny = 2"})
    simulation = Simulation(experiment, lambda program, trial: 1.0)
    assert (
        Null("", experiment, simulation.options).propose(simulation.brief()).program.files["a.py"]
        == "x = 1\r\ny = 2\r\n# no-op 0\r\n"
    )
    experiment = experiment_in(tmp_path / "plain", {"a.txt": "x"})
    simulation = Simulation(experiment, lambda program, trial: 1.0)
    assert (
        Null("", experiment, simulation.options).propose(simulation.brief()).program
        == simulation.programs[0]
    )
