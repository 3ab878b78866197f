"""What names tell before anything was measured: how much a knob tends to matter, which way it helps, and in which words.

Weights and directions are judgement, from common advice on short training runs (for one: "Deep Learning Tuning Playbook", Godbole
et al. 2023: the learning rate first); they only decide what is tried first. A name that no pattern knows is treated alike.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Prior:
    """What a name tells.

    Attributes:
        weight: typical size of the effect of one step, relative to an unknown knob's 1.
        direction: +1 or -1 where increasing or decreasing it helps more often than not, else 0.
        low, high: what is wrong if the value is too low, too high; empty when nothing is known.
        counted: the number of a few things. careful: a step costs time or memory, so only one at a time.
    """

    weight: float = 1.0
    direction: float = 0.0
    low: str = ""
    high: str = ""
    counted: bool = False
    careful: bool = False


UNKNOWN = Prior()
_FINAL_RATE = Prior(0.8, -0.3, "the last steps are too small", "the last steps are too large")

_TABLE: tuple[tuple[str, Prior], ...] = (
    (r"(final|min|end)_(lr|learning_rate)(_frac|_ratio)?|(lr|learning_rate)_(min|final|end|frac)\w*", _FINAL_RATE),
    (r"lr|\w*_lr|lr_\w*|\w*learning_?rate\w*|step_size|eta", Prior(2.5, 1.0, "the steps are too small", "the steps are too large")),
    (r"\w*batch(_?size)?(_\w+)?|bs",
     Prior(1.8, -0.4, "the gradient is too noisy", "there are too few updates in the budget", careful=True)),
    (r"(\w*_)?(steps|iters|iterations|epochs|rounds)|n_?(steps|iters)",
     Prior(1.5, 0.6, "the work is cut short", "the work is wasted", careful=True)),
    (r"(\w*_)?(n_?)?(embd|embed|d_model|model_dim|hidden|width|channels|dim|hidden_(size|dim)|d_ff|ffn_dim)",
     Prior(1.3, 0.3, "the model is too narrow", "the model is too wide for the budget", careful=True)),
    (r"(\w*_)?(n_?|num_?)?(layers?|depth|blocks)", Prior(1.3, 0.0, "the model is too shallow", "the model is too deep for the budget",
                                                        counted=True, careful=True)),
    (r"(\w*_)?(n_?|num_?)?(kv_)?heads?", Prior(0.6, 0.0, "the heads are too few", "the heads are too small")),
    (r"(mlp|ffn|expansion)_?\w*(ratio|mult|factor)|expansion",
     Prior(0.9, 0.0, "the hidden layers are too narrow", "the hidden layers are too wide", careful=True)),
    (r"\w*warm_?up\w*", Prior(0.9, 0.0, "the first steps are too large", "too much of the budget is spent at small steps")),
    (r"\w*(warm_?down|cool_?down|decay_(steps|frac|ratio))\w*", Prior(1.0, 0.2, "the steps shrink too late", "the steps shrink too early")),
    (r"(adam_?)?(beta_?1|betas\[0\]|b1)|momentum", Prior(0.9, 0.0, "the steps are too jumpy", "the steps follow the gradient too slowly")),
    (r"(adam_?)?(beta_?2|betas\[1\]|b2)", Prior(0.9, -0.2, "the step sizes are too noisy", "the step sizes adapt too slowly")),
    (r"\w*(weight_decay|wd|l2)", Prior(0.5, 0.0, "it overfits", "the weights are held back")),
    (r"\w*dropout\w*", Prior(0.9, -0.5, "it overfits", "too much is dropped for a short run")),
    (r"\w*init\w*(std|scale|gain|sd)?|\w*_std", Prior(1.3, 0.4, "the weights start too small", "the weights start too large")),
    (r"\w*clip\w*", Prior(0.6, 0.0, "gradients are cut too much", "outlying gradients do harm")),
    (r"\w*eps(ilon)?\w*", Prior(0.25, 0.0, "it divides by too little", "it dampens the steps")),
    (r"\w*temperature|temp|tau", Prior(1.2, 0.0, "it is too greedy", "it is too random")),
    (r"\w*(label_)?smoothing", Prior(0.6, -0.3)),
    (r"\w*act(ivation)?(_fn)?|nonlinearity", Prior(1.1)),
    (r"\w*bias", Prior(0.4)),
    (r"tie\w*", Prior(1.0)),
)  # fmt: skip
_PATTERNS = tuple((re.compile(pattern), prior) for pattern, prior in _TABLE)
_DEVICE = re.compile(r"(?:^|_)(cuda|gpu|cpu|mps|tpu)_")


def prior_for(name: str) -> Prior:
    """The prior of a knob's own name (`train.LEARNING_RATE`, `AdamW.betas[1]`): its last part counts, in lower case."""
    last = _DEVICE.sub("", re.sub(r"#\d+$", "", name.split(".")[-1]).lower())
    last = last.strip("_")
    return next((prior for pattern, prior in _PATTERNS if pattern.fullmatch(last)), UNKNOWN)


def device_of(name: str) -> str:
    """`cuda` or `cpu` where the name says that the value is for such machines only, else nothing."""
    found = _DEVICE.search(name.split(".")[-1].lower())
    return "" if found is None else {"cpu": "cpu"}.get(found[1], "cuda")
