"""Every message between a study's feed and a screen, as typed dictionaries.

Types only: nothing here reads a journal or sends anything. `extensions/src/protocol.ts` is
generated from this module by `typescript.py`, comments and docstrings included. Texts in messages
come from candidates and models: a screen puts them into text nodes, never into markup.
"""

from typing import Annotated, Any, Literal, NotRequired, TypedDict, get_args, get_type_hints

from workbench import experiment, options, records
from workbench.ledger.candidate import CandidateStatus
from workbench.show import marks, views
from workbench.verbs import table

# Raised whenever an older page would misread a message; the feed then asks it to reload.
PROTOCOL = 2

RunState = views.State
# `unknown`: a row of an imported log that the log does not decide.
RowStatus = Literal[CandidateStatus, "unknown"]
STATUSES: tuple[RowStatus, ...] = get_args(RowStatus)
# How plots mark a candidate: colour and shape follow from it.
Kind = marks.Kind
Goal = experiment.Goal
Verdict = records.Verdict
Review = records.Review
HunkState = Literal["open", "accepted", "rejected"]
# The requests that a screen may file.
Verb = Annotated[str, tuple(table.list_names("screens"))]


class Metric(TypedDict):
    """A metric that the experiment weighs against others."""

    name: str
    goal: Goal


class Objective(TypedDict):
    """What is optimised.

    Attributes:
        min_effect: the smallest gain worth having, in units of the score.
        max_trials: how many trials a decision may take.
    """

    name: str
    goal: Goal
    min_effect: float
    noise: str
    max_trials: int


class StudyInfo(TypedDict):
    """What never changes about a study.

    Attributes:
        path: absolute path of the study's folder.
        opened_at: Unix seconds; tells apart two studies that had the same path.
        metrics: what the experiment weighs, at least two; empty if only the score counts.
        shape: how candidates are evaluated.
        self_reported: whether candidates, or an imported log, claim the scores.
        read_only: whether it is an imported log, about which nothing can be decided.
        cell: whether the study began with a notebook cell.
    """

    name: str
    path: str
    experiment: str
    opened_at: float
    objective: Objective
    metrics: list[Metric]
    shape: str
    self_reported: bool
    read_only: bool
    cell: bool


# The options that screens show; see `workbench/options.py`. A limit of 0 means no limit.
Options = Annotated[
    dict[str, Any],
    tuple((name, get_type_hints(records.Options)[name]) for name in options.ON_SCREENS),
]


class Counts(TypedDict):
    """How many candidates have each status, without the baseline.

    Attributes:
        candidates: all of them, except what an ablation tried.
        proposed: how many a proposer made, which the budget counts.
    """

    queued: int
    running: int
    provisional: int
    waiting: int
    kept: int
    discarded: int
    failed: int
    revised: int
    ablated: int
    unknown: int
    candidates: int
    proposed: int


class Spent(TypedDict):
    """What the study has cost so far.

    Attributes:
        seconds: those during which a loop ran.
    """

    seconds: float
    usd: float
    tokens: int
    trials: int


class BaselineScore(TypedDict):
    """The baseline's mean score, and the standard deviation over its seeds."""

    score: float | None
    spread: float | None


class BestScore(TypedDict):
    """The best kept candidate; the baseline is candidate 0."""

    candidate: int | None
    score: float | None


class RunningTrial(TypedDict):
    """A trial under way.

    Attributes:
        started_at: Unix seconds on the sender's clock.
    """

    candidate: int
    trial: int
    seed: int
    started_at: float


class FailedProposals(TypedDict):
    """Proposals that failed in the whole study, and why the last one did."""

    failed: int
    last: str


class StudyState(TypedDict):
    """How the study stands; sent whole with every change.

    Attributes:
        at: Unix seconds on the sender's clock.
        fault: whether it paused because something is broken, not because a person asked for it.
        alive: whether a loop holds the lease. If not, a running study has a loop that is starting.
        waiting: candidates that wait for a person's decision.
        sandbox: the isolation level that trials run under.
        guidance: the newest sentences for the proposer.
        banned: the newest ideas that it must not try again.
        audit: the audit or ablation under way, or the last one, in one line.
    """

    at: float
    state: RunState
    reason: str
    fault: bool
    alive: bool
    options: Options
    counts: Counts
    spent: Spent
    baseline: BaselineScore
    best: BestScore
    incumbent: int | None
    waiting: list[int]
    running: list[RunningTrial]
    sandbox: str
    proposals: FailedProposals
    guidance: list[str]
    banned: list[str]
    audit: str


class Row(TypedDict):
    """One candidate in the table and the plots.

    Attributes:
        spread: standard deviation of the score over its seeds.
        effect: gain over the candidate that it was compared with; above 0 is better.
        low: lower end of the effect's interval.
        high: upper end of it.
        seconds: of all its trials in the search.
        revises: the candidate that a person made it from.
        weighed: means of what the experiment weighs, in the order of `metrics`.
        vetoed: whether a person discarded it, or kept only some of its hunks.
        kind: how plots mark it; null if they leave it out.
        barred: whether it, or a change that it builds on, was vetoed.
        at: Unix seconds of the proposal.
        usd: cost of the proposal.
        notes: what people noted about it, with author and time.
    """

    candidate: int
    parent: int | None
    status: RowStatus
    score: float | None
    spread: float | None
    effect: float | None
    low: float | None
    high: float | None
    trials: int
    seconds: float
    added: int
    removed: int
    author: str
    hypothesis: str
    why: str
    flags: list[str]
    pinned: bool
    revises: int | None
    weighed: list[float | None]
    vetoed: bool
    kind: Kind | None
    barred: bool
    at: float
    usd: float
    notes: list[str]


# One array for each field of a row, which takes a third of the bytes of a list of rows.
Columns = dict[str, list[Any]]


class Frontier(TypedDict):
    """The candidates that no other one beats in either of two metrics without losing in the other.

    Attributes:
        x: the metric on the horizontal axis.
        y: the metric on the vertical axis.
        candidates: the best one in `x` first.
    """

    x: str
    y: str
    candidates: list[int]


class Trend(TypedDict):
    """A figure that grows with the study, as a line through candidates.

    Attributes:
        name: what the figure is called.
        x_title: of the horizontal axis.
        y_title: of the vertical axis.
        candidates: where the line has its points, from left to right.
        xs: of each point.
        ys: of each point.
    """

    name: str
    x_title: str
    y_title: str
    candidates: list[int]
    xs: list[float]
    ys: list[float]


class Plots(TypedDict):
    """What plots show beyond the rows.

    Attributes:
        window: from the best kept score to the baseline's, with some room; null before a gain.
        worst: a score worse than this one is clearly worse than the baseline; null before a gain.
        leaders: kept candidates that were better than all kept before, in order.
        frontiers: one for every pair of metrics that the experiment weighs.
        trends: figures that have at least one point.
    """

    window: tuple[float, float] | None
    worst: float | None
    leaders: list[int]
    frontiers: list[Frontier]
    trends: list[Trend]


class Series(TypedDict):
    """One curve of one trial. Its points follow in `PointsMessage`."""

    id: int
    candidate: int
    trial: int
    name: str
    self_reported: bool
    running: bool


# A piece of a line: its text, the class of its syntax colour, and 1 if the piece itself changed.
# Classes: `k` keyword, `s` string, `c` comment, `n` number, `b` builtin, `d` decorator,
# `f` function, `t` type, `o` operator, and `m` for a remark that is not part of the file.
Span = tuple[str, str, Literal[0, 1]]


class Line(TypedDict):
    """A line of a diff.

    Attributes:
        kind: unchanged, removed or added.
        old: its number in the old file, from 1.
        new: its number in the new file, from 1.
    """

    kind: Literal[" ", "-", "+"]
    old: int | None
    new: int | None
    spans: list[Span]


class LinesPart(TypedDict):
    """Unchanged lines around a hunk."""

    type: Literal["lines"]
    lines: list[Line]


class GapPart(TypedDict):
    """Unchanged lines that are left out."""

    type: Literal["gap"]
    count: int


class HunkPart(TypedDict):
    """A hunk, and what a person decided about it."""

    type: Literal["hunk"]
    id: int
    header: str
    state: HunkState
    lines: list[Line]


Part = LinesPart | GapPart | HunkPart


class FileDiff(TypedDict):
    """What a candidate changes in one file."""

    path: str
    change: Literal["changed", "added", "deleted", "mode"]
    parts: list[Part]


class TrialView(TypedDict):
    """A trial that has ended."""

    trial: int
    seed: int | None
    status: str
    score: float | None
    seconds: float
    cpu_seconds: float
    memory_mb: float
    sandbox: str
    memory_limit: str
    device: str
    reason: str
    self_reported: bool
    purpose: str


class DecisionView(TypedDict):
    """A decision and its evidence.

    Attributes:
        at: Unix seconds.
        before_run: whether it only asks a person before anything is run.
        hunks: those that a `revise` keeps.
        rejected: those that the person rejected; the others were left out.
        effect: gain; above 0 is better.
        level: coverage of the interval, as 0.95.
        against: the candidate that it was compared with.
        alpha: what `p` must not exceed.
        sd: standard deviation of one trial that the test assumed.
    """

    verdict: Verdict
    by: str
    why: str
    at: float
    before_run: bool
    hunks: list[int]
    rejected: list[int]
    effect: float | None
    interval: tuple[float, float] | None
    level: float | None
    against: int | None
    trials: int
    reference_trials: int
    p: float | None
    alpha: float | None
    sd: float | None


class IncumbentScore(TypedDict):
    """The candidate that the next one has to beat."""

    candidate: int
    score: float | None


class Cost(TypedDict):
    """What a proposal cost."""

    usd: float
    tokens: int
    seconds: float


class Card(Row):
    """A candidate in full, as the review card shows it.

    Attributes:
        program: digest of the program that the person sees; every decision repeats it.
        curves: names of the series of its last trial.
        log: the end of its last trial's output.
        descendants: kept or open candidates made from it, which a veto would discard too.
        can_be_tried: whether a veto came before any trial, so that accepting it takes that back.
        revised_by: the newest candidate that a person made from some of its hunks.
    """

    program: str
    parent_program: str | None
    self_reported: bool
    incumbent: IncumbentScore | None
    decisions: list[DecisionView]
    trial_list: list[TrialView]
    metrics: dict[str, float]
    cost: Cost
    files: list[FileDiff]
    curves: list[str]
    log: str
    descendants: list[int]
    can_be_tried: bool
    revised_by: int | None


class CellText(TypedDict):
    """The notebook cell that the study began with.

    Attributes:
        original: the cell as it was.
        text: the cell with the candidate's program in it.
    """

    candidate: int
    original: str
    text: str


class WorkPiece(TypedDict):
    """A piece of a proposer's work.

    Attributes:
        number: stays the same while the piece grows.
        kind: `thinking`, `text`, `input` (for a tool), `tool`, `diff` or `check`.
        text: of the first three kinds the end, which grows; of the others what was done or found.
    """

    number: int
    kind: str
    text: str


class Work(TypedDict):
    """A proposal that is being made.

    Attributes:
        since: Unix seconds.
        turn: number of the model call under way.
        tokens: of the calls before that one.
    """

    number: int
    since: float
    model: str
    turn: int
    tokens: int
    pieces: list[WorkPiece]


class SnapshotMessage(TypedDict):
    """Everything; the answer to `hello`."""

    type: Literal["snapshot"]
    protocol: int
    study: StudyInfo
    state: StudyState
    columns: Columns
    plots: Plots


class ChangesMessage(TypedDict):
    """What changed since the last snapshot or change.

    Attributes:
        rows: those that are new or different.
        plots: left out if they are as before.
    """

    type: Literal["changes"]
    state: StudyState
    rows: list[Row]
    plots: NotRequired[Plots]


class SeriesMessage(TypedDict):
    """Series that are new, or that have just ended."""

    type: Literal["series"]
    series: list[Series]


class PointsMessage(TypedDict):
    """New points of some series; the buffer holds all steps as float64, then all values as float32.

    Attributes:
        counts: id, number of points, id, number of points, and so on.
    """

    type: Literal["points"]
    counts: list[int]


class GoneMessage(TypedDict):
    """Ids of series to drop: their trials ended a while ago, and no view watches them."""

    type: Literal["gone"]
    series: list[int]


class CardMessage(TypedDict):
    """The answer to a question for a card."""

    type: Literal["card"]
    card: Card


class FilesMessage(TypedDict):
    """A candidate's files by path, every character as it is."""

    type: Literal["files"]
    candidate: int
    files: dict[str, str]


class CellMessage(CellText):
    """The answer to a question for the cell."""

    type: Literal["cell"]


class WorkMessage(TypedDict):
    """All proposals that are being made. After a snapshot there are none until this says so."""

    type: Literal["work"]
    works: list[Work]


class FiledMessage(TypedDict):
    """A request is stored; the loop has not answered it yet."""

    type: Literal["filed"]
    decision_id: str


class AnsweredMessage(TypedDict):
    """The loop adopted or refused a request.

    Attributes:
        candidate: the one that the request made.
    """

    type: Literal["answered"]
    decision_id: str
    adopted: bool
    reason: str
    candidate: int | None


class ErrorMessage(TypedDict):
    """Something that could not be done.

    Attributes:
        about: the kind of message that it answers, or the part that failed.
    """

    type: Literal["error"]
    about: str
    message: str
    candidate: NotRequired[int]
    decision_id: NotRequired[str]


class BeatMessage(TypedDict):
    """The feed is alive; sent every two seconds.

    Attributes:
        at: Unix seconds on the sender's clock.
    """

    type: Literal["beat"]
    at: float


FromFeed = (
    SnapshotMessage | ChangesMessage | SeriesMessage | PointsMessage | GoneMessage | CardMessage
    | FilesMessage | CellMessage | WorkMessage | FiledMessage | AnsweredMessage | ErrorMessage
    | BeatMessage
)  # fmt: skip


class HelloMessage(TypedDict):
    """Asks for a snapshot, and for all that follows.

    Attributes:
        pending: ids of requests that the screen still waits for.
    """

    type: Literal["hello"]
    protocol: int
    pending: list[str]


class WatchMessage(TypedDict):
    """Names the candidates whose finished curves are wanted, instead of those named before."""

    type: Literal["watch"]
    candidates: list[int]


class CardQuestion(TypedDict):
    """Asks for a card.

    Attributes:
        context: unchanged lines around each hunk; -1 for the whole file.
    """

    type: Literal["card"]
    candidate: int
    context: int


class FilesQuestion(TypedDict):
    """Asks for a candidate's files, to edit them."""

    type: Literal["files"]
    candidate: int


class CellQuestion(TypedDict):
    """Asks for the cell that the study began with, with a candidate's program in it."""

    type: Literal["cell"]
    candidate: int


class Request(TypedDict):
    """What a person asks of the loop; `workbench/requests.py` says which body belongs to a verb.

    Attributes:
        decision_id: chosen by the screen; filing the same id again has no effect.
    """

    decision_id: str
    verb: Verb
    body: dict[str, Any]


class RequestMessage(Request):
    """Files a request."""

    type: Literal["request"]


ToFeed = HelloMessage | WatchMessage | CardQuestion | FilesQuestion | CellQuestion | RequestMessage


class ShelfCounts(TypedDict):
    """How many candidates of a study have each fate, without the baseline."""

    candidates: int
    kept: int
    discarded: int
    failed: int
    waiting: int


class ShelfObjective(TypedDict):
    """What a study optimises."""

    name: str
    goal: Goal


class StudyEntry(TypedDict):
    """One study in the list of all studies under the server's root.

    Attributes:
        path: absolute path of the study's folder.
        folder: where its `studies/` lies, from the root; empty for the root itself.
        opened_at: Unix seconds of the first record.
        last_at: Unix seconds of the last record.
        waiting: candidates that wait for a person's decision.
        fault: whether it paused because something failed.
    """

    study: str
    experiment: str
    state: RunState
    reason: str
    objective: ShelfObjective
    counts: ShelfCounts
    baseline: BaselineScore
    best: BestScore
    self_reported: bool
    path: str
    folder: str
    opened_at: float
    last_at: float
    waiting: list[int]
    fault: bool


class Unreadable(TypedDict):
    """A study that cannot be read, and why."""

    path: str
    message: str


class Listing(TypedDict):
    """All studies under the server's root, the one written to last first."""

    studies: list[StudyEntry]
    unreadable: list[Unreadable]
