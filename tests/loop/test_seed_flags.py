import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.loop.toy import Toy
from workbench.loop.seed_flags import changes_only_seeds, flags
from workbench.program import Program
from workbench.propose.proposer import Brief, Proposal


def only_seeds(old: str, new: str, path: str = "train.py") -> bool:
    return changes_only_seeds(
        Program({path: old, "other.py": "x = 1\n"}), Program({path: new, "other.py": "x = 1\n"})
    )


SEEDS = {
    "a constant": ("SEED = 42\n", "SEED = 1337\n"),
    "a sign": ("seed = 1\n", "seed = -1\n"),
    "None": ("rng_seed = None\n", "rng_seed = 7\n"),
    "a text": ("random.seed('a')\n", "random.seed('b')\n"),
    "torch": ("torch.manual_seed(42)\n", "torch.manual_seed(43)\n"),
    "torch, all devices": ("torch.cuda.manual_seed_all(1)\n", "torch.cuda.manual_seed_all(2)\n"),
    "torch, with an offset": (
        "torch.manual_seed(1337 + rank)\n",
        "torch.manual_seed(1338 + rank)\n",
    ),
    "torch's generator": (
        "g = torch.Generator().manual_seed(0)\n",
        "g = torch.Generator().manual_seed(1)\n",
    ),
    "numpy": ("rng = np.random.default_rng(0)\n", "rng = np.random.default_rng(1)\n"),
    "numpy, by name": (
        "rng = np.random.default_rng(seed=0)\n",
        "rng = np.random.default_rng(seed=1)\n",
    ),
    "numpy, a sequence": (
        "rng = np.random.default_rng([0, 1])\n",
        "rng = np.random.default_rng([0, 2])\n",
    ),
    "numpy, the old way": (
        "r = np.random.RandomState(0)\nnp.random.seed(1)\n",
        "r = np.random.RandomState(5)\nnp.random.seed(2)\n",
    ),
    "jax": ("key = jax.random.PRNGKey(0)\n", "key = jax.random.PRNGKey(1)\n"),
    "jax, the new way": ("key = jax.random.key(0)\n", "key = jax.random.key(1)\n"),
    "the standard library": ("r = random.Random(0)\n", "r = random.Random(1)\n"),
    "scikit-learn": ("m = Forest(n=3, random_state=0)\n", "m = Forest(n=3, random_state=1)\n"),
    "a default": (
        "def f(a, lr=0.1, seed=0, *, b_seed=1): ...\n",
        "def f(a, lr=0.1, seed=3, *, b_seed=4): ...\n",
    ),
    "a field": (
        "class Config:\n    lr: float = 0.1\n    seed: int = 0\n",
        "class Config:\n    lr: float = 0.1\n    seed: int = 1\n",
    ),
    "a key": (
        "config = {'lr': 0.1, 'seed': 0}\nc['seed'] = 3\n",
        "config = {'lr': 0.1, 'seed': 1}\nc['seed'] = 4\n",
    ),
    "an attribute": ("self.seed = 0\n", "self.seed = 1\n"),
    "one of several names": ("seed, lr = 0, 0.1\n", "seed, lr = 1, 0.1\n"),
    "an option": (
        "p.add_argument('--seed', type=int, default=0)\n",
        "p.add_argument('--seed', type=int, default=1)\n",
    ),
    "the environment": (
        "seed = int(os.environ.get('SEED', '0'))\n",
        "seed = int(os.environ.get('SEED', '1'))\n",
    ),
    "comments and layout beside": (
        "# old\nseed = 1\nx = [1,\n  2]\n",
        "seed   =   2  # better\n\nx = [1, 2]\n",
    ),
}
OTHERS = {
    "a rate": ("lr = 0.1\n", "lr = 0.2\n"),
    "a rate beside": ("seed = 1\nlr = 0.1\n", "seed = 2\nlr = 0.2\n"),
    "a rate in the same call": ("f(seed=1, lr=0.1)\n", "f(seed=2, lr=0.2)\n"),
    "a rate in the same names": ("seed, lr = 0, 0.1\n", "seed, lr = 1, 0.2\n"),
    "another name": ("seed = 1\n", "seeds = 2\n"),
    "another function": ("torch.manual_seed(1)\n", "random.seed(2)\n"),
    "a statement more": ("seed = 1\n", "seed = 2\nx = 1\n"),
    "a keyword more": ("f(seed=1)\n", "f(seed=2, x=1)\n"),
    "another operator": ("seed = 1 + rank\n", "seed = 2 * rank\n"),
    "a variable for a number": ("torch.manual_seed(1)\n", "torch.manual_seed(time)\n"),
    "a number that is handed to other work": ("seed = train(0.1)\n", "seed = train(0.2)\n"),
    "how many seeds": ("n_seeds = 3\n", "n_seeds = 30\n"),
    "a list of seeds that grows": ("seeds = [1, 2]\n", "seeds = [1, 2, 3]\n"),
    "whether there is one": ("seed = True\n", "seed = False\n"),
    "a number made a truth": ("seed = 1\n", "seed = True\n"),
    "seedlings": ("seedling_size = 3\nseed_points = 8\n", "seedling_size = 4\nseed_points = 9\n"),
    "a docstring": ('"""Old."""\nseed = 1\n', '"""New."""\nseed = 2\n'),
    "comments alone": ("seed = 1  # old\n", "seed = 1  # new\n"),
    "nothing": ("seed = 1\n", "seed = 1\n"),
    "layout of the number": ("seed = 16\n", "seed = 0x10\n"),
    "what does not parse": ("seed = 1\n", "seed = = 2\n"),
    "what did not parse": ("seed = \0\n", "seed = 2\n"),
}


@pytest.mark.parametrize("name", SEEDS)
def test_a_change_of_seeds_is_seen(name: str) -> None:
    old, new = SEEDS[name]
    assert only_seeds(old, new)
    assert only_seeds(new, old)


@pytest.mark.parametrize("name", OTHERS)
def test_any_other_change_is_none(name: str) -> None:
    old, new = OTHERS[name]
    assert not only_seeds(old, new)
    assert not only_seeds(new, old)


@pytest.mark.parametrize("name", SEEDS)
def test_renaming_something_beside_the_seeds_makes_it_another_change(name: str) -> None:
    old, new = SEEDS[name]
    for further in ("width = 8\n", "depth = 8\n"):
        assert only_seeds(old + further, new + further)
    assert not only_seeds(old + "width = 8\n", new + "depth = 8\n")


@settings(deadline=None)
@given(st.sampled_from(sorted(SEEDS)), st.integers(0, 9), st.integers(0, 9))
def test_a_further_number_makes_it_another_change_exactly_when_it_differs(
    name: str, before: int, after: int
) -> None:
    old, new = SEEDS[name]
    assert only_seeds(f"{old}width = {before}\n", f"{new}width = {after}\n") == (before == after)


@settings(deadline=None)
@given(st.sampled_from(sorted(SEEDS)))
def test_layout_does_not_matter(name: str) -> None:
    old, new = SEEDS[name]
    assert only_seeds(old, ast.unparse(ast.parse(new)) + "\n# a comment\n")


def test_other_languages_and_other_files_are_not_judged() -> None:
    assert not only_seeds("seed = 1\n", "seed = 2\n", path="config.toml")
    assert not changes_only_seeds(
        Program({"a.py": "seed = 1\n"}), Program({"a.py": "seed = 2\n", "b.py": ""})
    )
    assert not changes_only_seeds(
        Program({"a.py": "seed = 1\n"}), Program({"a.py": "seed = 2\n"}, frozenset({"a.py"}))
    )


def test_the_flag_has_a_name() -> None:
    assert flags(Program({"a.py": "seed = 1\n"}), Program({"a.py": "seed = 2\n"})) == ("seed-only",)
    assert flags(Program({"a.py": "seed = 1\n"}), Program({"a.py": "rate = 2\n"})) == ()


def seeded(seed: int, width: int = 8) -> Program:
    return Program(
        {"train.py": f"SEED = {seed}\n" + "\n" * 20 + f"LEARNING_RATE = 1\nWIDTH = {width}\n"}
    )


def propose(toy: Toy, *programs: Program) -> None:
    """Each program as a change of the one before it, which is kept for the larger seed."""
    toy.score = lambda program, seed: (
        -float(program.files["train.py"].partition("SEED = ")[2][:1] or 0)
    )

    def one(brief: Brief) -> Proposal | None:
        number = len(brief.study.candidates)
        return (
            Proposal(program=programs[number - 1], hypothesis="luck")
            if brief.parent == number - 1
            else None
        )

    toy.propose = one


def test_the_flag_is_recorded_for_proposers_and_for_people(toy: Toy) -> None:
    toy.create(candidates=3)
    propose(toy, seeded(1), seeded(2), seeded(3, width=9))
    assert [history.record.flags for history in toy.run().candidates] == [
        (),
        (),
        ("seed-only",),
        (),
    ]
    toy.request("accept", candidate=3, hunks=[1])
    toy.request("edit", candidate=2, files=dict(seeded(7).files))
    toy.request("edit", candidate=2, files=dict(seeded(7, width=2).files))
    study = toy.run()
    people = [(history.record.author, history.record.flags) for history in study.candidates[4:]]
    assert people == [("person", ("seed-only",)), ("person", ("seed-only",)), ("person", ())]


def test_the_flag_decides_nothing(toy: Toy) -> None:
    toy.create(candidates=2)
    propose(toy, seeded(1), seeded(2))
    lucky = toy.run().candidates[2]
    assert (lucky.record.flags, lucky.status) == (("seed-only",), "kept")
