"""A study as autoresearch's results table, `results.tsv`."""

from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.study import Study

UNDECIDED = ("queued", "running", "provisional", "waiting")
CRASH = ("0.000000", "0.0", "crash")  # score, memory and status, as the format prescribes

TableRow = tuple[str, ...]


def results(study: Study) -> tuple[TableRow, list[TableRow]]:
    """The header and the rows of `results.tsv`.

    The columns are `commit` (the first seven digits of the program's digest), the objective's name,
    `memory_gb`, `status` and `description`. These candidates have no row: undecided ones, those
    that were discarded before they had a score, and what an ablation tried. A crash has the zeros
    that the format prescribes. An imported study has every row of its log, in the log's words and
    digits.
    """
    header = ("commit", study.opened.objective.name, "memory_gb", "status", "description")
    imported = study.kind.read_results(study.candidates)
    if imported is not None:
        return header, imported
    rows = [_row(history) for history in study.candidates]
    return header, [row for row in rows if row is not None]


def _row(history: CandidateHistory) -> TableRow | None:
    if history.status == "ablated":
        return None
    record = history.record
    commit = record.program[:7]
    description = "baseline" if record.parent is None else " ".join(record.hypothesis.split())
    failed_unscored = history.score is None and history.failure is not None
    is_crash = failed_unscored and history.decision is not None
    if history.status == "failed" or is_crash:
        return commit, *CRASH, description
    if history.score is None or history.status in UNDECIDED:
        return None
    status = "keep" if history.status == "kept" else "discard"
    return commit, f"{history.score:.6f}", f"{_memory_gb(history):.1f}", status, description


def _memory_gb(history: CandidateHistory) -> float:
    """Peak over the ok trials, in GiB.

    Of the GPU if the evaluator measured it, else of sandboxes.
    """
    peaks = [trial.metrics.get("peak_vram_mb", trial.memory_mb) for trial in history.scored]
    return max(peaks, default=0.0) / 1024


def format_tsv(header: TableRow, rows: list[TableRow]) -> str:
    """Rows as tab-separated text, each with a line end."""
    return "".join("\t".join(row) + "\n" for row in [header, *rows])


def format_aligned(header: TableRow, rows: list[TableRow]) -> str:
    """Rows as aligned columns of plain text; the last column is not padded."""
    lines = [header, *rows]
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    texts = []
    for line in lines:
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        texts.append("  ".join(cells).rstrip())
    return "\n".join(texts)
