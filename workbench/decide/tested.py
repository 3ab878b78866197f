"""Tested: a candidate that looks better is tried again on fresh seeds, and kept past a test that counts the whole study's tests."""

from dataclasses import dataclass, replace

from workbench.decide.comparison import Comparison, compare
from workbench.decide.discovery import level
from workbench.decide.pairing import gain_at
from workbench.decide.policy import Wanted, incumbent_of
from workbench.experiment import Experiment
from workbench.ledger.study import CandidateHistory, Study
from workbench.records import Decision, Evidence, Options, Verdict

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

    Limits are Student's with the standard deviation pooled over the study (`comparison.compare`).

    Controlled, within the limits named below: the expected share of false keeps among keeps, at `error_rate`, over the whole study;
    with nothing to be found, the probability of any keep. Sources: Jennison and Turnbull, Group Sequential Methods (2000), chapters
    2 and 10 (looks, and stopping for futility, which can only lower the error); Ramdas et al. (2017) for the level; Zrnic, Ramdas
    and Jordan, Asynchronous online testing (JMLR 2021) for counting in the tests under way.

    Not controlled: LORD++ asks for independent tests, and ours share the incumbent's trials (`tests/benchmarks/bench_gate.py`
    measures what that costs: little); the normal law is assumed of means; deletions at no cost may each lose up to `min_effect`.
    An effect is overestimated a little where the test stopped early.

    An objective without noise needs one trial: kept when the gain reaches `min_effect` and is above 0, or is 0 and the program shorter.
    """

    name = "tested"

    def __init__(self, experiment: Experiment, options: Options) -> None:
        self._objective = experiment.objective
        self._noisy = experiment.objective.noise != "none"
        self._looks = _looks(experiment.objective.max_trials)
        total = 2 ** len(self._looks) - 1
        self._shares = {look: 2**place / total for place, look in enumerate(self._looks)}
        self._reference = max(OPENING_TRIALS, self._looks[-1] * 7 // 4)

    def opening(self, study: Study) -> Wanted:
        return Wanted(tuple((0, index) for index in range(OPENING_TRIALS if self._noisy else 1)))

    def judge(self, study: Study, candidate: int) -> Decision | Wanted:
        incumbent, record = incumbent_of(study), study.candidates[candidate].record
        shorter = self._objective.simplicity and record.removed > record.added and record.parent == incumbent
        if self._noisy:
            return self._judge_noisy(study, _Field.of(study, candidate, incumbent, max(self._reference, self._looks[-1] + 1)), shorter)
        gain = gain_at(study, self._objective, candidate, incumbent, 0)
        return gain if isinstance(gain, Wanted) else self._judge_once(study, candidate, incumbent, gain or 0.0, shorter)

    def _judge_once(self, study: Study, candidate: int, incumbent: int, gain: float, shorter: bool) -> Decision:
        evidence = Evidence(against=incumbent, effect=gain, low=gain, high=gain, trials=1, seeds=(study.seed(0),), sd=0.0, level=1.0)
        if gain > 0 and gain >= self._objective.min_effect:
            return self._say(candidate, "keep", "better, and the objective is deterministic", evidence)
        if gain >= 0 and shorter:
            return self._say(candidate, "keep", "shorter and not worse", evidence)
        why = "no better" if gain <= 0 else f"better by less than min_effect {self._objective.min_effect:g}"
        return self._say(candidate, "discard", why, evidence)

    def _judge_noisy(self, study: Study, field: "_Field", shorter: bool) -> Decision | Wanted:
        """Asks for the next trial, or decides; one step of the rule in the class's docstring."""
        missing = field.missing(OPENING_TRIALS)
        if not field.own:
            return Wanted((field.next, *missing))
        if missing:
            return Wanted(missing)
        n, n_max = len(field.own) - 1, self._looks[-1]
        if missing := field.missing(self._reference if n > self._looks[0] else 0):
            return Wanted(missing)
        everything = compare(self._objective, study.repeats, field.own, field.reference)
        fresh = compare(self._objective, study.repeats, field.fresh, field.reference) if n else everything
        if everything is None or fresh is None:
            why = "the incumbent has no repeats to compare with"
            return self._say(field.candidate, "discard", why, Evidence(against=field.incumbent))
        alpha = level(study.tests + max(1, study.counts["provisional"]), study.discoveries, self._objective.error_rate)
        share = self._shares[n] if n in self._looks else self._shares[n_max]
        evidence = fresh.evidence(study, field.incumbent, list(field.fresh if n else field.own), alpha * share)
        if n:
            evidence = replace(evidence, alpha=alpha, p=min(1.0, fresh.p_value() / share) if n in self._looks else 1.0)
        if n in self._looks and (why := self._reason_to_keep(fresh, evidence, share, shorter)):
            return self._say(field.candidate, "keep", why, evidence)
        if n == n_max:
            return self._say(field.candidate, "discard", f"not clearly better on {n} fresh seeds", evidence)
        if everything.gain + everything.half(HOPE) < self._reachable(everything, alpha, shorter):
            why = f"no longer promising after {n} fresh seed{'' if n == 1 else 's'}" if n else "not promising on its first trial"
            return self._say(field.candidate, "discard", why, evidence)
        return Wanted((field.next,))

    def _reason_to_keep(self, fresh: Comparison, evidence: Evidence, share: float, shorter: bool) -> str:
        """Why this look keeps the candidate; empty when it does not."""
        smallest = self._objective.min_effect
        if evidence.p is not None and evidence.alpha is not None and evidence.p <= evidence.alpha and fresh.gain >= smallest:
            return f"better on {fresh.trials} fresh seeds"
        if shorter and smallest and fresh.gain - fresh.half(self._objective.error_rate * share) > -smallest:
            return f"shorter, and not worse by min_effect {smallest:g} on {fresh.trials} fresh seeds"
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
        return Decision(candidate=candidate, verdict=verdict, by=self.name, why=why, evidence=evidence)


@dataclass(frozen=True)
class _Field:
    """The scores that a test compares, by seed index, and the trials that may still be had.

    Attributes:
        indices: the seeds of this comparison in their order: those that did not decide about the incumbent.
        own: the candidate's scores, the screening trial first. fresh: without it. reference: the incumbent's on `indices`.
        untried: indices on which the incumbent has not run.
    """

    candidate: int
    incumbent: int
    indices: tuple[int, ...]
    own: dict[int, float]
    reference: dict[int, float]
    untried: tuple[int, ...]

    @classmethod
    def of(cls, study: Study, candidate: int, incumbent: int, size: int) -> "_Field":
        rival = study.candidates[incumbent]
        used = _deciding(rival)
        seeds = {study.seed(index): index for index in range(size + len(used))}
        indices = tuple(index for seed, index in seeds.items() if seed not in used)[:size]
        scores = _scores(rival, seeds)
        tried = {seeds.get(trial.seed) for trial in rival.trials if trial.status != "lost"}
        return cls(
            candidate,
            incumbent,
            indices,
            _scores(study.candidates[candidate], seeds),
            {index: scores[index] for index in indices if index in scores},
            tuple(index for index in indices if index not in tried),
        )

    @property
    def fresh(self) -> dict[int, float]:
        return dict(list(self.own.items())[1:])

    @property
    def next(self) -> tuple[int, int]:
        """The candidate's next trial."""
        return self.candidate, next(index for index in self.indices if index not in self.own)

    def missing(self, reference: int) -> tuple[tuple[int, int], ...]:
        """Trials that the incumbent lacks to have `reference` of them."""
        return tuple((self.incumbent, index) for index in self.untried[: max(0, reference - len(self.reference))])


def _deciding(history: CandidateHistory) -> set[int]:
    """Seeds on which a candidate was found good: its score there is too good to be compared with."""
    if history.record.parent is None:
        return set()
    keep = next((decision for decision in reversed(history.decisions) if decision.verdict == "keep"), None)
    return {trial.seed for trial in history.trials[:1]} | set(keep.evidence.seeds if keep else ())


def _scores(history: CandidateHistory, seeds: dict[int, int]) -> dict[int, float]:
    return {seeds[trial.seed]: trial.score for trial in history.trials if trial.score is not None and trial.seed in seeds}


def _looks(max_trials: int) -> tuple[int, ...]:
    """After how many fresh trials there is a look: all, a half, a quarter of them, but 2 at least."""
    return tuple(sorted({max_trials} | {max_trials >> back for back in range(1, N_LOOKS) if max_trials >> back >= 2}))
