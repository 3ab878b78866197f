"""Reads pi-autoresearch's log, `.auto/log.jsonl` or `autoresearch.jsonl`: a JSON object per line.

Unlike pi's reader, it does not take a missing status for a keep or a missing metric for 0, and it
leaves out no broken line.
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

Entry = Mapping[str, Any] | str  # the object of a line, or what is wrong with the line


@dataclass
class _Segment:
    """A configuration and the lines below it.

    Pi opens a new segment when a configuration follows runs.
    """

    config: Mapping[str, Any] | None = None
    lines: list[tuple[Line, Entry]] = field(default_factory=list)

    @property
    def objects(self) -> list[Mapping[str, Any]]:
        return [entry for _, entry in self.lines if isinstance(entry, Mapping)]

    @property
    def n_runs(self) -> int:
        return sum(map(_is_run, self.objects))


def is_pi(path: Path, lines: Sequence[Line]) -> bool:
    """Whether a log is JSON lines, by its name or its first line."""
    has_json_name = path.suffix.lower() in (".jsonl", ".ndjson")
    return has_json_name or lines[0].text.lstrip("\ufeff \t").startswith("{")


def read(path: Path, lines: Sequence[Line], reading: Reading) -> Log:
    """Reads one segment of a log.

    Raises:
        UsageError: the log has no run, has no such segment, or does not say which direction is
        better.
    """
    if reading.columns:
        raise UsageError(f"{path} is JSON lines, which name their fields; leave out --columns")
    segments = _split_segments(lines)
    number = _choose_segment(path, segments, reading)
    segment = segments[number]
    config = segment.config or {}
    metric = _text(config.get("metricName")) or "metric"
    _check_metric(path, segment, reading, metric)
    notes: tuple[str, ...] = ()
    if len(segments) > 1:
        notes = (f"segment {number} of 0 to {len(segments) - 1}; another one: --segment N",)
    return Log(
        format=FORMAT,
        metric=reading.metric or metric,
        goal=_goal(segment, reading, metric),
        rows=tuple(_row(line, entry, reading, metric) for line, entry in segment.lines),
        name=_text(config.get("name")),
        notes=notes,
    )


def _split_segments(lines: Sequence[Line]) -> list[_Segment]:
    segments = [_Segment()]
    for line in lines:
        entry = _parse(line)
        if isinstance(entry, str):
            segments[-1].lines.append((line, entry))
        elif entry.get("type") == "config":
            if segments[-1].n_runs:
                segments.append(_Segment())
            segments[-1].config = entry
        elif entry.get("type") != "hook":
            segments[-1].lines.append((line, entry))
    return segments


def _choose_segment(path: Path, segments: Sequence[_Segment], reading: Reading) -> int:
    with_runs = [number for number, segment in enumerate(segments) if segment.n_runs]
    if not with_runs:
        raise UsageError(
            f"{path} holds no run of pi's autoresearch (an object with a numeric 'run'); "
            "there is nothing to import"
        )
    if reading.segment is None:
        return with_runs[-1]
    if reading.segment not in with_runs:
        numbers = ", ".join(map(str, with_runs))
        raise UsageError(f"{path} has no segment {reading.segment} with runs; it has {numbers}")
    return reading.segment


def _check_metric(path: Path, segment: _Segment, reading: Reading, metric: str) -> None:
    named = sorted({_text(name) for entry in segment.objects for name in _other_metrics(entry)})
    if reading.metric not in (None, metric, *named):
        names = ", ".join(dict.fromkeys([*named, metric]))
        raise UsageError(f"{path} has no metric {reading.metric!r}; its runs have {names}")


def _parse(line: Line) -> Entry:
    try:
        value = json.loads(line.text.strip("\ufeff"))
    except (ValueError, RecursionError) as error:
        return f"line {line.number} is not JSON: {str(error)[:80]}"
    return value if isinstance(value, dict) else f"line {line.number} is not a JSON object"


def _is_run(entry: Mapping[str, Any]) -> bool:
    return _is_number(entry.get("run")) or ("status" in entry and "metric" in entry)


def _other_metrics(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """The metrics that a run names beside its main one."""
    metrics = entry.get("metrics")
    return metrics if isinstance(metrics, dict) else {}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _goal(segment: _Segment, reading: Reading, metric: str) -> Goal:
    if reading.goal is not None:
        return reading.goal
    if segment.config is None or reading.metric not in (None, "", metric):
        raise logs.goal_is_missing(reading.metric or metric)
    direction = segment.config.get("bestDirection", "lower")  # pi's default
    goal = GOALS.get(_text(direction).lower())
    if goal is None:
        raise logs.goal_is_missing(metric)
    return goal


def _row(line: Line, entry: Entry, reading: Reading, metric: str) -> Row:
    flags = [] if line.is_utf8 else ["not UTF-8"]
    if isinstance(entry, str):
        return Row(
            line=line.number,
            raw=line.raw,
            fields={"text": line.text},
            cells=("", "", "", "", ""),
            flags=(*flags, entry),
        )
    metrics = {_text(name): value for name, value in _other_metrics(entry).items()}
    is_main_metric = reading.metric in (None, metric)
    value = _text(entry.get("metric") if is_main_metric else metrics.get(reading.metric or ""))
    word = _text(entry.get("status"))
    meaning, score, odd = logs.judge(word, value, reading.words)
    if not _is_number(entry.get("run")):
        flags.append("no run number")
    is_crash = meaning == "crash"
    return Row(
        line=line.number,
        raw=line.raw,
        fields={_text(name): _text(field_value) for name, field_value in entry.items()},
        cells=(
            _cell(entry.get("commit")),
            _cell(value) or ("0.000000" if is_crash else ""),
            "0.0" if is_crash else "",
            _cell(word),
            " ".join(_unescape(_text(entry.get("description"))).split()),
        ),
        word=word,
        meaning=meaning,
        score=score,
        metrics=_numbers(metrics),
        flags=(*flags, *odd),
    )


def _numbers(metrics: Mapping[str, Any]) -> dict[str, float]:
    """The metrics that have a name and are numbers."""
    numbers = {name: logs.number(_text(value)) for name, value in metrics.items() if name}
    return {name: value for name, value in numbers.items() if value is not None}


def _cell(value: object) -> str:
    return " ".join(_text(value).split())


def _text(value: object) -> str:
    """A value as text: nothing for null, a string as it is, anything else as JSON.

    Half of a surrogate pair becomes an escape, since it cannot be stored as UTF-8.
    """
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _unescape(text: str) -> str:
    for escape, character in _ESCAPES:
        text = text.replace(escape, character)
    return text
