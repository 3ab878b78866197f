"""StudyHandle: the verbs of the command line as Python, for one study.

It changes a study only by requests to its loop, or not at all. What a verb does beyond filing a
request is in the module of the verb.
"""

from collections.abc import Collection, Mapping
from pathlib import Path

from workbench import options
from workbench.records import Ablation, Audit, Reproduction
from workbench.requests import (
    Accept,
    Ban,
    Edit,
    Fork,
    Guide,
    Note,
    Pause,
    Pin,
    Reject,
    Request,
    Resume,
    RunAblation,
    RunAudit,
    Set,
    Stop,
)
from workbench.show import examinations
from workbench.show.examination_tables import AblationView, AuditView
from workbench.verbs import examine, loop_process
from workbench.verbs.apply import WrittenBack, apply_candidate
from workbench.verbs.install import install_proposer
from workbench.verbs.reproduction import reproduce_and_record
from workbench.verbs.study_reader import StudyReader


class StudyHandle(StudyReader):
    """One study to look at and to steer. Every call first reads what the journal has new.

    `study[7]` is candidate 7.
    """

    # --- deciding ----------------------------------------------------------------------------

    def accept(
        self, candidate: int, hunks: Collection[int] | None = None, reason: str = ""
    ) -> None:
        """Keeps a candidate, or lets it run where it waits for that.

        Args:
            candidate: number of the candidate.
            hunks: hunks to keep. All others are rejected, and a new candidate with these alone is
                made and tried.
            reason: why, in your words.

        Raises:
            UsageError: the study has no such candidate, or the candidate no such hunk.
        """
        self.study.kind.require_writable("accept")
        subject = self[candidate]
        kept: tuple[int, ...] | None = None
        rejected: tuple[int, ...] = ()
        if hunks is not None:
            kept, rejected = subject.split_hunks(hunks)
        self._ask(
            Accept(
                candidate=candidate,
                program=subject.digest,
                hunks=kept,
                rejected=rejected,
                reason=reason,
            )
        )

    def reject(self, candidate: int, reason: str = "") -> None:
        """Vetoes a candidate, before or after it was kept; the reason reaches the proposer."""
        self._ask(Reject(candidate=candidate, program=self[candidate].digest, reason=reason))

    def edit(self, candidate: int, files: Mapping[str, str], reason: str = "") -> int:
        """Makes another version of a candidate, with files changed by hand; returns its number.

        The version is tried like any other. A candidate that waits for a person, or whose trials
        are not over, is dropped for it.
        """
        digest = self[candidate].digest
        self._ask(Edit(candidate=candidate, files=dict(files), program=digest, reason=reason))
        versions = [
            history for history in self.study.candidates if history.record.revises == candidate
        ]
        return versions[-1].number

    def fork(self, candidate: int) -> None:
        """Lets the search go on from this candidate."""
        self._ask(Fork(candidate=self[candidate].number))

    def pin(self, candidate: int) -> None:
        """Marks a kept candidate as one to come back to."""
        self._ask(Pin(candidate=self[candidate].number))

    def note(self, candidate: int, text: str) -> None:
        """Writes down a remark on a candidate, with your name and the time; no proposer sees it."""
        self._ask(Note(candidate=self[candidate].number, text=text.strip()))

    # --- steering ----------------------------------------------------------------------------

    def guide(self, text: str, *, next: bool = False) -> None:
        """Gives a direction for all proposals to come; with `next`, an idea for the next only."""
        self._ask(Guide(text=text.strip(), next=next))

    def ban(self, text: str) -> None:
        """Names an idea that is not to be tried again."""
        self._ask(Ban(text=text.strip()))

    def pause(self) -> None:
        self._ask(Pause())

    def resume(self) -> None:
        """Lets a paused, stopped or finished study go on, and brings a dead one back."""
        self._ask(Resume())

    def stop(self) -> None:
        """Ends the study and its running trials; `resume` lets it go on."""
        self._ask(Stop())

    def set(self, key: str, value: int | float | str) -> None:
        """Changes an option of a study under way: a limit such as `time`, or `review`."""
        name, new_value = options.read_change(key, value)
        self._ask(Set(key=name, value=new_value))

    def _ask(self, request: Request) -> None:
        self.study.kind.require_writable(request.verb)
        loop_process.ask(self.folder, request, after=self.study.last_id)

    # --- examining ---------------------------------------------------------------------------

    def audit(
        self, trials: int | None = None, *, wait: bool = True, follow: examine.Follow | None = None
    ) -> AuditView | None:
        """Compares the incumbent with the baseline on seeds and settings that no decision used.

        Args:
            trials: of each program; by default as many as a test of the study may take.
            wait: whether to return only with the result. Otherwise returns None at once, and the
                audit runs whatever becomes of the study.
            follow: called with the fields of `examinations.progress` at the beginning and whenever
                a trial has ended.

        Raises:
            RequestRefused: there is nothing to audit, or it would tell nothing new.
            WorkbenchError: it was stopped, or cannot go on.
        """
        result = self._examine(RunAudit(trials=trials), wait, follow)
        if not isinstance(result, Audit):
            return None
        return AuditView(examinations.audit(self.study, result))

    def ablate(
        self, trials: int | None = None, *, wait: bool = True, follow: examine.Follow | None = None
    ) -> AblationView | None:
        """Takes each change out of the incumbent in turn, and measures what that costs.

        If removing a change costs nothing, the shorter program waits for `accept`. Arguments and
        errors are those of `audit`.
        """
        result = self._examine(RunAblation(trials=trials), wait, follow)
        if not isinstance(result, Ablation):
            return None
        return AblationView(examinations.ablation(self.study, result))

    def _examine(
        self, request: RunAudit | RunAblation, wait: bool, follow: examine.Follow | None
    ) -> Audit | Ablation | None:
        self.study.kind.require_writable(request.verb)
        request_id = examine.ask(self.folder, lambda: self.study, request)
        if not wait:
            return None
        return examine.wait(self.folder, lambda: self.study, request_id, follow)

    # --- taking programs out -----------------------------------------------------------------

    def apply(
        self, candidate: int | None = None, *, to: str | Path | None = None, dry_run: bool = False
    ) -> WrittenBack:
        """Writes the incumbent, or one candidate, back to the experiment's folder or another one.

        Raises:
            UsageError: a file there is neither the baseline's nor the new one already; nothing was
                written.
        """
        self.study.kind.require_programs("apply")
        number = self.study.incumbent if candidate is None else candidate
        target = None if to is None else Path(to).expanduser()
        return apply_candidate(
            self.folder, self.study, lambda n: self[n].program, number, target, dry_run
        )

    def install(self, name: str, candidate: int | None = None) -> Path:
        """Lets `--proposer NAME` mean what the incumbent, or one candidate, writes down.

        See `install_proposer` for what that can be, and for the errors.
        """
        self.study.kind.require_programs("apply")
        number = self.study.incumbent if candidate is None else candidate
        files = {} if number is None else self[number].program.files
        return install_proposer(self.study, files, name)

    def export(self, candidate: int, path: str | Path | None = None) -> Path:
        """Writes one step as a notebook that runs alone; returns its path."""
        from workbench.steps.export import export  # 0.1 s to import; few verbs need it

        self.study.kind.require_programs("export")
        target = None if path is None else Path(path).expanduser()
        return export(self.folder, self[candidate].number, target)

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
            candidate: number of the candidate.
            seed: parameter of the notebook; None leaves its own default.
            trials: likewise.
            sigmas: likewise.
            keep: where the executed notebook is to stay.

        Raises:
            WorkbenchError: it could not be run; or not recorded, then the message has the verdict.
        """
        self.study.kind.require_programs("reproduce")
        return reproduce_and_record(
            self.folder,
            self[candidate].number,
            self._ask,
            seed=seed,
            trials=trials,
            sigmas=sigmas,
            keep=None if keep is None else Path(keep).expanduser(),
        )
