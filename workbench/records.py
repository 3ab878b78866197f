"""The records of the journal: what the loop appends, the journal stores and the screens show.

Values only; `record_json.py` writes and reads them as JSON. The names of classes, fields and kinds
are a file format. A field may be added with a default, but no field is renamed or changes its
meaning, so that old studies stay readable.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, NamedTuple, get_args

from workbench.experiment import Objective

Author = str  # a proposer's registry name, or "person" / "person:NAME"
TrialStatus = Literal["ok", "failed", "timeout", "killed", "lost", "cheated"]
# The candidate is to blame. A trial that was killed or lost says nothing about it.
FailureStatus = Literal["failed", "timeout", "cheated"]
FAILURES: tuple[TrialStatus, ...] = get_args(FailureStatus)
Fault = Literal["", "loop", "process", "evaluator", "person"]
EndedBy = Literal["", "cascade", "early-stop"]
Verdict = Literal["keep", "discard", "revise", "defer"]
# Why a trial is run: for the search, or for an examination, which no decision of the search sees.
Purpose = Literal["", "audit"]
AuditVerdict = Literal["holds", "too small", "does not hold", "failed"]
Weight = Literal["carries", "no weight", "unclear", "failed", "not made"]
Review = Literal["off", "keeps", "all"]
RunState = Literal["running", "paused", "finished", "stopped"]
PERSON = "person"
START = "start"  # author of the programs that a study tries before its proposer is asked


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a study is run. `options.py` declares what each option may be.

    Attributes:
        proposer: registry name of the proposer, with its argument behind a colon.
        model: model that proposes, or several with weights, as in `a=3,b=1`.
        strategy: registry name of the strategy that chooses parents.
        policy: registry name of the policy that decides what is kept.
        review: which candidates wait for a person.
        candidates: how many to propose; 0 means no limit. The baseline and the programs that the
            study begins with are not counted.
        seconds: how long to propose; 0 means no limit.
        max_usd: US dollars that proposals may cost; 0 means no limit.
        slots: trials at a time; 0 lets the executor choose (one per GPU, else one per two cores).
        executor: registry name of what runs trials.
        seed: random seed that a person chose; not used where the study has a `key`.
        sandbox: isolation level of candidates.
        max_waiting: candidates that may wait for a person before no more are proposed.
        max_tokens: tokens of any kind that proposals may use; 0 means no limit.
        base_url: address of the model; empty leaves it to the environment.
        effort: how hard the model thinks; empty is its own default.
        ahead: proposals made ahead per slot while trials run. With 0, proposals are asked for only
            when nothing else is under way; None leaves it to the proposer.
        round: candidates that a proposer is asked for at a time, if it can make several.
        prompt: what `evolve` or `agent` tells a model, as TOML; empty is the default of
            `propose.wording`.
    """

    proposer: str = "tuner"
    model: str = ""
    strategy: str = "hillclimb"
    policy: str = "tested"
    review: Review = "off"
    candidates: int = 0
    seconds: float = 0.0
    max_usd: float = 0.0
    slots: int = 0
    executor: str = "local"
    seed: int = 0
    sandbox: str = "auto"
    max_waiting: int = 8
    max_tokens: int = 0
    base_url: str = ""
    effort: str = ""
    ahead: int | None = None
    round: int = 1
    prompt: str = ""


@dataclass(frozen=True, kw_only=True)
class StudyOpened:
    """The first record: which experiment, and how it is searched.

    Attributes:
        name: name of the study.
        experiment: name of the experiment; a frozen copy is in `experiment/` of the study.
        source: where the experiment was read from.
        experiment_digest: digest of the frozen copy.
        objective: which metric is the score, and what is known of its noise.
        options: how the study is run at the beginning.
        shape: how candidates are run, as in `call`.
        settings: settings of the study's trials.
        audit: settings that replace some of these in an audit.
        environment: versions and hardware at the beginning.
        version: version of the workbench.
        also: programs besides the baseline that are tried before the proposer is asked, in this
            order: digest to hypothesis.
        key: from which the seeds of trials are derived. It is drawn at random, so that no candidate
            can know what it will be tried on; empty where a person chose the seed.
    """

    kind: ClassVar[str] = "study"
    name: str
    experiment: str
    source: str
    experiment_digest: str
    objective: Objective
    options: Options
    shape: str
    settings: Mapping[str, bool | int | float | str] = field(default_factory=dict)
    audit: Mapping[str, bool | int | float | str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    version: str = ""
    also: Mapping[str, str] = field(default_factory=dict)
    key: str = ""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A proposed program. Number 0 is the baseline and has no parent.

    Attributes:
        candidate: its number.
        parent: number of the candidate that it was made from.
        program: digest of the program.
        author: who made it.
        hypothesis: why it should be better, in words.
        added: lines added to the parent.
        removed: lines removed from the parent.
        origin: what its proposer needs to recognise it again.
        revises: the candidate that a person made it from.
        without: the candidate whose change an ablation took out of the parent. Such a program is
            not a proposal.
        request: id of the person's request that made it, or that asked for its idea.
        usd: US dollars that the proposal cost. When one answer holds several candidates, the first
            carries the whole cost; when they are streamed, each carries what was paid since the
            previous one. The same holds for `tokens` and `seconds`.
        tokens: tokens of a model that the proposal used.
        seconds: how long the proposal took.
        flags: what is odd about it, in a few words each: `seed-only`, or what a row of an imported
            log lacks. No decision depends on them.
        normal: digest of the program without comments, docstrings and layout; empty where it was
            not worked out.
        question: number of the question that it answers. Its cost is then counted by the `Called`
            records of that question; None where no proposer made it, and in studies of versions
            without such records.
        follows: whether its parent was chosen because it was the incumbent. If another candidate
            becomes the incumbent before the first trial, it is moved onto that one.
    """

    kind: ClassVar[str] = "candidate"
    candidate: int
    parent: int | None
    program: str
    author: Author
    hypothesis: str = ""
    added: int = 0
    removed: int = 0
    origin: Mapping[str, Any] = field(default_factory=dict)
    revises: int | None = None
    without: int | None = None
    request: str = ""
    usd: float = 0.0
    tokens: int = 0
    seconds: float = 0.0
    flags: tuple[str, ...] = ()
    normal: str = ""
    question: int | None = None
    follows: bool = False

    @property
    def is_proposal(self) -> bool:
        """Whether a proposer made it: not a person, not an ablation, not the study's beginning."""
        return (
            self.candidate > 0
            and self.without is None
            and self.author != START
            and not self.author.startswith(PERSON)
        )


@dataclass(frozen=True, kw_only=True)
class Rebased:
    """A candidate that waited for its first trial met a new incumbent.

    Its change was moved onto that one, if the two do not touch the same lines.

    Attributes:
        candidate: its number.
        onto: number of the new incumbent; from now on its parent.
        program: digest of the program that is tried now. Empty where both changes touch the same
            lines; the candidate is then tried as it was.
        added: as in `Candidate`.
        removed: as in `Candidate`.
        normal: as in `Candidate`.
        flags: those of the candidate, and one that says what happened.
    """

    kind: ClassVar[str] = "rebased"
    candidate: int
    onto: int
    program: str = ""
    added: int = 0
    removed: int = 0
    normal: str = ""
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TrialStarted:
    """A trial was handed to the executor.

    Without a `Trial` after it, the trial is still running or was lost.

    Attributes:
        candidate: number of the candidate.
        trial: 0, 1, ... within the candidate.
        seed: what the evaluator draws its random numbers from.
        slot: which of the executor's slots runs it.
        purpose: what it is run for.
    """

    kind: ClassVar[str] = "trial-started"
    candidate: int
    trial: int
    seed: int
    slot: int = 0
    purpose: Purpose = ""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One evaluation of one candidate under one seed, ended.

    Attributes:
        candidate: number of the candidate.
        trial: 0, 1, ... within the candidate; `trials/0007.0/` holds its log and artifacts.
        seed: what the evaluator drew its random numbers from.
        status: how it ended.
        score: the objective's metric, finite; only an `ok` trial has one.
        metrics: all named values that the evaluator returned.
        self_reported: whether the candidate printed them itself.
        reason: one line, for every status but `ok`.
        fault: what is to blame for `lost` or `killed`, if not the candidate: the loop or the trial
            process died, the evaluator failed, or a person stopped it.
        exact: whether the same seed gives the same score again on the same machine.
        seconds: wall time, sandboxes included.
        cpu_seconds: CPU time, sandboxes included.
        memory_mb: peak memory of the sandboxes.
        sandbox: isolation level that it ran at.
        memory_limit: what enforced the memory limit, `cgroup` or `watchdog`.
        shape: how the candidate was run, as in `StudyOpened`.
        device: the GPU that it ran on, if any.
        data: digest of the data that it was scored on.
        evaluator: digest of the evaluator that scored it.
        slot: which of the executor's slots ran it.
        cut_off: whether it ended because its loop did, which says nothing about the machine.
        purpose: as in `TrialStarted`.
        units: the observations whose mean is the score, where the objective's noise is `units`: at
            most 256, rounded to six digits.
        ended_by: the rule that ended it early because the candidate was doing too badly; empty for
            every other trial.
        beside: the incumbent whose program the evaluator ran in the same trial, to compare the two;
            None for most trials.
    """

    kind: ClassVar[str] = "trial"
    candidate: int
    trial: int
    seed: int
    status: TrialStatus
    score: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    self_reported: bool = False
    reason: str = ""
    fault: Fault = ""
    exact: bool = False
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    memory_mb: float = 0.0
    sandbox: str = ""
    memory_limit: str = ""
    shape: str = ""
    device: str = ""
    data: str = ""
    evaluator: str = ""
    slot: int = 0
    cut_off: bool = False
    purpose: Purpose = ""
    units: tuple[float, ...] = ()
    ended_by: EndedBy = ""
    beside: int | None = None

    def __post_init__(self) -> None:
        if (self.score is not None) != (self.status == "ok"):
            raise ValueError(
                f"a trial has a score exactly when it is ok, not {self.status} with {self.score}"
            )
        numbers = dict(self.metrics)
        if self.score is not None:
            numbers["score"] = self.score
        units = [("a unit", value) for value in self.units]
        for name, value in [*numbers.items(), *units]:
            if type(value) not in (int, float) or not math.isfinite(value):
                raise ValueError(f"{name} = {value!r}; it must be a finite number")


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What a decision rests on.

    Effects are gains in units of the score: above 0 is better.

    Attributes:
        against: number of the incumbent that it was compared with.
        effect: mean gain.
        low: lower end of its interval, where noise was measured.
        high: upper end of its interval.
        trials: how many trials of the candidate were used.
        seeds: the seeds under which both were compared.
        sd: standard deviation that was assumed for one trial; where units were compared, of the
            difference of one unit.
        level: coverage of the interval.
        p: one-sided p-value, corrected for looking more than once.
        alpha: what `p` must not exceed, where the tests of the study are counted.
        reference_trials: how many trials of the incumbent were used.
    """

    against: int | None = None
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    trials: int = 0
    seeds: tuple[int, ...] = ()
    sd: float | None = None
    level: float | None = None
    p: float | None = None
    alpha: float | None = None
    reference_trials: int = 0


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What was decided about a candidate.

    Attributes:
        candidate: number of the candidate.
        verdict: what was decided.
        by: name of the policy, or the person.
        why: one line.
        evidence: what it rests on.
        hunks: numbers of the hunks that a `revise` keeps.
        request: id of the person's request; empty when no person decided.
        before_run: whether a `defer` asks a person before anything is run.
        rejected: numbers of the hunks that the person rejected; empty in a journal of an earlier
            version, where all hunks but those in `hunks` were rejected.
    """

    kind: ClassVar[str] = "decision"
    candidate: int
    verdict: Verdict
    by: Author
    why: str = ""
    evidence: Evidence = Evidence()
    hunks: tuple[int, ...] = ()
    request: str = ""
    before_run: bool = False
    rejected: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Adopted:
    """A request took effect; the records that it caused are appended in the same transaction.

    Attributes:
        request: id of the request.
        sequence: its place in the order in which requests are answered.
        verb: which request it is.
        body: its fields, and what the loop added to them, so that guidance, bans, forks and
            settings are known from the journal alone. `requests.read_adopted` reads it.
    """

    kind: ClassVar[str] = "adopted"
    request: str
    sequence: int
    verb: str
    body: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A request that the loop could not carry out.

    Attributes:
        request: id of the request.
        sequence: its place in the order in which requests are answered.
        verb: which request it is.
        reason: why, in one line.
    """

    kind: ClassVar[str] = "refused"
    request: str
    sequence: int
    verb: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class StateChanged:
    """The study runs, pauses, finishes or stops.

    Attributes:
        state: what it does from now on.
        reason: why, in one line.
        fault: whether it pauses because something failed.
    """

    kind: ClassVar[str] = "state"
    state: RunState
    reason: str = ""
    fault: bool = False


@dataclass(frozen=True, kw_only=True)
class Plateau:
    """Nothing was kept for a while; written once until something is kept again.

    Attributes:
        candidates: how many decisions in a row kept nothing.
        why: one line, with what follows from it.
    """

    kind: ClassVar[str] = "plateau"
    candidates: int
    why: str


@dataclass(frozen=True, kw_only=True)
class LoopStarted:
    """A loop began to work on the study.

    Attributes:
        pid: its process.
        host: the machine.
        version: version of the workbench.
        sandbox: isolation level of its trials.
        slots: how many trials it runs at a time.
    """

    kind: ClassVar[str] = "loop"
    pid: int
    host: str
    version: str
    sandbox: str
    slots: int = 1


@dataclass(frozen=True, kw_only=True)
class Called:
    """A call of a model ended, whatever becomes of the proposal that it is for.

    Attributes:
        question: number of the question that it was made for.
        author: registry name of the proposer.
        usd: US dollars that it cost.
        tokens: tokens that it used.
    """

    kind: ClassVar[str] = "called"
    question: int
    author: Author
    usd: float = 0.0
    tokens: int = 0


@dataclass(frozen=True, kw_only=True)
class ProposalFailed:
    """A proposer was asked and gave no usable program.

    Attributes:
        author: registry name of the proposer.
        reason: why, in one line.
        final: whether it will never give a program again.
        fault: whether the proposer itself failed, and not what it proposed.
        usd: as in `Candidate`.
        tokens: as in `Candidate`.
        origin: what the proposer wants to recognise the attempt by, as in `Candidate`.
        request: id of a person's request for one idea, where this was the answer to it.
        question: as in `Candidate`.
    """

    kind: ClassVar[str] = "proposal-failed"
    author: Author
    reason: str
    final: bool = False
    fault: bool = False
    usd: float = 0.0
    tokens: int = 0
    origin: Mapping[str, Any] = field(default_factory=dict)
    request: str = ""
    question: int | None = None


@dataclass(frozen=True, kw_only=True)
class Reproduction:
    """A step was run again from its exported notebook.

    Attributes:
        candidate: number of the candidate.
        reproduced: whether the score came out as recorded.
        got: the score of the new run; None where it has none.
        recorded: the score in the study; None where it has none.
        tolerance: how far apart the two may be; None where they were not compared.
        why: one line about the verdict.
        environment: versions and hardware of the new run.
        request: id of the request that recorded it.
    """

    kind: ClassVar[str] = "reproduction"
    candidate: int
    reproduced: bool
    got: float | None
    recorded: float | None
    tolerance: float | None = None
    why: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    request: str = ""


@dataclass(frozen=True, kw_only=True)
class Audit:
    """A kept program compared with the baseline, on seeds and settings that no decision used.

    Attributes:
        request: id of the request.
        candidate: number of the kept program.
        against: number of what it was compared with.
        verdict: whether the gain holds.
        why: one line; where the gain does not hold, with what to do.
        evidence: of the corrected gain: the mean difference under equal seeds, with its interval.
        claimed: the gain that the study's own scores showed.
        settings: settings of the audit's trials that differ from the study's.
    """

    kind: ClassVar[str] = "audit"
    request: str
    candidate: int
    against: int = 0
    verdict: AuditVerdict
    why: str
    evidence: Evidence = Evidence()
    claimed: float | None = None
    settings: Mapping[str, bool | int | float | str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Ablated:
    """One kept change, taken out: a row of an ablation.

    Attributes:
        without: number of the candidate that made the change.
        candidate: number of the program without it; None where none could be made.
        weight: what the change carries.
        why: one line about it.
        evidence: of the program without the change against the one with it. An effect below 0 is
            what the change carries.
    """

    without: int
    candidate: int | None
    weight: Weight
    why: str
    evidence: Evidence = Evidence()


@dataclass(frozen=True, kw_only=True)
class Ablation:
    """Each change of a kept program taken out in turn, on fresh seeds.

    Attributes:
        request: id of the request.
        candidate: number of the kept program.
        rows: one per change, oldest first.
        why: where the program itself failed, how; else empty.
        settings: as in `Audit`.
    """

    kind: ClassVar[str] = "ablation"
    request: str
    candidate: int
    rows: tuple[Ablated, ...] = ()
    why: str = ""
    settings: Mapping[str, bool | int | float | str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Unknown:
    """A record of a kind that this version does not know.

    It is kept and shown by its name, and has no effect.

    Attributes:
        name: its kind.
        body: its fields.
    """

    kind: ClassVar[str] = "unknown"
    name: str
    body: Mapping[str, Any]


Record = (
    StudyOpened | Candidate | TrialStarted | Trial | Decision | Adopted | Refused | StateChanged
    | LoopStarted | ProposalFailed | Reproduction | Audit | Ablation | Plateau | Called | Rebased
    | Unknown
)  # fmt: skip


class Entry(NamedTuple):
    """A record with its place in the journal.

    Attributes:
        id: 1, 2, ... in the order of writing.
        at: Unix time of the writing.
        record: the record itself.
    """

    id: int
    at: float
    record: Record
