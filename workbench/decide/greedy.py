"""The policy `greedy`, which is autoresearch's rule.

One trial each, and any improvement is kept, noise included.
"""

from workbench.decide.pairing import gain_at
from workbench.decide.policy import Wanted
from workbench.experiment import Experiment
from workbench.ledger.study import Study
from workbench.records import Decision, Evidence, Options, Verdict


class Greedy:
    """Keeps whatever beats the incumbent on one trial.

    This is the rule of karpathy/autoresearch (program.md: lower val_bpb, keep the commit). A
    candidate that changes nothing but seeds and wins was lucky by definition. The rule keeps it all
    the same, and its flag `seed-only` says what that is worth.
    """

    name = "greedy"

    def __init__(self, experiment: Experiment, options: Options) -> None:
        self._objective = experiment.objective

    def opening(self, study: Study) -> Wanted:
        return Wanted(((0, 0),))

    def judge(self, study: Study, candidate: int) -> Decision | Wanted:
        incumbent = study.require_incumbent()
        gain = gain_at(study, self._objective, candidate, incumbent, 0)
        if isinstance(gain, Wanted):
            return gain
        if gain is None:
            return self._decide(
                candidate, "discard", "the incumbent fails under this seed", Evidence()
            )
        evidence = Evidence(against=incumbent, effect=gain, trials=1, seeds=(study.seed(0),))
        if gain > 0:
            return self._decide(candidate, "keep", "better on its one trial", evidence)
        return self._decide(candidate, "discard", "not better on its one trial", evidence)

    def _decide(self, candidate: int, verdict: Verdict, why: str, evidence: Evidence) -> Decision:
        return Decision(
            candidate=candidate, verdict=verdict, by=self.name, why=why, evidence=evidence
        )
