"""Follows a study on a terminal or in a cell's output: its candidates one by one, then a summary.

Only text is written here; the live screens of a notebook are in `lab`.
"""

import shutil
from collections.abc import Sequence
from typing import TextIO

from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.study import Study
from workbench.records import Trial
from workbench.show.visible import one_line
from workbench.verbs.handle import StudyHandle
from workbench.verbs.result import INTERRUPTED, Result

# What is printed about a candidate once. One that waits may be decided later, and is printed again.
REPORTED = ("kept", "discarded", "failed", "revised", "waiting")
MAX_NUMBERS = 12
MAX_HYPOTHESIS = 160
MAX_REASON = 240
BAR_WIDTH = 20
CLEAR_LINE = "\r\x1b[K"


def follow(study: StudyHandle, out: TextIO) -> Result:
    """Shows the progress of a study until it ends; after Ctrl-C the study goes on without us.

    Args:
        study: the study.
        out: where the progress is written.
    """
    progress = Progress(study.name, out)
    try:
        progress.begin()
        study.wait(follow=progress)
    except KeyboardInterrupt:
        progress.clear()
        text = (
            f"{study.name} goes on without you; follow it: autoresearch status {study.name}; "
            f"end it: autoresearch stop --study {study.name}"
        )
        return Result(study, study.status().data, text, INTERRUPTED)
    progress.clear()
    data = study.status().data
    state = data["state"]
    text = summarize(study.name, study.study, state)
    return Result(study, data, text, choose_exit_code(study.study, state))


def choose_exit_code(study: Study, state: str) -> int:
    """0 if the study ended by itself or by a person; 2 if its input never worked; else 1."""
    if state in ("finished", "stopped"):
        return 0
    has_only_baseline = len(study.candidates) <= 1
    # A loop that failed is our mistake, whatever it was given.
    is_ours = study.reason.startswith("the loop failed")
    if study.fault and has_only_baseline and not is_ours:
        return 2
    return 1


def summarize(name: str, study: Study, state: str) -> str:
    """How a study ended: baseline, best, what was kept, and what to do next."""
    reason = f" ({one_line(study.reason)})" if study.reason else ""
    lines = [f"{name}: {state}{reason}", *_summarize_scores(study)]
    kept = [number for number in study.kept if number]
    n_candidates = max(0, study.n_candidates - 1)
    lines.append(f"kept      {len(kept)} of {n_candidates}")
    if kept:
        lines[-1] += f": {_list_last(kept)}"
    if study.waiting:
        first = study.waiting[0]
        lines.append(
            f"waiting   {_list_last(study.waiting)}; look: autoresearch show {first} {name}"
        )
    best = study.best
    if best is not None and best.number:
        lines.append(f"autoresearch export {best.number} --study {name}")
    elif state == "dead":
        lines.append(f"autoresearch resume --study {name}")
    return "\n".join(lines)


def _summarize_scores(study: Study) -> list[str]:
    """The lines about baseline and best candidate; none before the baseline has a score."""
    baseline = study.baseline
    best = study.best
    if baseline is None or baseline.score is None:
        return []
    objective = study.opened.objective
    metric = objective.name
    if study.kind.self_reported:
        metric = f"{metric} (self-reported)"
    lines = [f"baseline  {_format(baseline.score)} {metric}"]
    if baseline.spread is not None:
        lines[0] += f" (spread {_format(baseline.spread)})"
    if best is not None and best.score is not None and best.number:
        gain = objective.gain(best.score, baseline.score)
        lines.append(
            f"best      {_format(best.score)} {metric} ({gain:+.4g} against the baseline), "
            f"candidate {best.number}"
        )
    return lines


def _list_last(numbers: Sequence[int]) -> str:
    """The last few numbers, with dots in front where there are more."""
    text = ", ".join(map(str, numbers[-MAX_NUMBERS:]))
    return text if len(numbers) <= MAX_NUMBERS else f"..., {text}"


def _format(value: float) -> str:
    return f"{value:.6g}"


class Progress:
    """Prints what becomes of each candidate; called with the study whenever it has changed.

    On a terminal it also keeps one line at the bottom that says how far the study is.
    """

    def __init__(self, name: str, out: TextIO) -> None:
        self._name = name
        self._out = out
        self._is_terminal = out.isatty()
        self._n_candidates = 0  # how many have been seen
        self._undecided: set[int] = set()
        self._printed: dict[int, str] = {}  # candidate to the status that was printed
        self._n_baseline_trials = 0  # how many have been printed

    def begin(self) -> None:
        self._print(f"study {self._name} is running; Ctrl-C leaves it running")

    def __call__(self, study: Study) -> None:
        self._print_baseline(study)
        self._print_candidates(study)
        # A file or a notebook has no line that could be written over.
        if self._is_terminal:
            self._out.write(CLEAR_LINE + self._format_bar(study))
            self._out.flush()

    def _print_baseline(self, study: Study) -> None:
        """Prints the baseline's trials one by one; for a slow script they are all there is yet."""
        if study.incumbent is not None or not study.candidates:
            return
        trials = study.candidates[0].trials
        for trial in trials[self._n_baseline_trials :]:
            self.clear()
            self._print(f"baseline, trial {trial.trial + 1}: {_describe_trial(trial)}")
        self._n_baseline_trials = len(trials)

    def _print_candidates(self, study: Study) -> None:
        for history in study.candidates[self._n_candidates :]:
            # An ablation makes candidates to measure a change, which no policy decides about.
            if not history.is_ablation:
                self._undecided.add(history.number)
        self._n_candidates = len(study.candidates)
        for number in sorted(self._undecided):
            history = study.candidates[number]
            if history.status not in REPORTED:
                continue
            if self._printed.get(number) != history.status:
                self._printed[number] = history.status
                self.clear()
                self._print(describe_candidate(study, history))
            if history.status != "waiting":
                self._undecided.discard(number)

    def _print(self, text: str) -> None:
        print(text, file=self._out, flush=True)

    def clear(self) -> None:
        """Takes the line at the bottom away."""
        if self._is_terminal:
            self._out.write(CLEAR_LINE)
            self._out.flush()

    def _format_bar(self, study: Study) -> str:
        """How far the study is, on one line that fits the terminal."""
        limit = _count_expected(study)
        n_open = sum(number > 0 for number in study.open)
        n_done = max(0, study.n_candidates - 1 - n_open)
        n_kept = sum(number > 0 for number in study.kept)
        parts = [str(n_done), f"{study.counts['running']} running", f"{n_kept} kept"]
        if limit:
            n_filled = round(BAR_WIDTH * min(1.0, n_done / limit))
            bar = "#" * n_filled + "." * (BAR_WIDTH - n_filled)
            parts[0] = f"[{bar}]  {n_done}/{limit}"
        if study.best is not None and study.best.score is not None:
            parts.append(f"best {_format(study.best.score)}")
        # One column stays free: a line that fills the terminal would wrap.
        return "  ".join(parts)[: shutil.get_terminal_size().columns - 1]


def _describe_trial(trial: Trial) -> str:
    if trial.score is None:
        return f"{trial.status}: {one_line(trial.reason)}"
    return _format(trial.score)


def describe_candidate(study: Study, history: CandidateHistory) -> str:
    """What became of one candidate, on one line.

    That is its number, status, score, effect, changed lines, hypothesis and the reason of the
    decision.
    """
    record = history.record
    limit = _count_expected(study)
    number = str(record.candidate)
    status: str = history.status
    if record.candidate == 0 and status == "kept":
        status = "baseline"
    elif record.candidate and limit:
        number = f"{number}/{limit}"
    score = "-" if history.score is None else _format(history.score)
    why = ""
    if history.decision is not None:
        effect = history.decision.evidence.effect
        if effect is not None:
            score += f" ({effect:+.4g})"
        if history.decision.why:
            why = f" [{one_line(history.decision.why)}]"
    if study.kind.self_reported:
        score += " self-reported"
    hypothesis = one_line(record.hypothesis)[:MAX_HYPOTHESIS]
    lines = f"+{record.added} -{record.removed}"
    return f"{number}  {status:9}  {score}  {lines}  {hypothesis}{why[:MAX_REASON]}"


def _count_expected(study: Study) -> int:
    """How many candidates there will be, not counting those of people; 0 for no limit."""
    if not study.options.candidates:
        return 0
    return study.options.candidates + len(study.opened.also)
