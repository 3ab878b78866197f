"""StudyReader: all that can be looked at in a study, as Python. Changes nothing.

What the views hold is worked out in `show.views`; how they look is in `show.tables`.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Self

from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Journal
from workbench.ledger.study import Study
from workbench.program import Patch
from workbench.show import figures, results, score_comparison, tradeoff, trends, views
from workbench.show.frontier_figure import draw_frontier
from workbench.show.score_table import ScoresView
from workbench.show.tables import LogView, ShowView, StatusView
from workbench.verbs.candidate_handle import CandidateHandle
from workbench.verbs.waiting import wait_until_ended

if TYPE_CHECKING:  # imported where a table or a figure is made, since both take long to import
    import pandas
    from plotly.graph_objects import Figure


class StudyReader:
    """One study to look at. Every call first reads what the journal has new.

    `reader[7]` is candidate 7.
    """

    def __init__(self, folder: StudyFolder) -> None:
        self.folder = folder
        self.journal = Journal(folder)
        self._study = Study().fold(self.journal.read_entries())

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def study(self) -> Study:
        """The journal folded up to now; read it, and change nothing in it."""
        return self._study.fold(self.journal.read_entries(self._study.last_id))

    def __getitem__(self, candidate: int) -> CandidateHandle:
        number = self.study.history(candidate).number
        return CandidateHandle(self.journal, lambda: self.study, number)

    def __len__(self) -> int:
        return len(self.study.candidates)

    def status(self) -> StatusView:
        """The study at a glance; the fields are those of `views.status`."""
        return StatusView(views.status(self.study, self.folder))

    def log(self) -> LogView:
        """One entry per candidate; the fields are those of `views.log`."""
        return LogView(views.log(self.study))

    def show(self, candidate: int) -> ShowView:
        """One candidate with its diff and hunks; the fields are those of `views.show`."""
        return self[candidate].show()

    def diff(self, old: int, new: int) -> Patch:
        """What turns one candidate's program into another's."""
        self.study.kind.require_programs("diff")
        return Patch.between(self[old].program, self[new].program)

    def compare(self, a: int, b: int) -> ScoresView:
        """How much better candidate `b` scores than `a`, pair by pair, with an interval."""
        return ScoresView(score_comparison.scores(self.study, self.name, a, b))

    def results(self, tsv: bool = True) -> str:
        """The study as autoresearch's `results.tsv`, or as aligned columns.

        A well-formed log that was imported comes back as it was.
        """
        original = self.study.kind.read_log(self.study.candidates)
        if tsv and original is not None:
            return original
        header, rows = results.results(self.study)
        if tsv:
            return results.format_tsv(header, rows)
        return results.format_aligned(header, rows) + "\n"

    def frame(self) -> "pandas.DataFrame":
        """The log as a table, one row per candidate, indexed by its number."""
        import pandas

        rows = [views.flat(row) for row in views.log(self.study)]
        return pandas.DataFrame(rows).set_index("candidate")

    def progress(self) -> "Figure":
        """Scores over the candidates, with the running best."""
        return figures.draw_progress(self.study)

    def frontier(self, *metrics: str) -> "Figure":
        """Candidates over two metrics of the experiment's `[search] metrics`.

        The first is on the vertical axis.

        Raises:
            UsageError: the experiment weighs its score alone, or these are not two of its metrics.
        """
        return draw_frontier(self.study, tradeoff.read_metrics(self.folder), metrics)

    def cost_per_keep(self) -> "Figure":
        """What the study had spent for each change it kept, over time."""
        return trends.draw_trend(self.study, trends.measure_cost_per_keep)

    def curves(self, *candidates: int) -> "Figure":
        """Curves of some candidates; without any, of the newest against the incumbent."""
        numbers = list(candidates)
        if not candidates and len(self):
            numbers = [len(self) - 1]
            incumbent = self.study.incumbent
            if incumbent is not None and incumbent not in numbers:
                numbers.append(incumbent)
        curves = {f"candidate {number}": self[number].curves for number in numbers}
        return figures.draw_curves(curves)

    def wait(
        self, timeout: float | None = None, follow: Callable[[Study], None] | None = None
    ) -> views.State:
        """Blocks until the study no longer runs, or `timeout` seconds are over; returns its state.

        Args:
            timeout: seconds; None waits for as long as it takes.
            follow: called with the study whenever the journal has something new.
        """
        return wait_until_ended(self.folder, lambda: self.study, timeout, follow)

    def __repr__(self) -> str:
        return str(self.status())

    def _repr_html_(self) -> str:
        return self.status()._repr_html_()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the journal; the loop, if one runs, goes on."""
        self.journal.close()
