"""`autoresearch`: the verbs in a shell. Prints text or JSON, follows a study to its end, and turns errors into one line."""

import json
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from workbench.errors import UsageError, WorkbenchError
from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.study import Study
from workbench.show.visible import one_line, visible
from workbench.verbs import dispatch
from workbench.verbs.dispatch import Result, Where
from workbench.verbs.handle import StudyHandle

ENDED = ("kept", "discarded", "failed", "revised", "waiting")
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0 done; 1 the work failed; 2 wrong usage or input; 130 interrupted. Errors are one line on stderr."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        parsed = dispatch.read(given)
        out = (
            sys.stderr if parsed.json else sys.stdout
        )  # with --json stdout holds one JSON value and nothing else
        result = dispatch.run(parsed, Where(Path.cwd(), follow=lambda study: follow(study, out)))
        _print(result, parsed.json)
    except WorkbenchError as error:
        print(f"autoresearch: {one_line(str(error))}", file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    except KeyboardInterrupt:
        print("autoresearch: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # `autoresearch log | head`: whoever read has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return result.exit_code


def _print(result: Result, as_json: bool) -> None:
    text = (
        json.dumps(result.data, indent=2, allow_nan=False)
        if as_json
        else result.text or str(result.value)
    )
    print(visible(text) if sys.stdout.isatty() else text, flush=True)
    if result.newest:
        print(f"study {result.newest}, the newest here; another one: --study NAME", file=sys.stderr)


def follow(study: StudyHandle, out: TextIO) -> Result:
    """Shows a study's progress until it ends: what became of each candidate, and on a terminal a line that says how far it is."""
    progress = Progress(study.name, out)
    try:
        progress.begin()
        study.wait(follow=progress)
    except KeyboardInterrupt:
        progress.clear()
        text = f"{study.name} goes on without you; follow it: autoresearch status {study.name}; end it: autoresearch stop --study {study.name}"
        return Result(study, study.status().data, text, INTERRUPTED)
    progress.clear()
    data = study.status().data
    return Result(
        study,
        data,
        summary(study.name, study.study, data["state"]),
        exit_code(study.study, data["state"]),
    )


def exit_code(study: Study, state: str) -> int:
    """0 when the study ended by itself or a person ended it; 2 when what it was given never worked; 1 otherwise."""
    if state in ("finished", "stopped"):
        return 0
    return (
        2
        if study.fault
        and len(study.candidates) <= 1
        and not study.reason.startswith("the loop failed")
        else 1
    )


def summary(name: str, study: Study, state: str) -> str:
    """How it ended, the baseline, the best, what was kept, and what to do next."""
    goal, baseline, best = study.opened.objective, study.baseline, study.best
    metric = f"{goal.name} (self-reported)" if study.opened.shape == "claimed" else goal.name
    lines = [f"{name}: {state}" + (f" ({one_line(study.reason)})" if study.reason else "")]
    if baseline is not None and baseline.score is not None:
        spread = study.spread(0)
        lines.append(
            f"baseline  {_number(baseline.score)} {metric}"
            + ("" if spread is None else f" (spread {_number(spread)})")
        )
        if best is not None and best.score is not None and best.number:
            gain = goal.gain(best.score, baseline.score)
            lines.append(
                f"best      {_number(best.score)} {metric} ({gain:+.4g} against the baseline), candidate {best.number}"
            )
    kept = [number for number in study.kept if number]
    lines.append(
        f"kept      {len(kept)} of {max(0, study.n_candidates - 1)}"
        + (f": {_few(kept)}" if kept else "")
    )
    if study.waiting:
        lines.append(
            f"waiting   {_few(study.waiting)}; look: autoresearch show {study.waiting[0]} {name}"
        )
    if best is not None and best.number:
        lines.append(f"autoresearch export {best.number} --study {name}")
    elif state == "dead":
        lines.append(f"autoresearch resume --study {name}")
    return "\n".join(lines)


def _few(numbers: Sequence[int]) -> str:
    return (
        ", ".join(map(str, numbers[-12:]))
        if len(numbers) <= 12
        else f"..., {', '.join(map(str, numbers[-12:]))}"
    )


def _number(value: float) -> str:
    return f"{value:.6g}"


class Progress:
    """Prints each candidate's end once; on a terminal it also keeps one line at the bottom that says how far the study is."""

    def __init__(self, name: str, out: TextIO) -> None:
        self._name, self._out, self._terminal = name, out, out.isatty()
        self._known, self._open, self._n_opening = 0, set[int](), 0
        self._said: dict[int, str] = {}

    def begin(self) -> None:
        print(
            f"study {self._name} is running; Ctrl-C leaves it running", file=self._out, flush=True
        )

    def __call__(self, study: Study) -> None:
        self._say_opening(study)
        self._open |= {
            number
            for number in range(self._known, len(study.candidates))
            if not study.candidates[number].is_ablation
        }
        self._known = len(study.candidates)
        for number in sorted(self._open):
            history = study.candidates[number]
            if history.status in ENDED and self._said.get(number) != history.status:
                self._said[number] = history.status
                self.clear()
                print(line(study, history), file=self._out, flush=True)
            if history.status in ENDED and history.status != "waiting":
                self._open.discard(number)
        if self._terminal:
            self._out.write("\r\x1b[K" + self._bar(study))
            self._out.flush()

    def _say_opening(self, study: Study) -> None:
        """The baseline's trials one by one: on a slow objective they are all there is to see for a while."""
        trials = study.candidates[0].trials if study.incumbent is None and study.candidates else []
        for trial in trials[self._n_opening :]:
            self.clear()
            result = (
                _number(trial.score)
                if trial.score is not None
                else f"{trial.status}: {one_line(trial.reason)}"
            )
            print(f"baseline, trial {trial.trial + 1}: {result}", file=self._out, flush=True)
        self._n_opening = max(self._n_opening, len(trials))

    def clear(self) -> None:
        """Takes the line at the bottom away."""
        if self._terminal:
            self._out.write("\r\x1b[K")
            self._out.flush()

    def _bar(self, study: Study) -> str:
        limit, best = _limit(study), study.best
        done = max(0, study.n_candidates - 1 - sum(number > 0 for number in study.open))
        parts = [
            f"{done}/{limit}" if limit else str(done),
            f"{study.counts['running']} running",
            f"{len([n for n in study.kept if n])} kept",
        ]
        if best is not None and best.score is not None:
            parts.append(f"best {_number(best.score)}")
        if limit:
            filled = round(20 * min(1.0, done / limit))
            parts.insert(0, f"[{'#' * filled}{'.' * (20 - filled)}]")
        return "  ".join(parts)[: shutil.get_terminal_size().columns - 1]


def line(study: Study, history: CandidateHistory) -> str:
    """What became of one candidate, on one line: number, score, verdict, lines changed, why it was tried, why it was decided."""
    record, decision = history.record, history.decision
    total = f"/{_limit(study)}" if _limit(study) and record.candidate else ""
    status = history.status if record.candidate or history.status != "kept" else "baseline"
    score = "-" if history.score is None else _number(history.score)
    effect = (
        ""
        if decision is None or decision.evidence.effect is None
        else f" ({decision.evidence.effect:+.4g})"
    )
    why = f" [{one_line(decision.why)}]" if decision is not None and decision.why else ""
    own = " self-reported" if study.opened.shape == "claimed" else ""
    text = f"{record.candidate}{total}  {status:9}  {score}{effect}{own}  +{record.added} -{record.removed}"
    return f"{text}  {one_line(record.hypothesis)[:160]}{why[:240]}"


def _limit(study: Study) -> int:
    """How many candidates there will be, people's left out; 0 where there is no limit."""
    return study.options.candidates and study.options.candidates + len(study.opened.also)


if __name__ == "__main__":
    sys.exit(main())
