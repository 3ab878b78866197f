"""Verbs that only look at studies."""

from workbench.show import results, views
from workbench.show.tables import DiffView, ListView, LogView
from workbench.verbs import start
from workbench.verbs.handle import StudyHandle
from workbench.verbs.result import Result, Sentence, report_view
from workbench.verbs.verb import CANDIDATE, STUDY, Argument, Arguments, Caller, Verb


def _list(arguments: Arguments, caller: Caller) -> Result:
    return report_view(ListView(start.read_statuses(caller.root)))


def _status(study: StudyHandle, arguments: Arguments) -> Result:
    return report_view(study.status())


def _log(study: StudyHandle, arguments: Arguments) -> Result:
    return report_view(study.log())


def _show(study: StudyHandle, arguments: Arguments) -> Result:
    return report_view(study.show(arguments.candidate))


def _review(study: StudyHandle, arguments: Arguments) -> Result:
    now = study.study
    waiting = [views.entry(now, now.candidates[number]) for number in now.waiting]
    return report_view(LogView(waiting, empty="nothing waits for review"))


def _diff(study: StudyHandle, arguments: Arguments) -> Result:
    if arguments.scores:
        return report_view(study.compare(arguments.old, arguments.new))
    patch = study.diff(arguments.old, arguments.new)
    view = DiffView(patch)
    return Result(view, view.data, text=patch.to_unified_diff() or "no difference")


def _results(study: StudyHandle, arguments: Arguments) -> Result:
    text = study.results(tsv=arguments.tsv)
    header, rows = results.results(study.study)
    data = [dict(zip(header, row, strict=True)) for row in rows]
    return Result(Sentence(text), data, text=text.removesuffix("\n"))


VERBS = (
    Verb(
        name="list",
        help="list the studies below the current folder, newest first",
        alone=_list,
    ),
    Verb(
        name="status",
        help="show one study at a glance",
        own_arguments=(STUDY,),
        on_study=_status,
        live_view="dashboard",
        answer_names_study=True,
    ),
    Verb(
        name="log",
        help="show every candidate of a study, with its score and decision",
        own_arguments=(STUDY,),
        on_study=_log,
    ),
    Verb(
        name="show",
        help="show one candidate in full, with its diff",
        own_arguments=(CANDIDATE, STUDY),
        on_study=_show,
    ),
    Verb(
        name="attach",
        help="open the live dashboard of a study, in a notebook",
        own_arguments=(STUDY,),
        on_study=_status,
        live_view="dashboard",
        answer_names_study=True,
    ),
    Verb(
        name="review",
        help="show what waits for you; in a live notebook, the review card",
        own_arguments=(STUDY,),
        on_study=_review,
        live_view="review",
    ),
    Verb(
        name="diff",
        help="show what turns candidate A into candidate B, or which of them scores better",
        own_arguments=(
            Argument(name="old", kind="integer", metavar="A", help="number of a candidate"),
            Argument(name="new", kind="integer", metavar="B", help="number of another candidate"),
            Argument(
                name="--scores",
                kind="flag",
                help="compare their scores instead: the difference and its interval, seed by "
                "seed where both ran on the same seeds",
            ),
        ),
        on_study=_diff,
    ),
    Verb(
        name="results",
        help="print the study as autoresearch's table of results",
        own_arguments=(
            Argument(
                name="--tsv",
                kind="flag",
                help="tab-separated, as in autoresearch's results.tsv; a well-formed log that "
                "was imported comes back unchanged",
            ),
        ),
        on_study=_results,
    ),
)
