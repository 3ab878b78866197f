"""The policy `tested`: repeats promising candidates on fresh seeds, and keeps those that pass.

The rule is in the docstring of `Tested`. Its level counts all tests of the study, so that few keeps
of the whole study are false.

*Limits.* All are Student's. The estimate that hope rests on uses what the study knows of its noise
(`comparison.estimate_gain`). A keep rests on the candidate's fresh trials, with a standard
deviation that holds for this candidate (`comparison.confirm_gain`).

*Units.* Where the score is a mean of observations (noise `units`), the observations are the sample:
differences between the candidate's and the incumbent's, unit by unit under the same seed. Two
things differ from the rule. The incumbent runs under every seed that a candidate runs under, and
there is a look after one fresh trial too. A seed is assumed to draw the units and nothing else.
Seeds that add more, because each trains another model, for example, are noticed over the study,
screening trials included, and become the sample. In the study's first candidates a large spread of
seeds may pass for a gain. If every seed has the same items, these count as fresh each time: the
gain is then a gain on these items.

*Without noise* one trial is enough. A candidate is kept when its gain reaches `min_effect` and is
above 0, or when its gain is 0 and the program is shorter.

*Controlled*, within the limits below: the expected share of false keeps among all keeps of the
study, at `error_rate`; and where nothing can be found, the probability of any keep. Sources:
Jennison and Turnbull, Group Sequential Methods (2000), chapters 2 and 10, for the looks and for
stopping early for futility, which can only lower the error; Ramdas et al. (2017) for the level;
Zrnic, Ramdas and Jordan, Asynchronous online testing (JMLR 2021), for counting the tests under way.

*Not controlled.* LORD++ assumes independent tests, and ours share the incumbent's trials
(`tests/benchmarks/bench_gate.py` measures the cost, which is small). Means, of units as of trials,
are assumed to be normal. Deletions at no cost may each lose up to `min_effect`. Effects are
overestimated a little where a test stopped early.
"""

from dataclasses import replace

from workbench.decide.comparison import Comparison, confirm_gain, estimate_gain
from workbench.decide.discovery import level_of_test
from workbench.decide.field import Field, TrialRequest, scores
from workbench.decide.pairing import gain_at
from workbench.decide.policy import Wanted
from workbench.decide.units import compare_units
from workbench.experiment import Experiment
from workbench.ledger.study import Study
from workbench.records import Decision, Evidence, Options, Trial, Verdict

OPENING_TRIALS = 4
N_LOOKS = 3

# One-sided tail: a candidate whose upper limit at this level does not reach what the last look
# could keep is given up. 0.18 is a little less than one standard error.
HOPE_TAIL = 0.18


class Tested:
    """Screens once, then tests on fresh seeds with few looks, at a level that falls with each test.

    1. *Reference.* The incumbent runs on fresh seeds, which all candidates share: 4 to begin with,
       and 7/4 of `max_trials` as soon as a candidate gets beyond the first look. The trials that
       made it the incumbent are left out, since they were chosen for being good.
    2. *Screen.* One trial. The candidate stays *provisional* while the upper limit of its gain
       (82 %) reaches the smallest gain that the last look could keep; otherwise it is discarded.
       This is asked again after each trial.
    3. *Test.* The screening trial was chosen for being good, so it is left out. There is a look
       after a quarter, a half and all of `max_trials` fresh trials. A look keeps the candidate when
       the lower limit of the gain is above 0 and the gain reaches `min_effect`.
    4. *Level.* The level of a candidate's test comes from LORD++ (`discovery.level_of_test`). It
       counts the provisional candidates in the order of their decisions, with those now under test.
       The looks share the level 1 : 2 : 4, and the last one gets most.
    5. *Simplicity.* A candidate shorter than its parent, the incumbent, is also kept at a look when
       the lower limit of its gain (at `error_rate`, shared over the looks) is above -`min_effect`.
       That does not count as a discovery.
    """

    name = "tested"

    def __init__(self, experiment: Experiment, options: Options) -> None:
        self._objective = experiment.objective
        self._is_noisy = experiment.objective.noise != "none"
        self._has_units = experiment.objective.noise == "units"
        self._looks = _looks(experiment.objective.max_trials, self._has_units)
        self._n_max = self._looks[-1]
        # The looks share the level 1 : 2 : 4.
        total = 2 ** len(self._looks) - 1
        self._shares = {look: 2**place / total for place, look in enumerate(self._looks)}
        self._n_reference = max(OPENING_TRIALS, self._n_max * 7 // 4)
        # With units some seeds may be unusable (the incumbent failed there), so more are kept in
        # store.
        spare = 2 if self._has_units else 1
        self._n_seeds = spare * max(self._n_reference, self._n_max + 1)

    def opening(self, study: Study) -> Wanted:
        n_trials = OPENING_TRIALS if self._is_noisy and not self._has_units else 1
        return Wanted(tuple((0, index) for index in range(n_trials)))

    def judge(self, study: Study, candidate: int) -> Decision | Wanted:
        incumbent = study.require_incumbent()
        record = study.candidates[candidate].record
        is_shorter = (
            self._objective.simplicity
            and record.removed > record.added
            and record.parent == incumbent
        )
        if self._is_noisy:
            field = Field.of(study, candidate, incumbent, self._n_seeds)
            return self._judge_noisy(study, field, is_shorter)
        gain = gain_at(study, self._objective, candidate, incumbent, 0)
        if isinstance(gain, Wanted):
            return gain
        return self._judge_once(study, candidate, incumbent, gain or 0.0, is_shorter)

    def _judge_once(
        self, study: Study, candidate: int, incumbent: int, gain: float, is_shorter: bool
    ) -> Decision:
        """Decides on a deterministic objective, where one trial says everything."""
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
            why = "better, and the objective is deterministic"
            return self._decide(candidate, "keep", why, evidence)
        if gain >= 0 and is_shorter:
            return self._decide(candidate, "keep", "shorter and not worse", evidence)
        why = "no better"
        if gain > 0:
            why = f"better by less than min_effect {self._objective.min_effect:g}"
        return self._decide(candidate, "discard", why, evidence)

    def _judge_noisy(self, study: Study, field: Field, is_shorter: bool) -> Decision | Wanted:
        """Asks for the next trial, or decides: one step of the rule in the class's docstring."""
        # Units are compared seed by seed, so a candidate's trial counts once the incumbent has one
        # too.
        trials = field.paired_trials if self._has_units else field.candidate_trials
        n_fresh = len(trials) - 1  # the first trial screened the candidate
        missing = self._missing_reference(field, n_fresh)
        if field.candidate_trials and missing:
            return Wanted(missing)
        if not trials:
            return self._ask_for_next(field, missing)

        is_look = n_fresh in self._looks
        share = self._shares[n_fresh if is_look else self._n_max]
        alpha = self._level(study)
        estimate = self._estimate(study, field, trials)
        # Before there is a fresh trial, the screening trial alone says what there is to say.
        fresh = self._confirm(study, field, trials, alpha * share) if n_fresh else estimate
        if estimate is None or fresh is None:
            return self._give_up_comparing(field)

        fresh_indices = list(trials)[1:] if n_fresh else list(trials)
        evidence = fresh.evidence(study, field.incumbent, fresh_indices, alpha * share)
        if n_fresh:
            # Between looks nothing can be kept, so p stays 1 there.
            p = min(1.0, fresh.p_value() / share) if is_look else 1.0
            evidence = replace(evidence, alpha=alpha, p=p)
        if is_look:
            reason = self._reason_to_keep(fresh, evidence, share, is_shorter)
            if reason:
                return self._decide(field.candidate, "keep", reason, evidence)
        reason = self._reason_to_discard(estimate, n_fresh, alpha, is_shorter)
        if reason:
            return self._decide(field.candidate, "discard", reason, evidence)
        return self._ask_for_next(field)

    def _missing_reference(self, field: Field, n_fresh: int) -> tuple[TrialRequest, ...]:
        """The incumbent's trials that the next comparison lacks."""
        if self._has_units:
            return field.missing_pairs
        is_past_first_look = n_fresh > self._looks[0]
        return field.missing_reference(self._n_reference if is_past_first_look else OPENING_TRIALS)

    def _level(self, study: Study) -> float:
        """The level of this candidate's test.

        All candidates under test share the number that the last of them would get, so that the
        order in which they finish cannot be used to spend more of the error rate.
        """
        n_under_test = max(1, study.counts["provisional"])
        number = study.noise.n_tests + n_under_test
        return level_of_test(number, study.noise.discoveries, self._objective.error_rate)

    def _estimate(self, study: Study, field: Field, trials: dict[int, Trial]) -> Comparison | None:
        """The gain from all trials, the screening trial included: good enough to hope on."""
        reference = field.reference_trials
        if self._has_units:
            return compare_units(
                self._objective, study.noise.repeats, trials, reference, skip_first=0
            )
        return estimate_gain(
            self._objective, study.noise.repeats, scores(trials), scores(reference)
        )

    def _confirm(
        self, study: Study, field: Field, trials: dict[int, Trial], tail: float
    ) -> Comparison | None:
        """The gain from fresh trials alone: good enough to keep on."""
        reference = field.reference_trials
        if self._has_units:
            return compare_units(
                self._objective, study.noise.repeats, trials, reference, skip_first=1
            )
        return confirm_gain(
            self._objective,
            study.noise.repeats,
            scores(trials),
            scores(reference),
            skip_first=1,
            tail=tail,
        )

    def _ask_for_next(
        self, field: Field, missing: tuple[TrialRequest, ...] = ()
    ) -> Decision | Wanted:
        """The candidate's next trial and what else is missing.

        With units, also the incumbent's there.
        """
        if field.next_trial is None:
            return self._give_up_comparing(field)
        requests = [field.next_trial]
        _, index = field.next_trial
        if self._has_units and index in field.untried:
            requests.append((field.incumbent, index))
        return Wanted((*requests, *missing))

    def _give_up_comparing(self, field: Field) -> Decision:
        why = "the incumbent has no repeats to compare with"
        return self._decide(field.candidate, "discard", why, Evidence(against=field.incumbent))

    def _reason_to_keep(
        self, fresh: Comparison, evidence: Evidence, share: float, is_shorter: bool
    ) -> str:
        """Why this look keeps the candidate; empty when it does not."""
        min_effect = self._objective.min_effect
        if evidence.p is not None and evidence.alpha is not None:
            is_discovery = evidence.p <= evidence.alpha
            if is_discovery and fresh.gain >= min_effect:
                return f"better on {fresh.trials} fresh seeds"
        if is_shorter and min_effect:
            low = fresh.gain - fresh.half_width(self._objective.error_rate * share)
            if low > -min_effect:
                return (
                    f"shorter, and not worse by min_effect {min_effect:g} "
                    f"on {fresh.trials} fresh seeds"
                )
        return ""

    def _reason_to_discard(
        self, estimate: Comparison, n_fresh: int, alpha: float, is_shorter: bool
    ) -> str:
        """Why no further trial is worth its time; empty when one is."""
        if n_fresh == self._n_max:
            return f"not clearly better on {n_fresh} fresh seeds"
        best_case = estimate.gain + estimate.half_width(HOPE_TAIL)
        if best_case < self._smallest_keepable_gain(estimate, alpha, is_shorter):
            if not n_fresh:
                return "not promising on its first trial"
            seeds = "seed" if n_fresh == 1 else "seeds"
            return f"no longer promising after {n_fresh} fresh {seeds}"
        if estimate.gain <= 0 and not estimate.error:
            return (
                'no better, where no two seeds have differed so far (noise = "none" saves trials)'
            )
        return ""

    def _smallest_keepable_gain(
        self, estimate: Comparison, alpha: float, is_shorter: bool
    ) -> float:
        """The smallest gain that the last look could keep, with the noise that is known now."""
        min_effect = self._objective.min_effect
        share = self._shares[self._n_max]
        last_look = estimate.with_more_trials(self._n_max, self._n_reference)
        to_be_better = max(min_effect, last_look.half_width(alpha * share))
        if not (is_shorter and min_effect):
            return to_be_better
        to_be_no_worse = last_look.half_width(self._objective.error_rate * share) - min_effect
        return min(to_be_better, to_be_no_worse)

    def _decide(self, candidate: int, verdict: Verdict, why: str, evidence: Evidence) -> Decision:
        return Decision(
            candidate=candidate, verdict=verdict, by=self.name, why=why, evidence=evidence
        )


def _looks(max_trials: int, has_units: bool) -> tuple[int, ...]:
    """After how many fresh trials there is a look: a quarter, a half and all, but at least 2.

    With units there is one after a single trial too.
    """
    looks = {max_trials}
    looks |= {max_trials >> back for back in range(1, N_LOOKS) if max_trials >> back >= 2}
    if has_units:
        looks.add(1)
    return tuple(sorted(looks))
