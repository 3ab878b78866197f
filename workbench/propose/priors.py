"""Priors: what the name of a knob tells before anything was measured.

How much such a knob tends to matter, which way it helps, and what is wrong if it is too low or too
high. Weights and directions are a judgement from common advice on short training runs (such as the
"Deep Learning Tuning Playbook", Godbole et al. 2023: the learning rate first). They only decide
what is tried first.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Prior:
    """What a name tells.

    Attributes:
        weight: typical size of the effect of one step; that of a knob with an unknown name is 1.
        direction: above 0 if increasing the value helps more often than not, below 0 if decreasing
            does; -1 to 1.
        if_too_low: what is wrong if the value is too low; empty if that is not known.
        if_too_high: what is wrong if the value is too high; empty if that is not known.
        is_count: true if it counts a few things, such as layers.
        is_costly: true if a step costs time or memory, so that only one step is tried at a time.
    """

    weight: float = 1.0
    direction: float = 0.0
    if_too_low: str = ""
    if_too_high: str = ""
    is_count: bool = False
    is_costly: bool = False


UNKNOWN = Prior()

# The first pattern that matches the whole name counts.
# fmt: off
_TABLE: tuple[tuple[str, Prior], ...] = (
    (r"(final|min|end)_(lr|learning_rate)(_frac|_ratio)?"
     r"|(lr|learning_rate)_(min|final|end|frac)\w*",
     Prior(0.8, -0.3, "the last steps are too small", "the last steps are too large")),
    (r"lr|\w*_lr|lr_\w*|\w*learning_?rate\w*|step_size|eta",
     Prior(2.5, 1.0, "the steps are too small", "the steps are too large")),
    (r"\w*batch(_?size)?(_\w+)?|bs",
     Prior(1.8, -0.4, "the gradient is too noisy", "there are too few updates in the budget",
           is_costly=True)),
    (r"(\w*_)?(steps|iters|iterations|epochs|rounds)|n_?(steps|iters)",
     Prior(1.5, 0.6, "the work is cut short", "the work is wasted", is_costly=True)),
    (r"(\w*_)?(n_?)?(embd|embed|d_model|model_dim|hidden|width|channels|dim|hidden_(size|dim)"
     r"|d_ff|ffn_dim)",
     Prior(1.3, 0.3, "the model is too narrow", "the model is too wide for the budget",
           is_costly=True)),
    (r"(\w*_)?(n_?|num_?)?(layers?|depth|blocks)",
     Prior(1.3, 0.0, "the model is too shallow", "the model is too deep for the budget",
           is_count=True, is_costly=True)),
    (r"(\w*_)?(n_?|num_?)?(kv_)?heads?",
     Prior(0.6, 0.0, "the heads are too few", "the heads are too small")),
    (r"(mlp|ffn|expansion)_?\w*(ratio|mult|factor)|expansion",
     Prior(0.9, 0.0, "the hidden layers are too narrow", "the hidden layers are too wide",
           is_costly=True)),
    (r"\w*warm_?up\w*",
     Prior(0.9, 0.0, "the first steps are too large",
           "too much of the budget is spent at small steps")),
    (r"\w*(warm_?down|cool_?down|decay_(steps|frac|ratio))\w*",
     Prior(1.0, 0.2, "the steps shrink too late", "the steps shrink too early")),
    (r"(adam_?)?(beta_?1|betas\[0\]|b1)|momentum",
     Prior(0.9, 0.0, "the steps are too jumpy", "the steps follow the gradient too slowly")),
    (r"(adam_?)?(beta_?2|betas\[1\]|b2)",
     Prior(0.9, -0.2, "the step sizes are too noisy", "the step sizes adapt too slowly")),
    (r"\w*(weight_decay|wd|l2)",
     Prior(0.5, 0.0, "it overfits", "the weights are held back")),
    (r"\w*dropout\w*",
     Prior(0.9, -0.5, "it overfits", "too much is dropped for a short run")),
    (r"\w*init\w*(std|scale|gain|sd)?|\w*_std",
     Prior(1.3, 0.4, "the weights start too small", "the weights start too large")),
    (r"\w*clip\w*",
     Prior(0.6, 0.0, "gradients are cut too much", "outlying gradients do harm")),
    (r"\w*eps(ilon)?\w*",
     Prior(0.25, 0.0, "it divides by too little", "it dampens the steps")),
    (r"\w*temperature|temp|tau",
     Prior(1.2, 0.0, "it is too greedy", "it is too random")),
    (r"\w*(label_)?smoothing", Prior(0.6, -0.3)),
    (r"\w*act(ivation)?(_fn)?|nonlinearity", Prior(1.1)),
    (r"\w*bias", Prior(0.4)),
    (r"tie\w*", Prior(1.0)),
)
# fmt: on
_PATTERNS = tuple((re.compile(pattern), prior) for pattern, prior in _TABLE)
_DEVICE = re.compile(r"(?:^|_)(cuda|gpu|cpu|mps|tpu)_")


def find_prior(name: str) -> Prior:
    """The prior for the name of a knob, such as `train.LEARNING_RATE` or `AdamW.betas[1]`.

    Only the last part of the name counts, in lower case and without the number that tells equal
    names apart.
    """
    last = re.sub(r"#\d+$", "", name.split(".")[-1]).lower()
    last = _DEVICE.sub("", last).strip("_")
    for pattern, prior in _PATTERNS:
        if pattern.fullmatch(last):
            return prior
    return UNKNOWN


def find_device(name: str) -> str:
    """The device, `cpu` or `cuda`, for which a value is, by its name; empty for any."""
    device = _DEVICE.search(name.split(".")[-1].lower())
    if device is None:
        return ""
    return "cpu" if device[1] == "cpu" else "cuda"
