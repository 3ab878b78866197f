"""Pi: reads pi-autoresearch's log, `.auto/log.jsonl` or `autoresearch.jsonl`: one JSON object per line.

Unlike pi's own reader it takes no missing status for a keep, no missing metric for 0, and leaves out no broken line.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.errors import UsageError
from workbench.experiment import Goal
from workbench.recognise import logs
from workbench.recognise.logs import GOALS, Line, Log, Reading, Row

FORMAT = "autoresearch.jsonl"
_ESCAPES = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&#39;", "'"), ("&amp;", "&"))


@dataclass
class _Segment:
    """A configuration and the lines under it; pi opens a new one when a configuration follows runs."""

    config: Mapping[str, Any] | None = None
    lines: list[tuple[Line, Mapping[str, Any] | str]] = field(default_factory=list)

    @property
    def runs(self) -> int:
        return sum(isinstance(said, Mapping) and _is_run(said) for _, said in self.lines)


def is_pi(path: Path, lines: Sequence[Line]) -> bool:
    """Whether a log is JSON lines, by its name or its first line."""
    return path.suffix.lower() in (".jsonl", ".ndjson") or lines[0].text.lstrip(
        "\ufeff \t"
    ).startswith("{")


def read(path: Path, lines: Sequence[Line], reading: Reading) -> Log:
    """Reads one segment of a log.

    Raises:
        UsageError: it has no run, no such segment, or does not say which direction is better.
    """
    if reading.columns:
        raise UsageError(f"{path} is JSON lines, which name their fields; leave out --columns")
    segments = _segments(lines)
    with_runs = [at for at, segment in enumerate(segments) if segment.runs]
    if not with_runs:
        raise UsageError(
            f"{path} holds no run of pi's autoresearch (an object with a numeric 'run'); there is nothing to import"
        )
    chosen = with_runs[-1] if reading.segment is None else reading.segment
    if chosen not in with_runs:
        raise UsageError(
            f"{path} has no segment {chosen} with runs; it has {', '.join(map(str, with_runs))}"
        )
    segment = segments[chosen]
    config = segment.config or {}
    name = _text(config.get("metricName")) or "metric"
    known = sorted(
        {
            _text(key)
            for _, said in segment.lines
            if isinstance(said, Mapping)
            for key in _named(said)
        }
    )
    if reading.metric not in (None, name, *known):
        raise UsageError(
            f"{path} has no metric {reading.metric!r}; its runs have {', '.join(dict.fromkeys([*known, name]))}"
        )
    notes = (
        []
        if len(segments) == 1
        else [f"segment {chosen} of 0 to {len(segments) - 1}; another one: --segment N"]
    )
    return Log(
        format=FORMAT,
        metric=reading.metric or name,
        goal=_goal(segment, reading, name),
        rows=tuple(_row(line, said, reading, name) for line, said in segment.lines),
        name=_text(config.get("name")),
        notes=tuple(notes),
    )


def _segments(lines: Sequence[Line]) -> list[_Segment]:
    segments = [_Segment()]
    for line in lines:
        said = _parsed(line)
        if isinstance(said, str):
            segments[-1].lines.append((line, said))
        elif said.get("type") == "config":
            if segments[-1].runs:
                segments.append(_Segment())
            segments[-1].config = said
        elif said.get("type") != "hook":
            segments[-1].lines.append((line, said))
    return segments


def _parsed(line: Line) -> Mapping[str, Any] | str:
    """The object of a line, or what is wrong with it."""
    try:
        value = json.loads(line.text.strip("\ufeff"))
    except (ValueError, RecursionError) as error:
        return f"line {line.number} is no JSON: {str(error)[:80]}"
    return value if isinstance(value, dict) else f"line {line.number} is no JSON object"


def _is_run(said: Mapping[str, Any]) -> bool:
    return _is_number(said.get("run")) or ("status" in said and "metric" in said)


def _named(said: Mapping[str, Any]) -> Mapping[str, Any]:
    """The metrics that a run names beside its own."""
    metrics = said.get("metrics")
    return metrics if isinstance(metrics, dict) else {}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _goal(segment: _Segment, reading: Reading, name: str) -> Goal:
    if reading.goal is not None:
        return reading.goal
    if segment.config is None or (reading.metric or name) != name:
        raise logs.ask_goal(reading.metric or name)
    goal = GOALS.get(
        _text(segment.config.get("bestDirection", "lower")).lower()
    )  # lower is what pi takes a silent one for
    if goal is None:
        raise logs.ask_goal(name)
    return goal


def _row(line: Line, said: Mapping[str, Any] | str, reading: Reading, name: str) -> Row:
    odd = () if line.is_utf8 else ("not UTF-8",)
    if isinstance(said, str):
        return Row(
            line=line.number,
            raw=line.raw,
            fields={"text": line.text},
            cells=("", "", "", "", ""),
            flags=(*odd, said),
        )
    metrics = {_text(key): value for key, value in _named(said).items()}
    metric = _text(
        said.get("metric") if reading.metric in (None, name) else metrics.get(reading.metric)
    )
    word, description = (
        _text(said.get("status")),
        " ".join(_unescaped(_text(said.get("description"))).split()),
    )
    meaning, score, flags = logs.judge(word, metric, reading.words)
    if not _is_number(said.get("run")):
        odd = (*odd, "no run number")
    empty = ("0.000000", "0.0") if meaning == "crash" else ("", "")
    return Row(
        line=line.number,
        raw=line.raw,
        fields={_text(key): _text(value) for key, value in said.items()},
        cells=(
            _cell(said.get("commit")),
            _cell(metric) or empty[0],
            empty[1],
            _cell(word),
            description,
        ),
        word=word,
        said=meaning,
        score=score,
        metrics={
            key: number
            for key, value in metrics.items()
            if (number := logs.number(_text(value))) is not None and key
        },
        flags=(*odd, *flags),
    )


def _cell(value: object) -> str:
    return " ".join(_text(value).split())


def _text(value: object) -> str:
    """A value as text: a string as it is (half of a surrogate pair as its escape), nothing for null, else JSON."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _unescaped(text: str) -> str:
    for escape, meaning in _ESCAPES:
        text = text.replace(escape, meaning)
    return text
