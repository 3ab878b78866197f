"""Changes of tinygpt's train.py for `bench_gate_tinygpt`: no-ops that draw other random numbers, comments, and real edits.

A no-op leaves the distribution of the score as it is and makes the same seed mean other numbers.
What changes the arithmetic only in its order, or nothing at all, would repeat the baseline's score
and say nothing about noise.
"""

from collections.abc import Callable
from dataclasses import dataclass

from workbench.program import Program

FILE = "train.py"
SEED = '    torch.manual_seed(task["seed"])\n'
PARAMETERS = "        for name, p in self.named_parameters():\n"
INITIAL = (
    "                nn.init.normal_(p, std=INIT_STD / "
    "math.sqrt(2 * layers) if residual else INIT_STD)\n"
)
STARTS = "        starts = torch.randint(len(data) - T, (B, 1), device=device)\n"
MODEL = "    model = GPT(T, *shape).to(device)\n"


@dataclass(frozen=True)
class Change:
    """Texts of train.py and what replaces them."""

    name: str
    replaced: tuple[tuple[str, str], ...]

    def apply(self, program: Program) -> Program:
        """Raises ValueError where train.py does not have a text exactly once."""
        text = program.files[FILE]
        for old, new in self.replaced:
            if text.count(old) != 1:
                raise ValueError(
                    f"{self.name}: train.py has {old.strip()!r} {text.count(old)} times; this "
                    "change was written for another one"
                )
            text = text.replace(old, new)
        return Program({**program.files, FILE: text}, program.executable)


def discarded(k: int) -> Change:
    """Draws before anything else that nobody uses: weights and batches come later in the stream."""
    return Change(f"discard {k} draws", ((SEED, f"{SEED}    torch.rand({k})\n"),))


def seeded(k: int) -> Change:
    return Change(f"seed xor {k}", ((SEED, f'    torch.manual_seed(task["seed"] ^ {k})\n'),))


def permuted(k: int) -> Change:
    """The matrices are initialised in another order; the batches stay."""
    shuffled = (
        "        named = list(self.named_parameters())\n"
        "        for name, p in (named[at] for at in torch.randperm(len(named), "
        f"generator=torch.Generator().manual_seed({k}))):\n"
    )
    return Change(f"initialise in order {k}", ((PARAMETERS, shuffled),))


def rolled(k: int) -> Change:
    """The rows of every initial matrix, which are independent and of one distribution, change places; the batches stay."""
    return Change(
        f"roll the initial rows by {k}",
        ((INITIAL, f"{INITIAL}                p.data = p.data.roll({k}, 0)\n"),),
    )


def batched(k: int) -> Change:
    """The batches come from a generator of their own; the weights stay."""
    generator = f'    batches = torch.Generator(device).manual_seed(task["seed"] + {k})\n'
    return Change(
        f"batches from generator {k}",
        (
            (MODEL, MODEL + generator),
            (STARTS, STARTS.replace("e=device)", "e=device, generator=batches)")),
        ),
    )


NO_OPS: tuple[Callable[[int], Change], ...] = (discarded, seeded, permuted, rolled, batched)


def no_ops(n: int) -> list[Change]:
    """The first `n`, of each kind in turn."""
    return [NO_OPS[number % len(NO_OPS)](number // len(NO_OPS) + 1) for number in range(n)]


def comments(n: int) -> list[Change]:
    return [
        Change(f"comment {number}", ((SEED, f"{SEED}    # no-op {number}\n"),))
        for number in range(1, n + 1)
    ]


def knob(old: str, value: str) -> Change:
    """`old` is a line at the top of train.py, as in `LEARNING_RATE = 1e-3`."""
    name = old.partition(" = ")[0]
    return Change(f"{name} = {value}", ((f"\n{old}", f"\n{name} = {value}"),))


EDITS: tuple[Change, ...] = (
    knob("LEARNING_RATE = 1e-3", "1.1e-3"),
    knob("LEARNING_RATE = 1e-3", "9e-4"),
    knob("LEARNING_RATE = 1e-3", "1.2e-3"),
    knob("N_LAYER = 2", "1"),
    knob("INIT_STD = 0.02", "0.03"),
    knob("INIT_STD = 0.02", "0.015"),
    knob("LEARNING_RATE = 1e-3", "1.5e-3"),
    knob("LEARNING_RATE = 1e-3", "5e-4"),
    knob("INIT_STD = 0.02", "0.04"),
    knob("BATCH_SIZE = 16", "8"),
)
