"""History files: the history of a study as read-only files that are made when they are read.

They are not in a file system, so no path leads out of them. They hold what the search knows:
programs, patches, hypotheses, decisions with their evidence, and metrics, curves and logs of its
trials. They cannot hold the evaluator and its data, seeds, audits, or what an ablation tried,
because nothing here can reach these.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.curves import Curve
from workbench.program import Patch, Program
from workbench.propose import prompt
from workbench.propose.proposer import Brief
from workbench.records import Decision, Trial

Level = Literal["scores", "summaries", "full"]
LEVELS: tuple[Level, ...] = ("scores", "summaries", "full")
# The files that each level adds. Models are shown these texts.
LAYOUT: Mapping[Level, str] = {
    "scores": """\
program.md                       what the problem is
candidates.tsv                   one line per candidate
candidates/0003/result.json      status, score, metrics of every trial
candidates/0003/patch.diff       what changed against its parent
candidates/0003/program/         its files""",
    "summaries": """\
failed.tsv                       proposals that became no candidate, and why
candidates/0003/result.json      also: hypothesis, decisions with evidence and reasons, vetoes of \
people, how trials failed""",
    "full": """\
candidates/0003/log.0.txt        all that is left of what its trial 0 printed
candidates/0003/curves.0.tsv     the curves of trial 0, thinned""",
}
MAX_POINTS = 200  # of one curve
_CANDIDATES = "candidates"
_EVIDENCE = ("against", "effect", "low", "high", "sd", "p", "alpha", "trials")


def describe_layout(level: Level) -> str:
    """Which files there are at a level, for a reader."""
    return "\n".join(LAYOUT[each] for each in LEVELS[: LEVELS.index(level) + 1])


class HistoryFiles:
    """The files of one study at one level.

    The levels are the arms of the ablation of Meta-Harness (arXiv 2603.28052, table 3). `scores`
    shows scores and programs, `summaries` also what was said of them, in the words of the records,
    and `full` also logs and curves.
    """

    def __init__(self, brief: Brief, level: Level) -> None:
        self._brief = brief
        self._has_summaries = level != "scores"
        self._has_logs = level == "full"

    @property
    def candidates(self) -> list[CandidateHistory]:
        """The candidates that can be read, by number: all but what an ablation tried."""
        return [history for history in self._brief.study.candidates if history.status != "ablated"]

    def list_folder(self, folder: str) -> list[str]:
        """The names in a folder; a `/` at the end marks another folder.

        Raises:
            LookupError: the folder does not exist.
        """
        if not folder:
            names = ["program.md", "candidates.tsv"]
            if self._has_summaries:
                names.append("failed.tsv")
            return [*names, f"{_CANDIDATES}/"]
        parts = folder.split("/")
        if parts == [_CANDIDATES]:
            return [f"{history.number:04d}/" for history in self.candidates]
        history = self._find_candidate(parts)
        if len(parts) == 2:
            return [*self._list_results(history), "program/"]
        prefix = "".join(f"{part}/" for part in parts[3:])
        paths = [path for path in self._program(history).files if path.startswith(prefix)]
        if parts[2] != "program" or not paths:
            raise LookupError(f"the folder {folder} does not exist")
        return _first_names(path.removeprefix(prefix) for path in paths)

    def list_paths(self, folder: str = "") -> Iterator[str]:
        """All files below a folder, the newest candidates first."""
        names = self.list_folder(folder)
        if folder == _CANDIDATES:
            names.reverse()
        for name in names:
            path = f"{folder}/{name}" if folder else name
            if name.endswith("/"):
                yield from self.list_paths(path.removesuffix("/"))
            else:
                yield path

    def read(self, path: str) -> str:
        """The text of a file.

        Raises:
            LookupError: the file does not exist.
        """
        if path == "program.md":
            return prompt.write_problem(self._brief.experiment)
        if path == "candidates.tsv":
            return _join_lines([self.columns, *map(self.write_row, self.candidates)])
        if path == "failed.tsv" and self._has_summaries:
            origins = self._brief.study.proposals.failed_origins
            return _join_lines([_write_cell(origin.get("problem")) for origin in origins])
        parts = path.split("/")
        history = self._find_candidate(parts)
        name = "/".join(parts[2:])
        if name.startswith("program/"):
            text = self._program(history).files.get(name.removeprefix("program/"))
            if text is not None:
                return text
        if name not in self._list_results(history):
            raise LookupError(f"the file {path} does not exist")
        return self._read_result(history, name)

    def _read_result(self, history: CandidateHistory, name: str) -> str:
        if name == "result.json":
            return json.dumps(self._make_result(history), indent=1, ensure_ascii=False) + "\n"
        if name == "patch.diff":
            assert history.record.parent is not None
            parent = self._brief.study.candidates[history.record.parent]
            return Patch.between(self._program(parent), self._program(history)).to_unified_diff()
        kind, trial, _ = name.split(".")
        if kind == "log":
            return self._brief.workspace.log(history.number, int(trial))
        return _write_curves(self._brief.workspace.curves(history.number, int(trial)))

    @property
    def columns(self) -> str:
        """The head of `candidates.tsv`."""
        columns = "candidate\tparent\tstatus\tscore\tauthor"
        if self._has_summaries:
            columns += "\tgain\twhy\thypothesis"
        return columns

    def write_row(self, history: CandidateHistory) -> str:
        """One candidate as a line of `candidates.tsv`."""
        record = history.record
        author = _anonymize(record.author)
        cells = [record.candidate, record.parent, history.status, history.score, author]
        if self._has_summaries:
            effect = None
            why = ""
            if history.decision:
                effect = history.decision.evidence.effect
                why = history.decision.why
            cells += [effect, why, record.hypothesis]
        return "\t".join(map(_write_cell, cells))

    def _find_candidate(self, parts: Sequence[str]) -> CandidateHistory:
        """The candidate whose folder a path names; raises LookupError if there is none."""
        candidates = self._brief.study.candidates
        name = parts[1] if len(parts) > 1 and parts[0] == _CANDIDATES else ""
        if name.isdecimal() and len(name) < 10:
            number = int(name)
            # `3` does not name the folder `0003`, and neither do the digits of other scripts.
            is_folder = number < len(candidates) and name == f"{number:04d}"
            if is_folder and candidates[number].status != "ablated":
                return candidates[number]
        last = len(candidates) - 1
        raise LookupError(
            f"there is no {'/'.join(parts)}; "
            f"the candidates are {_CANDIDATES}/0000 to {_CANDIDATES}/{last:04d}"
        )

    def _program(self, history: CandidateHistory) -> Program:
        return self._brief.programs(history.number)

    def _list_results(self, history: CandidateHistory) -> list[str]:
        """The files of a candidate next to its program."""
        names = ["result.json"]
        if history.record.parent is not None:
            names.append("patch.diff")
        if self._has_logs:
            for trial in history.trials:
                names += [f"log.{trial.trial}.txt", f"curves.{trial.trial}.tsv"]
        return names

    def _make_result(self, history: CandidateHistory) -> dict[str, Any]:
        record = history.record
        result: dict[str, Any] = {
            "candidate": record.candidate,
            "parent": record.parent,
            "author": _anonymize(record.author),
            "status": history.status,
            "score": history.score,
            "added": record.added,
            "removed": record.removed,
        }
        if self._has_summaries:
            result["hypothesis"] = record.hypothesis
            result["flags"] = record.flags
            result["decisions"] = [_make_decision(decision) for decision in history.decisions]
        result["trials"] = [self._make_trial(trial) for trial in history.trials]
        return result

    def _make_trial(self, trial: Trial) -> dict[str, Any]:
        """A trial without its seed."""
        result: dict[str, Any] = {
            "trial": trial.trial,
            "status": trial.status,
            "score": trial.score,
            "metrics": dict(trial.metrics),
            "seconds": trial.seconds,
            "cpu_seconds": trial.cpu_seconds,
            "memory_mb": trial.memory_mb,
        }
        if self._has_summaries and trial.reason:
            result["reason"] = trial.reason
        return result


def _make_decision(decision: Decision) -> dict[str, Any]:
    """A decision without the seeds that it rests on."""
    numbers = {name: getattr(decision.evidence, name) for name in _EVIDENCE}
    return {
        "verdict": decision.verdict,
        "by": _anonymize(decision.by),
        "why": decision.why,
        "evidence": {name: value for name, value in numbers.items() if value is not None},
    }


def _anonymize(author: str) -> str:
    """An author without the name of a person, which need not reach the provider of a model."""
    return author.partition(":")[0]


def _first_names(paths: Iterable[str]) -> list[str]:
    """The first part of each path, once, with a `/` where more follows."""
    names = []
    for path in paths:
        name, slash, _ = path.partition("/")
        names.append(name + slash)
    return list(dict.fromkeys(names))


def _join_lines(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _write_cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    return " ".join(str(value).split())


def _write_curves(curves: Mapping[str, Curve]) -> str:
    """Curves as a table; of a long one every n-th point and the last one."""
    lines = ["series\tstep\tvalue\tby"]
    for name, curve in curves.items():
        every = -(-len(curve.steps) // MAX_POINTS)  # rounded up
        last = len(curve.steps) - 1
        by = "candidate" if curve.self_reported else "evaluator"
        for index, (step, value) in enumerate(zip(curve.steps, curve.values, strict=True)):
            if index % every == 0 or index == last:
                lines.append(f"{name}\t{step:g}\t{value:.6g}\t{by}")
    return _join_lines(lines)
