"""The record kinds of the journal, and their encoding; what the loop says, the journal stores and the screens show.

Values only. A field may be added with a default; no field changes its meaning, so that old studies stay readable.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from functools import cache
from typing import Any, ClassVar, Literal, NamedTuple

from workbench.errors import StudyError
from workbench.experiment import Objective

Author = str  # a proposer's registry name, or "person" / "person:NAME"
TrialStatus = Literal["ok", "failed", "timeout", "killed", "lost", "cheated"]
Fault = Literal["", "loop", "process", "evaluator", "person"]
EndedBy = Literal["", "cascade", "early-stop"]
Verdict = Literal["keep", "discard", "revise", "defer"]
Purpose = Literal[
    "", "audit"
]  # why a trial is run: for the search, or for an examination that no decision of the search sees
AuditVerdict = Literal["holds", "too small", "does not hold", "failed"]
Weight = Literal["carries", "no weight", "unclear", "failed", "not made"]
Review = Literal["off", "keeps", "all"]
RunState = Literal["running", "paused", "finished", "stopped"]
PERSON = "person"
START = "start"  # author of the programs that a study tries before its proposer is asked


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a study is run. `seconds` and `max_usd` of 0 mean no limit; `candidates` of 0 too.

    Attributes:
        candidates: how many to propose; the baseline and what is tried with it from the start are not counted.
        slots: trials at a time; 0 lets the executor choose (one per GPU, else one per two cores).
        max_waiting: candidates that may wait for a person before no more are proposed.
        max_tokens: what proposals may take of a model, in tokens of any kind; 0 means no limit.
        model: which model proposes, or several with weights, as in `a=3,b=1`. base_url: where it is asked; empty: as the environment says.
        effort: how hard it thinks; empty: its default.
        ahead: proposals made ahead per slot while trials run; 0: only once nothing else is under way; None: as the proposer wishes.
        round: how many candidates a proposer that can is asked for at a time.
        prompt: what `evolve` or `agent` tells a model, as TOML; empty: the default (`propose.wording`).
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
    """The first record: which experiment (a frozen copy lies in `experiment/` of the study), and how it is searched.

    `settings` are those of its trials; `audit` takes the place of some of them in an audit. `also` are the programs beside the baseline
    that are tried before the proposer is asked: by digest, in their order, each with its hypothesis. From `key` the seeds of trials are
    derived: drawn at random, so that no candidate can know what it will be tried on; empty where a person chose the seed.
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
        program: digest of the program. added, removed: lines against the parent.
        hypothesis: why it should be better, in words. origin: what its proposer needs to recognise it again.
        revises: the candidate that a person made it from. request: the person's request that made it, or asked for its idea.
        without: the candidate whose change an ablation took out of the parent; such a program is no proposal.
        usd, tokens, seconds: what the proposal cost; of several that were made together, the first has it, and of several that came one
            after the other, each what was paid since the one before.
        question: the number of the question that it answers. Then its cost stands in `Called` records too, and those are what counts;
            None in studies from before there were any, and of what no proposer made.
        follows: its parent was chosen because it was the incumbent: should that change before it is tried, it is put onto the new one.
        flags: what is odd about it, in a few words each: `seed-only`, or what a row of an imported log lacks. They decide nothing.
        normal: digest of the program without comments, docstrings and layout; empty where it was not worked out.
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
        """Whether a proposer made it: neither a person nor an ablation, and the study did not begin with it."""
        return (
            self.candidate > 0
            and self.without is None
            and self.author != START
            and not self.author.startswith(PERSON)
        )


@dataclass(frozen=True, kw_only=True)
class Rebased:
    """A candidate that waits for its first trial meets a new incumbent: its change is put onto that one, where it applies.

    Attributes:
        onto: the incumbent, from now on its parent. program: what is tried, with `added`, `removed` and `normal` as in `Candidate`; empty
            where its change and the incumbent's touch the same lines: then it is tried as it was.
        flags: the candidate's, with what became of it.
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
    """A trial was handed to the executor; without a `Trial` after it, it is still running or was lost."""

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
        trial: 0, 1, ... within the candidate; `trials/0007.0/` holds its log and artifacts.
        score: the objective's metric, finite; only an `ok` trial has one.
        metrics: all named values the evaluator returned. self_reported: the candidate printed them itself.
        units: the observations whose mean the score is, where the objective's noise is `units`: at most 256, to six digits.
        reason: one line, for every status but `ok`.
        fault: who is to blame for `lost` or `killed`, if not the candidate: the loop or the trial process died, the evaluator
            failed, a person stopped it.
        ended_by: the rule that killed it, since the candidate was too bad by then; empty for every other trial.
        cut_off: it ended because its loop did, which says nothing about the machine. purpose: as in `TrialStarted`.
        beside: the incumbent whose program its evaluator ran in the same trial, to compare the two there; None for most.
        exact: the same seed gives the same score again on the same machine.
        seconds, cpu_seconds: wall and CPU time of the trial, sandboxes included. memory_mb: peak of the sandboxes.
        sandbox: level that ran it. memory_limit: `cgroup` or `watchdog`. data, evaluator: digests of what it was scored with.
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
        named = {**self.metrics, "score": 0.0 if self.score is None else self.score}
        for name, value in [*named.items(), *(("a unit", value) for value in self.units)]:
            if type(value) not in (int, float) or not math.isfinite(value):
                raise ValueError(f"{name} = {value!r} is no finite number")


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What a decision rests on; effects are gains, above 0 is better, in units of the score.

    Attributes:
        against: the incumbent it was compared with. effect: mean gain. low, high: its interval, where noise was measured.
        trials: trials of the candidate that were used. seeds: those on which both were compared.
        sd: standard deviation of one trial that was assumed; of one unit's difference, where units were compared.
        level: coverage of the interval.
        p: one-sided p-value, corrected for the looks. alpha: what it must not exceed, where the study's tests are counted.
        reference_trials: trials of the incumbent that were used.
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
    """What was decided about a candidate: `by` a policy's name or a person.

    Attributes:
        why: one line. hunks: those a `revise` keeps. request: the person's request.
        before_run: a `defer` that asks a person before anything is run.
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


@dataclass(frozen=True, kw_only=True)
class Adopted:
    """A request took effect; the records that it caused are appended in the same transaction.

    `body` repeats the request's, so that guidance, bans, forks and settings are known from the journal alone.
    """

    kind: ClassVar[str] = "adopted"
    request: str
    sequence: int
    verb: str
    body: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A request that the loop could not carry out, and why."""

    kind: ClassVar[str] = "refused"
    request: str
    sequence: int
    verb: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class StateChanged:
    """The study runs, pauses, finishes or stops, and why."""

    kind: ClassVar[str] = "state"
    state: RunState
    reason: str = ""
    fault: bool = False


@dataclass(frozen=True, kw_only=True)
class Plateau:
    """Nothing was kept in the last `candidates` decisions; once until the next keep. `why`: one line, with what follows."""

    kind: ClassVar[str] = "plateau"
    candidates: int
    why: str


@dataclass(frozen=True, kw_only=True)
class LoopStarted:
    """A loop took the pen: which process, where, with which sandbox level and how many slots."""

    kind: ClassVar[str] = "loop"
    pid: int
    host: str
    version: str
    sandbox: str
    slots: int = 1


@dataclass(frozen=True, kw_only=True)
class Called:
    """A call of a model ended, whatever comes of the proposal that it is for. `question`: the one that it was made for."""

    kind: ClassVar[str] = "called"
    question: int
    author: Author
    usd: float = 0.0
    tokens: int = 0


@dataclass(frozen=True, kw_only=True)
class ProposalFailed:
    """A proposer was asked and gave no usable program.

    Attributes:
        final: it will never give one again. fault: the proposer itself failed, not what it proposed.
        request: a person's request for one idea that it was the answer to.
        origin: what it wants to recognise the attempt by, as in `Candidate`. question: as there.
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
    """Somebody ran a step again from its exported notebook."""

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
    """A kept program beside the baseline, on seeds and settings that no decision used.

    Attributes:
        evidence: of the corrected gain: the mean of the differences under equal seeds, with its interval.
        claimed: the gain that the study's own scores showed. settings: those of the audit's trials that the study's have not.
        why: one line; where the gain does not hold, with what to do.
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
    """One kept change, taken out: `without` is its candidate, `candidate` the program without it, where one could be made.

    The evidence is of the program without the change against the one with it: below 0 the change carries that much.
    """

    without: int
    candidate: int | None
    weight: Weight
    why: str
    evidence: Evidence = Evidence()


@dataclass(frozen=True, kw_only=True)
class Ablation:
    """Each change of a kept program taken out in turn, on fresh seeds; `why` says where the program itself failed."""

    kind: ClassVar[str] = "ablation"
    request: str
    candidate: int
    rows: tuple[Ablated, ...] = ()
    why: str = ""
    settings: Mapping[str, bool | int | float | str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Unknown:
    """A record of a kind that this version does not know; kept, shown by its name, without effect on the fold."""

    kind: ClassVar[str] = "unknown"
    name: str
    body: Mapping[str, Any]


Record = (
    StudyOpened | Candidate | TrialStarted | Trial | Decision | Adopted | Refused | StateChanged | LoopStarted
    | ProposalFailed | Reproduction | Audit | Ablation | Plateau | Called | Rebased | Unknown
)  # fmt: skip

_KINDS: dict[str, type] = {
    cls.kind: cls
    for cls in (
        StudyOpened, Candidate, TrialStarted, Trial, Decision, Adopted, Refused, StateChanged, LoopStarted, ProposalFailed, Reproduction,
        Audit, Ablation, Plateau, Called, Rebased,
    )
}  # fmt: skip


class Entry(NamedTuple):
    """A record with its place in the journal and the Unix time of its writing."""

    id: int
    at: float
    record: Record


class Request(NamedTuple):
    """What a person or a tool asks of the loop: idempotent by `id`, handled in the order of `sequence`."""

    sequence: int
    id: str
    at: float
    verb: str
    body: Mapping[str, Any]


def encode(record: Record) -> tuple[str, str]:
    """The kind and the JSON body of a record.

    Raises:
        ValueError: a number is not finite.
    """
    if isinstance(record, Unknown):
        return record.name, json.dumps(dict(record.body), allow_nan=False, separators=(",", ":"))
    return record.kind, json.dumps(asdict(record), allow_nan=False, separators=(",", ":"))


def decode(kind: str, text: str) -> Record:
    """The record again; fields that this version does not know are left out, an unknown kind stays as `Unknown`."""
    body = json.loads(text)
    cls = _KINDS.get(kind)
    if cls is None:
        return Unknown(name=kind, body=body)
    record: Record = _build(cls, body)
    return record


class _Form(NamedTuple):
    """What the fields of a record are: their names, those that must be there, the values of the rest, and how some are read."""

    names: frozenset[str]
    required: frozenset[str]
    defaults: Mapping[str, Any]
    fresh: Mapping[str, Callable[[], Any]]
    read: Mapping[str, Callable[[Any], Any]]


@cache
def _form(cls: type) -> _Form:
    own = fields(cls)
    return _Form(
        names=frozenset(spec.name for spec in own),
        required=frozenset(
            spec.name for spec in own if spec.default is MISSING and spec.default_factory is MISSING
        ),
        defaults={spec.name: spec.default for spec in own if spec.default is not MISSING},
        fresh={
            spec.name: spec.default_factory for spec in own if spec.default_factory is not MISSING
        },
        read={spec.name: _READ[spec.name] for spec in own if spec.name in _READ},
    )


def _build(cls: type, body: Mapping[str, Any]) -> Any:
    """A record without a call of its constructor, which takes three times as long; what it checks was checked before it was written."""
    form = _form(cls)
    made: Any = object.__new__(cls)
    values = made.__dict__
    values.update(form.defaults)
    values.update(
        body
        if body.keys() <= form.names
        else {name: value for name, value in body.items() if name in form.names}
    )
    for name, read in form.read.items():
        if name in body:
            values[name] = read(values[name])
    for name, make in form.fresh.items():
        if name not in values:
            values[name] = make()
    if not form.required <= values.keys():
        missing = min(form.required - values.keys())
        raise StudyError(
            f"a {cls.__name__} record of this study has no {missing}; the file is damaged or of another program"
        )
    return made


_READ: dict[str, Callable[[Any], Any]] = {
    "objective": lambda body: _build(Objective, body),
    "options": lambda body: _build(Options, body),
    "evidence": lambda body: _build(Evidence, body),
    "rows": lambda rows: tuple(_build(Ablated, row) for row in rows),
    "hunks": tuple,
    "seeds": tuple,
    "units": tuple,
    "flags": tuple,
}
