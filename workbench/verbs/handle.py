"""StudyHandle: the command line's verbs as Python. Thin: it reads through `views`, and changes only by requests to the loop."""

import time as clock
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import UsageError, WorkbenchError
from workbench.ledger import imported
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Journal
from workbench.ledger.study import Study
from workbench.program import Patch
from workbench.recognise.cell import is_cell
from workbench.records import Ablation, Audit, Reproduction
from workbench.show import examinations, score_comparison, views
from workbench.verbs import examine, loop_process, new, study_options
from workbench.verbs.apply import WrittenBack, write_back
from workbench.verbs.candidate_handle import CandidateHandle

if TYPE_CHECKING:  # types of what is imported only where it is used
    import pandas
    import plotly.graph_objects

    from workbench.show.examination_tables import AblationView, AuditView
    from workbench.show.score_table import ScoresView
    from workbench.show.tables import LogView, ShowView, StatusView

POLL_SECONDS = 0.2


class StudyHandle:
    """One study. Every call first reads what the journal has new; `handle[7]` is candidate 7."""

    def __init__(self, folder: StudyFolder) -> None:
        self.folder = folder
        self.journal = Journal(folder)
        self._study = Study().fold(self.journal.entries())

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def study(self) -> Study:
        """The journal folded up to now; read it, and change nothing in it."""
        return self._study.fold(self.journal.entries(self._study.last_id))

    def __getitem__(self, candidate: int) -> CandidateHandle:
        return CandidateHandle(
            self.journal, lambda: self.study, self.study.history(candidate).number
        )

    def __len__(self) -> int:
        return len(self.study.candidates)

    def status(self) -> "StatusView":
        """The study at a glance; the fields are those of `views.status`."""
        from workbench.show.tables import StatusView

        return StatusView(views.status(self.study, self.folder))

    def log(self) -> "LogView":
        """One entry per candidate; the fields are those of `views.log`."""
        from workbench.show.tables import LogView

        return LogView(views.log(self.study))

    def show(self, candidate: int) -> "ShowView":
        """One candidate with its diff and hunks; the fields are those of `views.show`."""
        from workbench.show.tables import ShowView

        return ShowView(views.show(self.study, self.journal, candidate))

    def accept(
        self, candidate: int, hunks: Collection[int] | None = None, reason: str = ""
    ) -> None:
        """Keeps a candidate; with `hunks`, makes a new candidate with only these and has it tried."""
        history = self.study.history(candidate)
        imported.refuse_change(self.study, "accept")
        if hunks is not None:
            parent = history.record.parent
            if not hunks or parent is None:
                raise UsageError(
                    "the baseline has no hunks"
                    if parent is None
                    else "no hunk named; to keep none of them, reject the candidate"
                )
            self[candidate].patch.apply(self[parent].program, hunks)  # says which hunks there are
        chosen = None if hunks is None else sorted(set(hunks))
        self._ask(
            "accept",
            candidate=candidate,
            program=history.record.program,
            hunks=chosen,
            reason=reason,
        )

    def reject(self, candidate: int, reason: str = "") -> None:
        """Vetoes a candidate, before or after it was kept; the reason reaches the proposer."""
        program = self.study.history(candidate).record.program
        self._ask("reject", candidate=candidate, program=program, reason=reason)

    def edit(self, candidate: int, files: Mapping[str, str], reason: str = "") -> int:
        """Another version of a candidate, with the files at these paths changed by hand; returns its number.

        The version is tried like any other. A candidate that waits for a person or is still tried is dropped for it.
        """
        program = self.study.history(candidate).record.program
        self._ask("edit", candidate=candidate, program=program, files=dict(files), reason=reason)
        return next(
            one.number for one in reversed(self.study.candidates) if one.record.revises == candidate
        )

    def guide(self, text: str, *, next: bool = False) -> None:
        """A sentence for all proposals to come; with `next`, an idea for the next proposal only."""
        self._ask("guide", text=_words(text, "guide"), **({"next": True} if next else {}))

    def ban(self, text: str) -> None:
        """An idea that is not to be tried again."""
        self._ask("ban", text=_words(text, "ban"))

    def pause(self) -> None:
        self._ask("pause")

    def resume(self) -> None:
        """Lets a paused, stopped or finished study go on, and brings a dead one back."""
        self._ask("resume")

    def stop(self) -> None:
        """Ends the study and its running trials; `resume` lets it go on."""
        self._ask("stop")

    def fork(self, candidate: int) -> None:
        """Lets the search go on from this candidate."""
        self._ask("fork", candidate=self.study.history(candidate).number)

    def pin(self, candidate: int) -> None:
        """Marks a kept candidate as one to come back to."""
        self._ask("pin", candidate=self.study.history(candidate).number)

    def set(self, key: str, value: Any) -> None:
        """Changes `candidates`, `time`, `max_usd`, `max_waiting` or `review` of a study under way."""
        name, value = study_options.changed(key, value)
        self._ask("set", key=name, value=value)

    def _ask(self, verb: str, **body: Any) -> None:
        imported.refuse_change(self.study, verb)
        loop_process.request(self.folder, verb, body, after=self.study.last_id)

    def audit(
        self,
        trials: int | None = None,
        *,
        wait: bool = True,
        follow: examine.Follow | None = None,
    ) -> "AuditView | None":
        """The incumbent beside the baseline on seeds and settings that no decision used; its corrected gain.

        Args:
            trials: of each program; by default as many as a test of the study may take.
            wait: return only with the result; else at once, with None, while it runs whatever the study does.
            follow: called with the fields of `examination.progress` at the beginning and whenever a trial has ended.

        Raises:
            RequestRefused: there is nothing to audit, or it would tell nothing new. WorkbenchError: it was stopped, or cannot go on.
        """
        from workbench.show.examination_tables import AuditView

        found = self._examine("audit", trials, wait, follow)
        return (
            AuditView(examinations.audit(self.study, found)) if isinstance(found, Audit) else None
        )

    def ablate(
        self,
        trials: int | None = None,
        *,
        wait: bool = True,
        follow: examine.Follow | None = None,
    ) -> "AblationView | None":
        """Each change that the incumbent is made of, taken out in turn, and what that costs; arguments and errors as of `audit`.

        Where it costs nothing that can be told, the program without the change waits for `accept`.
        """
        from workbench.show.examination_tables import AblationView

        found = self._examine("ablate", trials, wait, follow)
        return (
            AblationView(examinations.ablation(self.study, found))
            if isinstance(found, Ablation)
            else None
        )

    def _examine(
        self, verb: str, trials: int | None, wait: bool, follow: examine.Follow | None
    ) -> Audit | Ablation | None:
        imported.refuse_change(self.study, verb)
        request = examine.ask(self.folder, lambda: self.study, verb, trials)
        return examine.wait(self.folder, lambda: self.study, request, follow) if wait else None

    def diff(self, old: int, new: int) -> Patch:
        """What turns one candidate's program into another's."""
        imported.refuse_program(self.study, "diff")
        return Patch.between(self[old].program, self[new].program)

    def compare(self, a: int, b: int) -> "ScoresView":
        """How much better candidate `b` scores than `a`, pair by pair, with an interval; the fields are those of `comparison.scores`."""
        from workbench.show.score_table import ScoresView

        return ScoresView(score_comparison.scores(self.study, self.name, a, b))

    def results(self, tsv: bool = True) -> str:
        """The study as autoresearch's `results.tsv`, or as aligned columns; a well-formed log that was imported, as it was."""
        if tsv and (text := imported.verbatim(self.study)) is not None:
            return text
        header, rows = views.results(self.study)
        return views.tsv(header, rows) if tsv else views.table(header, rows) + "\n"

    def apply(
        self, candidate: int | None = None, *, to: str | Path | None = None, dry_run: bool = False
    ) -> WrittenBack:
        """Writes the incumbent, or one candidate, back to the experiment's folder, or to another folder; never over other work.

        Raises:
            UsageError: a file there is neither the baseline's nor already the new one; nothing was written.
        """
        imported.refuse_program(self.study, "apply")
        if to is None and is_cell(self.folder):
            raise UsageError(
                f"{self.name} began with a notebook cell: %autoresearch apply there, or write its files with --to FOLDER"
            )
        number = candidate if candidate is not None else self.study.incumbent
        if number is None:
            raise UsageError(
                f"{self.name} has no kept program yet; name a candidate, or wait for its baseline"
            )
        source, baseline, program = (
            Path(self.study.opened.source),
            self[0].program,
            self[number].program,
        )
        if to is not None:
            return write_back(
                self.folder, source, baseline, program, Path(to).expanduser(), dry_run
            )
        if new.is_script(source):
            name, function = source.name, self.study.opened.objective.name
            baseline, program = (
                new.whole(self.folder, name, function, one) for one in (baseline, program)
            )
            source = source.parent
        return write_back(self.folder, source, baseline, program, None, dry_run)

    def install(self, name: str, candidate: int | None = None) -> Path:
        """Lets `--proposer NAME` mean what the incumbent, or one candidate, writes down: the tuner's settings, or the prompt of a proposer.

        Of which proposer the prompt is says the study's setting `proposer`; `NAME.toml` holds it, as in `agent.toml`.

        Raises:
            UsageError: the program is neither, or the name cannot be.
        """
        from workbench import registry
        from workbench.propose import settings
        from workbench.propose.wording import WORDINGS

        imported.refuse_program(self.study, "apply")
        number = candidate if candidate is not None else self.study.incumbent
        files = {} if number is None else self[number].program.files
        proposer = str(self.study.opened.settings.get("proposer", ""))
        kind = proposer.partition(":")[0]
        if kind in WORDINGS and (prompt := files.get(f"{kind}.toml")) is not None:
            WORDINGS[kind].read(prompt)
            return registry.name_proposer(name, f"{proposer}\n{prompt.strip()}")
        source = files.get("settings.py", "")
        if not source or kind in WORDINGS:
            prompts = " or ".join(f"{kind}.toml" for kind in WORDINGS)
            wanted = f"a settings.py with lines as REACH = 2.0 is one, or, of a study with the setting proposer, {prompts}"
            raise UsageError(f"{self.name} makes no proposer, or kept none yet: {wanted}")
        return registry.name_proposer(
            name, f"tuner:{settings.written(source).text()}".removesuffix(":")
        )

    def export(self, candidate: int, path: str | Path | None = None) -> Path:
        """Writes one step as a notebook that runs alone; returns its path."""
        from workbench.steps.export import export

        imported.refuse_program(self.study, "export")
        return export(
            self.folder,
            self.study.history(candidate).number,
            None if path is None else Path(path).expanduser(),
        )

    def reproduce(
        self,
        candidate: int,
        *,
        seed: int | None = None,
        trials: int | None = None,
        sigmas: float | None = None,
        keep: str | Path | None = None,
    ) -> Reproduction:
        """Runs an exported step here, and records the verdict in the study.

        Args:
            seed, trials, sigmas: the notebook's parameters, its own defaults where they are None.
            keep: where the executed notebook is to stay.

        Raises:
            WorkbenchError: it could not be run, or not be recorded; then the message has the verdict.
        """
        from workbench.steps.reproduce import reproduce

        imported.refuse_program(self.study, "reproduce")
        number, place = (
            self.study.history(candidate).number,
            None if keep is None else Path(keep).expanduser(),
        )
        record = reproduce(self.folder, number, seed=seed, trials=trials, sigmas=sigmas, keep=place)
        body = {name: value for name, value in asdict(record).items() if name != "request"}
        try:
            self._ask("reproduction", **body)
        except WorkbenchError as error:
            verdict = "reproduced" if record.reproduced else "did not reproduce"
            raise WorkbenchError(
                f"candidate {number} {verdict} ({record.why}), which is not recorded: {error}"
            ) from None
        return record

    def wait(
        self, timeout: float | None = None, follow: Callable[[Study], None] | None = None
    ) -> views.State:
        """Blocks until the study no longer runs, or `timeout` seconds are over; returns its state.

        Args:
            follow: called with the study whenever the journal has something new.
        """
        began, seen = clock.monotonic(), -1
        while True:
            state = views.state(
                self.study, self.folder
            )  # first, so that what ended the study is in what is followed
            if state == "dead":  # or its last word and its end came after the journal was read
                state = views.state(self.study, self.folder)
            study = self.study
            if follow is not None and study.last_id != seen:
                seen = study.last_id
                follow(study)
            if state != "running" or (timeout is not None and clock.monotonic() > began + timeout):
                return state
            clock.sleep(POLL_SECONDS)

    def frame(self) -> "pandas.DataFrame":
        """The log as a table, one row per candidate, indexed by its number."""
        import pandas

        return pandas.DataFrame([views.flat(row) for row in views.log(self.study)]).set_index(
            "candidate"
        )

    def progress(self) -> "plotly.graph_objects.Figure":
        """Scores over the candidates, with the running best."""
        from workbench.show.figures import progress

        return progress(self.study)

    def frontier(self, *metrics: str) -> "plotly.graph_objects.Figure":
        """Candidates over two of the metrics that the experiment weighs (`[search] metrics`), the first on the vertical axis.

        Raises:
            UsageError: it weighs its score alone, or these are not two of its metrics.
        """
        from workbench.show.frontier_figure import frontier
        from workbench.show.tradeoff import weighed

        return frontier(self.study, weighed(self.folder), metrics)

    def curves(self, *candidates: int) -> "plotly.graph_objects.Figure":
        """Curves of some candidates; without any, of the newest against the incumbent."""
        from workbench.show.figures import curves

        study = self.study
        newest = [len(study.candidates) - 1] if study.candidates else []
        usual = [*newest, *([] if study.incumbent is None else [study.incumbent])]
        chosen = [study.history(number).number for number in candidates or dict.fromkeys(usual)]
        return curves({f"candidate {number}": self[number].curves for number in chosen})

    def __repr__(self) -> str:
        return str(self.status())

    def _repr_html_(self) -> str:
        return self.status()._repr_html_()

    def _ipython_display_(self) -> None:
        from workbench.lab.frontend import is_live

        if not is_live():
            raise NotImplementedError  # IPython then takes the plain forms
        from workbench.lab.widget import Live

        Live(self.folder)._ipython_display_()

    def __enter__(self) -> "StudyHandle":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the journal; the loop, if one runs, goes on."""
        self.journal.close()


def _words(text: str, verb: str) -> str:
    if not text.strip():
        raise UsageError(f"{verb} needs a sentence")
    return text.strip()
