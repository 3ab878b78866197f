"""KnobSpace: the knobs of one program as axes, and the candidates of the study as points."""

from collections.abc import Iterable, Mapping

import numpy as np

from workbench.propose.effects import Array, Axes
from workbench.propose.knobs import Knob
from workbench.propose.priors import find_device, find_prior
from workbench.propose.scales import Value
from workbench.propose.settings import TunerSettings

MAX_KNOBS = 120  # knobs that are considered at a time; those with the least weight are left out

Move = dict[str, Value]  # knob id to new value


class KnobSpace:
    """The knobs of a parent as axes. Coordinates are relative to the baseline.

    A knob is measured on the baseline's scale, so that its coordinate means the same in every
    candidate.

    Args:
        knobs: the parent's knobs that may be turned, by id.
        baseline: the baseline's knobs, by id.
        device: where the study runs, `cpu` or `cuda`; empty if that is not known.
        settings: how much to trust names.

    Attributes:
        names: ids of the knobs, those with the most weight first.
        knobs: the parent's knobs, by id.
        scales: the scale of each knob, by id.
        costly: ids of the knobs of which a step costs time or memory.
        axes: the knobs as `Effects` takes them.
        parent: the parent's point, `(knobs,)`.
    """

    def __init__(
        self,
        knobs: Mapping[str, Knob],
        baseline: Mapping[str, Knob],
        device: str,
        settings: TunerSettings,
    ) -> None:
        weights = {name: _weigh(knob, knobs, device, settings) for name, knob in knobs.items()}
        self.names = sorted(knobs, key=lambda name: -weights[name])[:MAX_KNOBS]
        self.knobs = {name: knobs[name] for name in self.names}
        # A knob that the baseline lacks is measured from the parent.
        references = {name: baseline.get(name, knobs[name]) for name in self.names}
        self.scales = {name: knob.scale for name, knob in references.items()}
        self._origins = {name: knob.scale.at(knob.value) for name, knob in references.items()}
        self._indices = {name: index for index, name in enumerate(self.names)}
        priors = {name: find_prior(knob.name) for name, knob in self.knobs.items()}
        self.costly = {name for name, prior in priors.items() if prior.is_costly}
        self.axes = Axes(
            ordered=np.array([self.scales[name].is_ordered for name in self.names]),
            weights=np.array([weights[name] for name in self.names]),
            directions=np.array([prior.direction for prior in priors.values()]),
        )
        self.parent = self.point({name: knob.value for name, knob in self.knobs.items()})

    def index(self, name: str) -> int:
        """The axis of a knob."""
        return self._indices[name]

    def coordinate(self, name: str, value: Value) -> float:
        """The coordinate of a value of one knob."""
        return self.scales[name].at(value) - self._origins[name]

    def point(self, values: Mapping[str, Value]) -> Array:
        """The point of a candidate, `(knobs,)`.

        Args:
            values: those of its values that differ from the baseline's, by knob.
        """
        point = np.zeros(len(self.names))
        for index, name in enumerate(self.names):
            if name in values:
                point[index] = self.coordinate(name, values[name])
        return point

    def points_after(self, moves: Iterable[Move]) -> Array:
        """The points to which some moves lead from the parent, `(moves, knobs)`."""
        points = []
        for move in moves:
            point = self.parent.copy()
            for name, value in move.items():
                point[self.index(name)] = self.coordinate(name, value)
            points.append(point)
        return np.array(points)

    def steps(self, name: str, sizes: Iterable[float]) -> list[Value]:
        """The values that a knob may take next: some steps up and down, or the other choices."""
        scale = self.scales[name]
        value = self.knobs[name].value
        if not scale.is_ordered:
            return [choice for choice in scale.values if choice != value]
        x = scale.at(value)
        steps = [scale.value(x + sign * size) for size in sizes for sign in (1, -1)]
        return [
            step for step in dict.fromkeys(steps) if step != value and type(step) is type(value)
        ]

    def search_coordinate(self, name: str, x: float) -> float:
        """A coordinate as TPE takes it: for a choice, its index."""
        if self.scales[name].is_ordered:
            return x
        return x + self._origins[name]

    def value_at(self, name: str, x: float) -> Value:
        """The value at a coordinate of TPE."""
        if self.scales[name].is_ordered:
            x += self._origins[name]
        return self.scales[name].value(x)


def _weigh(knob: Knob, knobs: Mapping[str, Knob], device: str, settings: TunerSettings) -> float:
    """The knob's weight, lower if its value is most likely not used."""
    weight = knob.weight
    knob_device = find_device(knob.name) or _device_of_default(knob, knobs)
    if device and knob_device and knob_device != device:
        weight *= settings.elsewhere
    if _has_constant(knob, knobs):
        weight *= settings.shadowed
    return weight


def _device_of_default(knob: Knob, knobs: Mapping[str, Knob]) -> str:
    """Where a knob is used if another one is for a device: next to CUDA_LR, LR is for a CPU.

    Else empty.
    """
    for prefix in ("CUDA_", "GPU_", "CPU_"):
        if f"{knob.path}:{prefix}{knob.name}" in knobs:
            return "cuda" if prefix == "CPU_" else "cpu"
    return ""


def _has_constant(knob: Knob, knobs: Mapping[str, Knob]) -> bool:
    """True if a constant has the same name.

    Of `f(warmup=0.1)` next to WARMUP, most likely the constant counts.
    """
    last = knob.name.split(".")[-1]
    return last != last.upper() and f"{knob.path}:{last.upper()}" in knobs
