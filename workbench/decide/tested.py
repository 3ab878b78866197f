"""Tested: a candidate that looks better is tried again on fresh seeds, and kept past a test that counts the whole study's tests."""

from dataclasses import replace

from workbench.decide.comparison import Comparison, hoped, proved
from workbench.decide.discovery import level
from workbench.decide.field import Field, Pair, scores
from workbench.decide.pairing import gain_at
from workbench.decide.policy import Wanted, incumbent_of
from workbench.decide.units import differences
from workbench.experiment import Experiment
from workbench.ledger.study import Study
from workbench.records import Decision, Evidence, Options, Trial, Verdict

OPENING_TRIALS = 4
HOPE = 0.18  # one-sided: what is not above the upper limit at this level is no longer hoped for
N_LOOKS = 3


class Tested:
    """Screen once, test on fresh seeds with few looks, at a level that falls as the study tests more.

    1. *Reference.* The incumbent runs on fresh seeds of its own: 4 to begin with, and 7/4 of `max_trials` as soon as a candidate
       gets beyond the first look. The trials that made it the incumbent are left out, since they were chosen for being good.
       All candidates share it.
    2. *Screen.* One trial. The candidate is *provisional* while the upper limit of its gain (82 %: a little less than one standard
       error) reaches the smallest gain that the last look could keep; else it is discarded. This is asked again after each trial.
    3. *Test.* The screening trial, chosen for being good, is left out. With a quarter, a half and all of `max_trials` fresh trials
       there is a look: kept when the lower limit of the gain is above 0 and the gain reaches `min_effect`.
    4. *Level.* The level of a candidate's test comes from LORD++ (`discovery.level`), over the provisional candidates in the order
       of their decisions, those now under test counted in; the looks share it 1 : 2 : 4, the last one getting most.
    5. *Simplicity.* A candidate shorter than its parent, the incumbent, is kept at a look too when the lower limit of its gain (at
       `error_rate`, shared over the looks) is above -`min_effect`. It counts as no discovery.

    Limits are Student's. Hope rests on what the study knows of its noise (`comparison.hoped`), a keep on the candidate's own trials
    with a standard deviation that holds for it (`comparison.proved`).

    *Units.* Where the score is a mean of observations (noise `units`), these are the sample: differences between the candidate's
    and the incumbent's, unit by unit under the same seed (`units.differences`). The rule is the same but for this: the incumbent
    runs under each seed that a candidate runs under, instead of 1, and there is a look after one fresh trial too. A seed is
    taken to draw the units and nothing else. Seeds that add more (each trains another model, say) are noticed over the study,
    the screening trials counted in, and become the sample; a large spread of seeds may pass for a gain in its first candidates.
    The same items under every seed count as fresh each time: what is shown then is a gain on these items.

    Controlled, within the limits named below: the expected share of false keeps among keeps, at `error_rate`, over the whole study;
    with nothing to be found, the probability of any keep. Sources: Jennison and Turnbull, Group Sequential Methods (2000), chapters
    2 and 10 (looks, and stopping for futility, which can only lower the error); Ramdas et al. (2017) for the level; Zrnic, Ramdas
    and Jordan, Asynchronous online testing (JMLR 2021) for counting in the tests under way.

    Not controlled: LORD++ asks for independent tests, and ours share the incumbent's trials (`tests/benchmarks/bench_gate.py`
    measures what that costs: little); the normal law is assumed of means, of units as of trials; deletions at no cost may each lose
    up to `min_effect`.
    An effect is overestimated a little where the test stopped early.

    An objective without noise needs one trial: kept when the gain reaches `min_effect` and is above 0, or is 0 and the program shorter.
    """

    name = "tested"

    def __init__(self, experiment: Experiment, options: Options) -> None:
        self._objective = experiment.objective
        self._noisy, self._units = (
            experiment.objective.noise != "none",
            experiment.objective.noise == "units",
        )
        self._looks = _looks(experiment.objective.max_trials, self._units)
        total = 2 ** len(self._looks) - 1
        self._shares = {look: 2**place / total for place, look in enumerate(self._looks)}
        self._reference = max(OPENING_TRIALS, self._looks[-1] * 7 // 4)
        self._seeds = (2 if self._units else 1) * max(self._reference, self._looks[-1] + 1)

    def opening(self, study: Study) -> Wanted:
        return Wanted(
            tuple(
                (0, index)
                for index in range(OPENING_TRIALS if self._noisy and not self._units else 1)
            )
        )

    def judge(self, study: Study, candidate: int) -> Decision | Wanted:
        incumbent, record = incumbent_of(study), study.candidates[candidate].record
        shorter = (
            self._objective.simplicity
            and record.removed > record.added
            and record.parent == incumbent
        )
        if self._noisy:
            return self._judge_noisy(
                study, Field.of(study, candidate, incumbent, self._seeds), shorter
            )
        gain = gain_at(study, self._objective, candidate, incumbent, 0)
        return (
            gain
            if isinstance(gain, Wanted)
            else self._judge_once(study, candidate, incumbent, gain or 0.0, shorter)
        )

    def _judge_once(
        self, study: Study, candidate: int, incumbent: int, gain: float, shorter: bool
    ) -> Decision:
        evidence = Evidence(
            against=incumbent,
            effect=gain,
            low=gain,
            high=gain,
            trials=1,
            seeds=(study.seed(0),),
            sd=0.0,
            level=1.0,
        )
        if gain > 0 and gain >= self._objective.min_effect:
            return self._say(
                candidate, "keep", "better, and the objective is deterministic", evidence
            )
        if gain >= 0 and shorter:
            return self._say(candidate, "keep", "shorter and not worse", evidence)
        why = (
            "no better"
            if gain <= 0
            else f"better by less than min_effect {self._objective.min_effect:g}"
        )
        return self._say(candidate, "discard", why, evidence)

    def _judge_noisy(self, study: Study, field: Field, shorter: bool) -> Decision | Wanted:
        """Asks for the next trial, or decides; one step of the rule in the class's docstring."""
        own = field.paired if self._units else field.own
        n, n_max = len(own) - 1, self._looks[-1]
        missing = (
            field.beside
            if self._units
            else field.missing(self._reference if n > self._looks[0] else OPENING_TRIALS)
        )
        if field.own and missing:
            return Wanted(missing)
        if not own:
            return self._more(field, missing)
        alpha = level(
            study.tests + max(1, study.counts["provisional"]),
            study.discoveries,
            self._objective.error_rate,
        )
        share = self._shares[n] if n in self._looks else self._shares[n_max]
        everything = self._hoped(study, field, own)
        fresh = self._proved(study, field, own, alpha * share) if n else everything
        if everything is None or fresh is None:
            return self._incomparable(field)
        evidence = fresh.evidence(study, field.incumbent, list(own)[n > 0 :], alpha * share)
        if n:
            evidence = replace(
                evidence,
                alpha=alpha,
                p=min(1.0, fresh.p_value() / share) if n in self._looks else 1.0,
            )
        if n in self._looks and (why := self._reason_to_keep(fresh, evidence, share, shorter)):
            return self._say(field.candidate, "keep", why, evidence)
        if n == n_max:
            return self._say(
                field.candidate, "discard", f"not clearly better on {n} fresh seeds", evidence
            )
        if everything.gain + everything.half(HOPE) < self._reachable(everything, alpha, shorter):
            why = (
                f"no longer promising after {n} fresh seed{'' if n == 1 else 's'}"
                if n
                else "not promising on its first trial"
            )
            return self._say(field.candidate, "discard", why, evidence)
        if everything.gain <= 0 and not everything.error:
            why = 'no better, where no two seeds have differed so far (noise = "none" saves trials)'
            return self._say(field.candidate, "discard", why, evidence)
        return self._more(field)

    def _hoped(self, study: Study, field: Field, own: dict[int, Trial]) -> Comparison | None:
        """All of the candidate's trials with the incumbent's."""
        if self._units:
            return differences(self._objective, study.repeats, own, field.reference, 0)
        return hoped(self._objective, study.repeats, scores(own), scores(field.reference))

    def _proved(
        self, study: Study, field: Field, own: dict[int, Trial], tail: float
    ) -> Comparison | None:
        """All but the first."""
        if self._units:
            return differences(self._objective, study.repeats, own, field.reference, 1)
        return proved(self._objective, study.repeats, scores(own), scores(field.reference), 1, tail)

    def _more(self, field: Field, missing: tuple[Pair, ...] = ()) -> Decision | Wanted:
        """The candidate's next trial, and what else is missing; with units the incumbent's under the same seed."""
        if field.next is None:
            return self._incomparable(field)
        beside = (
            ((field.incumbent, field.next[1]),)
            if self._units and field.next[1] in field.untried
            else ()
        )
        return Wanted((field.next, *beside, *missing))

    def _incomparable(self, field: Field) -> Decision:
        why = "the incumbent has no repeats to compare with"
        return self._say(field.candidate, "discard", why, Evidence(against=field.incumbent))

    def _reason_to_keep(
        self, fresh: Comparison, evidence: Evidence, share: float, shorter: bool
    ) -> str:
        """Why this look keeps the candidate; empty when it does not."""
        smallest = self._objective.min_effect
        if (
            evidence.p is not None
            and evidence.alpha is not None
            and evidence.p <= evidence.alpha
            and fresh.gain >= smallest
        ):
            return f"better on {fresh.trials} fresh seeds"
        if (
            shorter
            and smallest
            and fresh.gain - fresh.half(self._objective.error_rate * share) > -smallest
        ):
            return (
                f"shorter, and not worse by min_effect {smallest:g} on {fresh.trials} fresh seeds"
            )
        return ""

    def _reachable(self, seen: Comparison, alpha: float, shorter: bool) -> float:
        """The smallest gain that the last look could keep."""
        n_max, smallest = self._looks[-1], self._objective.min_effect
        last = seen.planned(n_max, self._reference)
        better = max(smallest, last.half(alpha * self._shares[n_max]))
        if not (shorter and smallest):
            return better
        return min(better, last.half(self._objective.error_rate * self._shares[n_max]) - smallest)

    def _say(self, candidate: int, verdict: Verdict, why: str, evidence: Evidence) -> Decision:
        return Decision(
            candidate=candidate, verdict=verdict, by=self.name, why=why, evidence=evidence
        )


def _looks(max_trials: int, units: bool) -> tuple[int, ...]:
    """After how many fresh trials there is a look: all, a half, a quarter of them, but 2 at least; with units after 1 as well."""
    halved = {max_trials >> back for back in range(1, N_LOOKS) if max_trials >> back >= 2}
    return tuple(sorted({max_trials} | halved | ({1} if units else set())))
