"""Tested: a candidate that looks better is tried again on fresh seeds beside the incumbent before it is kept."""

import math

from workbench.decide.pairing import gain_at
from workbench.decide.policy import Wanted, incumbent_of
from workbench.experiment import Experiment
from workbench.ledger.study import Study
from workbench.records import Decision, Evidence, Options, Verdict

OPENING_REPEATS = 3


class Tested:
    """A group-sequential test on fresh seeds, against the incumbent on the same seeds.

    Seed 0 screens: a candidate that is not better there is discarded after one trial. One that is better is *provisional* and
    runs on seeds 1, 2, ... up to `objective.max_trials`; the screening trial, chosen for being good, is left out of the test.
    After each fresh seed: kept when the lower end of the interval of the mean gain is above 0 and the gain reaches
    `min_effect`; discarded when the gain is not above 0, or its upper end is below `min_effect`, or no trials are left.

    The interval is Student's, with the standard deviation of one trial pooled over every candidate of the study that has
    repeats (the baseline's A/A first), and Bonferroni's correction over the looks, so that one candidate without effect passes
    with a probability of at most `error_rate`. Source of the design: Jennison and Turnbull, Group Sequential Methods (2000),
    chapter 2, with the simplest (conservative) correction. What it does not control is the rate over the whole study.

    An objective without noise needs one trial: kept when the gain reaches `min_effect` and is above 0.
    """

    name = "tested"

    def __init__(self, experiment: Experiment, options: Options) -> None:
        self._objective = experiment.objective
        self._noisy = experiment.objective.noise != "none"

    def opening(self, study: Study) -> Wanted:
        return Wanted(tuple((0, index) for index in range(1 + OPENING_REPEATS * self._noisy)))

    def judge(self, study: Study, candidate: int) -> Decision | Wanted:
        incumbent = incumbent_of(study)
        gain = gain_at(study, self._objective, candidate, incumbent, 0)
        if isinstance(gain, Wanted):
            return gain
        if not self._noisy:
            return self._say_once(study, candidate, incumbent, gain or 0.0)
        if gain is not None and gain <= 0:
            return self._say(candidate, "discard", "not better on its first trial", self._evidence(study, incumbent, [gain], [0]))
        return self._confirm(study, candidate, incumbent)

    def _say_once(self, study: Study, candidate: int, incumbent: int, gain: float) -> Decision:
        evidence = Evidence(against=incumbent, effect=gain, low=gain, high=gain, trials=1, seeds=(study.seed(0),), sd=0.0, level=1.0)
        if gain > 0 and gain >= self._objective.min_effect:
            return self._say(candidate, "keep", "better, and the objective is deterministic", evidence)
        why = "no better" if gain <= 0 else f"better by less than min_effect {self._objective.min_effect:g}"
        return self._say(candidate, "discard", why, evidence)

    def _confirm(self, study: Study, candidate: int, incumbent: int) -> Decision | Wanted:
        """One look at all the fresh pairs that there are; the next one is wanted while they do not tell."""
        gains: dict[int, float] = {}
        missing: Wanted | None = None
        for index in range(1, self._objective.max_trials + 1):
            gain = gain_at(study, self._objective, candidate, incumbent, index)
            if isinstance(gain, Wanted):
                missing = gain
                break
            if gain is not None:
                gains[index] = gain
        verdict, why, evidence = self._look(study, incumbent, gains)
        if verdict is not None:
            return self._say(candidate, verdict, why, evidence)
        return missing or self._say(candidate, "discard", f"not clearly better on {_seeds(gains)}", evidence)

    def _look(self, study: Study, incumbent: int, gains: dict[int, float]) -> tuple[Verdict | None, str, Evidence]:
        if not gains:
            return None, "", Evidence(against=incumbent)
        smallest = self._objective.min_effect
        evidence = self._evidence(study, incumbent, list(gains.values()), list(gains))
        effect, low, high = evidence.effect or 0.0, evidence.low, evidence.high
        if low is not None and low > 0 and effect >= smallest:
            return "keep", f"better on {_seeds(gains)}", evidence
        if effect <= 0:
            return "discard", f"looked better once; not better on {_seeds(gains)}", evidence
        if high is not None and high < smallest:
            return "discard", f"better by less than min_effect {smallest:g} on {_seeds(gains)}", evidence
        return None, "", evidence

    def _evidence(self, study: Study, incumbent: int, gains: list[float], indices: list[int]) -> Evidence:
        """Mean gain and its interval; without an interval where no spread was measured."""
        effect, seeds = sum(gains) / len(gains), tuple(study.seed(index) for index in indices)
        sd, freedom = study.repeats.spread, study.repeats.freedom
        if sd is None:
            return Evidence(against=incumbent, effect=effect, trials=len(gains), seeds=seeds)
        from scipy.special import stdtrit  # 0.1 s, and only a noisy objective needs it

        tail = self._objective.error_rate / self._objective.max_trials
        half = float(stdtrit(freedom, 1 - tail)) * sd * math.sqrt(2 / len(gains))
        return Evidence(
            against=incumbent,
            effect=effect,
            low=effect - half,
            high=effect + half,
            trials=len(gains),
            seeds=seeds,
            sd=sd,
            level=1 - 2 * tail,
        )

    def _say(self, candidate: int, verdict: Verdict, why: str, evidence: Evidence) -> Decision:
        return Decision(candidate=candidate, verdict=verdict, by=self.name, why=why, evidence=evidence)


def _seeds(gains: dict[int, float]) -> str:
    return f"{len(gains)} fresh seed{'' if len(gains) == 1 else 's'}"
