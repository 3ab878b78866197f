"""Greedy: autoresearch's rule. One trial each, any improvement is kept, and noise with it."""

from workbench.decide.pairing import gain_at
from workbench.decide.policy import Wanted, incumbent_of
from workbench.experiment import Experiment
from workbench.ledger.study import Study
from workbench.records import Decision, Evidence, Options


class Greedy:
    """Keeps whatever beats the incumbent on one trial (karpathy/autoresearch, program.md: lower val_bpb, keep the commit).

    A candidate that changes only seeds and wins so has been lucky by definition; it is kept all the same, as the rule says, and
    its flag `seed-only` says what it is worth.
    """

    name = "greedy"

    def __init__(self, experiment: Experiment, options: Options) -> None:
        self._objective = experiment.objective

    def opening(self, study: Study) -> Wanted:
        return Wanted(((0, 0),))

    def judge(self, study: Study, candidate: int) -> Decision | Wanted:
        incumbent = incumbent_of(study)
        gain = gain_at(study, self._objective, candidate, incumbent, 0)
        if isinstance(gain, Wanted):
            return gain
        if gain is None:
            return Decision(
                candidate=candidate,
                verdict="discard",
                by=self.name,
                why="the incumbent fails under this seed",
            )
        evidence = Evidence(against=incumbent, effect=gain, trials=1, seeds=(study.seed(0),))
        if gain > 0:
            return Decision(
                candidate=candidate,
                verdict="keep",
                by=self.name,
                why="better on its one trial",
                evidence=evidence,
            )
        return Decision(
            candidate=candidate,
            verdict="discard",
            by=self.name,
            why="not better on its one trial",
            evidence=evidence,
        )
