"""History: a study as read-only files, made when they are read. There is no file system behind them, so that no path leads out.

In it is what the search knows: programs, patches, hypotheses, decisions with their evidence, metrics, curves and logs of its trials.
Not in it, because nothing here can reach them: the evaluator and its data, seeds, audits, and what an ablation tried.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.journal import Curve
from workbench.program import Patch, Program
from workbench.propose import prompt
from workbench.propose.proposer import Brief
from workbench.records import Decision, Trial

Level = Literal["scores", "summaries", "full"]
LEVELS: tuple[Level, ...] = ("scores", "summaries", "full")
LAYOUT: Mapping[Level, str] = {
    "scores": """\
program.md                       what the problem is
candidates.tsv                   one line per candidate
candidates/0003/result.json      status, score, metrics of every trial
candidates/0003/patch.diff       what changed against its parent
candidates/0003/program/         its files""",
    "summaries": """\
failed.tsv                       proposals that became no candidate, and why
candidates/0003/result.json      also: hypothesis, decisions with evidence and reasons, vetoes of people, how trials failed""",
    "full": """\
candidates/0003/log.0.txt        all that is left of what its trial 0 printed
candidates/0003/curves.0.tsv     the curves of trial 0, thinned""",
}
MAX_POINTS = 200  # of one curve
_CANDIDATES = "candidates"


def layout(level: Level) -> str:
    """What files there are at a level, for a reader."""
    return "\n".join(LAYOUT[each] for each in LEVELS[: LEVELS.index(level) + 1])


class History:
    """The files of one study at one level: scores and programs; also what was said of them; also logs and curves.

    The levels are the arms of the ablation of Meta-Harness (arXiv 2603.28052, table 3); the summaries here are the records' own words.
    """

    def __init__(self, brief: Brief, level: Level) -> None:
        self._brief, self._level = brief, level

    @property
    def candidates(self) -> list[CandidateHistory]:
        """Those that can be read, by number: all but what an ablation tried."""
        return [history for history in self._brief.study.candidates if history.status != "ablated"]

    def children(self, folder: str) -> list[str]:
        """The names in a folder, those of folders with `/` at the end.

        Raises:
            LookupError: there is no such folder.
        """
        parts = folder.split("/") if folder else []
        if not parts:
            return [
                "program.md",
                "candidates.tsv",
                *(["failed.tsv"] if self._tells else []),
                f"{_CANDIDATES}/",
            ]
        if parts == [_CANDIDATES]:
            return [f"{history.number:04d}/" for history in self.candidates]
        history = self._candidate(parts)
        if len(parts) == 2:
            return [*self._own(history), "program/"]
        inside = "/".join(parts[3:]) + "/" if parts[3:] else ""
        names = [
            path.removeprefix(inside)
            for path in self._program(history).files
            if path.startswith(inside)
        ]
        if parts[2] != "program" or not names:
            raise LookupError(f"there is no folder {folder}")
        return list(dict.fromkeys(name.partition("/")[0] + "/" * ("/" in name) for name in names))

    def paths(self, folder: str = "") -> Iterator[str]:
        """All files below a folder, the newest candidates first."""
        names = self.children(folder)
        for name in reversed(names) if folder == _CANDIDATES else names:
            path = f"{folder}/{name}" if folder else name
            if name.endswith("/"):
                yield from self.paths(path.removesuffix("/"))
            else:
                yield path

    def read(self, path: str) -> str:
        """The text of a file.

        Raises:
            LookupError: there is no such file.
        """
        if path == "program.md":
            return prompt.stable(self._brief.experiment)
        if path == "candidates.tsv":
            return "\n".join([self.columns, *map(self.row, self.candidates)]) + "\n"
        if path == "failed.tsv" and self._tells:
            return "".join(
                f"{_cell(origin.get('problem'))}\n" for origin in self._brief.study.failed_origins
            )
        parts = path.split("/")
        history, name = self._candidate(parts), "/".join(parts[2:])
        if (
            name.startswith("program/")
            and (text := self._program(history).files.get(name.partition("/")[2])) is not None
        ):
            return text
        if name not in self._own(history):
            raise LookupError(f"there is no file {path}")
        if name == "result.json":
            return json.dumps(self._result(history), indent=1, ensure_ascii=False) + "\n"
        if name == "patch.diff":
            assert history.record.parent is not None
            old = self._brief.study.candidates[history.record.parent]
            return Patch.between(self._program(old), self._program(history)).unified()
        kind, trial, _ = name.split(".")
        if kind == "log":
            return self._brief.workspace.log(history.number, int(trial))
        return _table(self._brief.workspace.curves(history.number, int(trial)))

    @property
    def columns(self) -> str:
        return "candidate\tparent\tstatus\tscore\tauthor" + "\tgain\twhy\thypothesis" * self._tells

    def row(self, history: CandidateHistory) -> str:
        """One candidate as a line of `candidates.tsv`."""
        record, decision = history.record, history.decision
        effect = decision.evidence.effect if decision else None
        cells = [
            record.candidate,
            record.parent,
            history.status,
            history.score,
            _author(record.author),
        ]
        told = [effect, decision.why if decision else "", record.hypothesis] if self._tells else []
        return "\t".join(map(_cell, [*cells, *told]))

    @property
    def _tells(self) -> bool:
        return self._level != "scores"

    def _candidate(self, parts: list[str]) -> CandidateHistory:
        number = (
            int(parts[1])
            if len(parts) > 1
            and parts[0] == _CANDIDATES
            and parts[1].isdecimal()
            and len(parts[1]) < 10
            else -1
        )
        known = self._brief.study.candidates
        if (
            not 0 <= number < len(known)
            or known[number].status == "ablated"
            or parts[1] != f"{number:04d}"
        ):
            raise LookupError(
                f"there is no {'/'.join(parts)}; the candidates are {_CANDIDATES}/0000 to {_CANDIDATES}/{len(known) - 1:04d}"
            )
        return known[number]

    def _program(self, history: CandidateHistory) -> Program:
        return self._brief.programs(history.number)

    def _own(self, history: CandidateHistory) -> list[str]:
        """The files of a candidate beside its program."""
        names = ["result.json"] + ["patch.diff"] * (history.record.parent is not None)
        if self._level == "full":
            names += [
                f"{kind}.{trial.trial}.{end}"
                for trial in history.trials
                for kind, end in (("log", "txt"), ("curves", "tsv"))
            ]
        return names

    def _result(self, history: CandidateHistory) -> dict[str, Any]:
        record = history.record
        found: dict[str, Any] = {
            "candidate": record.candidate,
            "parent": record.parent,
            "author": _author(record.author),
        }
        found |= {
            "status": history.status,
            "score": history.score,
            "added": record.added,
            "removed": record.removed,
        }
        if self._tells:
            found |= {"hypothesis": record.hypothesis, "flags": record.flags}
            found["decisions"] = [_decision(decision) for decision in history.decisions]
        return found | {"trials": [self._trial(trial) for trial in history.trials]}

    def _trial(self, trial: Trial) -> dict[str, Any]:
        found: dict[str, Any] = {
            "trial": trial.trial,
            "status": trial.status,
            "score": trial.score,
            "metrics": dict(trial.metrics),
        }
        found |= {
            "seconds": trial.seconds,
            "cpu_seconds": trial.cpu_seconds,
            "memory_mb": trial.memory_mb,
        }
        return found | ({"reason": trial.reason} if self._tells and trial.reason else {})


def _decision(decision: Decision) -> dict[str, Any]:
    """A decision without the seeds that it rests on."""
    evidence = decision.evidence
    numbers = {
        name: getattr(evidence, name)
        for name in ("against", "effect", "low", "high", "sd", "p", "alpha", "trials")
    }
    known = {name: value for name, value in numbers.items() if value is not None}
    return {
        "verdict": decision.verdict,
        "by": _author(decision.by),
        "why": decision.why,
        "evidence": known,
    }


def _author(author: str) -> str:
    """Without the name of a person, which is nobody's business elsewhere."""
    return author.partition(":")[0]


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else " ".join(str(value).split())


def _table(curves: Mapping[str, Curve]) -> str:
    lines = ["series\tstep\tvalue\tby"]
    for name, curve in curves.items():
        every = -(-len(curve.steps) // MAX_POINTS)
        last = len(curve.steps) - 1
        by = "candidate" if curve.self_reported else "evaluator"
        points = [
            (at, *point) for at, point in enumerate(zip(curve.steps, curve.values, strict=True))
        ]
        lines += [
            f"{name}\t{step:g}\t{value:.6g}\t{by}"
            for at, step, value in points
            if at % every == 0 or at == last
        ]
    return "\n".join(lines) + "\n"
