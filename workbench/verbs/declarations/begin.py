"""Verbs that need no study: they begin one, make an experiment, or look at this machine."""

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from workbench import options
from workbench.errors import UsageError
from workbench.options import Option
from workbench.recognise import cell, setup
from workbench.recognise.logs import Reading
from workbench.recognise.scaffold import Scoring
from workbench.verbs import log_import, new, start, study_options
from workbench.verbs.handle import StudyHandle
from workbench.verbs.pairs import read_pairs
from workbench.verbs.result import INTERRUPTED, Result, Sentence, report_view
from workbench.verbs.verb import Argument, Arguments, Caller, Cell, Verb, from_option


def _start(arguments: Arguments, caller: Caller) -> Result:
    chosen = _read_options(arguments, options.START)
    wait = chosen.pop("wait", False)
    if "review" not in chosen:
        # A kernel that waits for the study cannot pass a click on, so nothing must wait for one.
        chosen["review"] = "off" if wait else caller.review
    if caller.cell is not None:
        study = _start_cell(caller.cell, arguments, caller, chosen)
    elif arguments.experiment is None:
        raise UsageError(
            f"which experiment? {caller.prog} start EXPERIMENT; see {caller.prog} start --help"
        )
    else:
        study = start.start(arguments.experiment, root=caller.root, **chosen)
    estimate = study_options.estimate_cost(study.folder)
    if estimate:
        _print_line(estimate)
    if wait:
        return caller.follow(study)
    text = (
        f"study {study.name} is running in the background\n"
        f"  {caller.prog} status {study.name}\n"
        f"  {caller.prog} stop --study {study.name}"
    )
    return Result(study, study.status().data, text)


def _start_cell(
    program: Cell, arguments: Arguments, caller: Caller, chosen: dict[str, Any]
) -> StudyHandle:
    """Starts a study of a notebook cell.

    Args:
        program: the cell.
        arguments: the parsed command line.
        caller: who gave it.
        chosen: the options of `start` in it.
    """
    if arguments.experiment is not None:
        raise UsageError(
            f"the cell is the program; leave {arguments.experiment} out, or start it without a cell"
        )
    scoring = {name: chosen.pop(name) for name in options.SCORING if name in chosen}
    time_limit = scoring.pop("time_limit", None)

    def start_experiment(folder: Path) -> StudyHandle:
        return start.start(folder, root=caller.root, **chosen)

    # The experiment has no name but the study's, which is what a person recognises it by.
    name = chosen.get("study") or "cell"
    return cell.begin(
        program.magic, program.code, name, Scoring(**scoring), time_limit, start_experiment
    )


def _read_options(arguments: Arguments, declared: Mapping[str, Option]) -> dict[str, Any]:
    """The declared options in a command line, by name, as `start` and `Scoring` take them."""
    chosen = {name: value for name, value in vars(arguments).items() if name in declared}
    if "settings" in chosen:
        chosen["settings"] = read_pairs(chosen["settings"])
    return chosen


def _new(arguments: Arguments, caller: Caller) -> Result:
    script = None
    if arguments.script is not None:
        script = caller.root / Path(arguments.script).expanduser()
    scoring = _read_options(arguments, options.SCORING)
    time_limit = scoring.pop("time_limit", None)
    description = setup.Description(
        scoring=Scoring(**scoring),
        editable=tuple(arguments.editable),
        command=arguments.command,
        time_limit=time_limit,
    )
    experiment = new.make_experiment(
        caller.root / Path(arguments.folder).expanduser(),
        script,
        description,
        run=not arguments.no_run,
        sandbox=arguments.sandbox,
        # With --json a program reads the answer; it cannot be asked.
        ask=None if arguments.json else setup.person(),
        say=_print_line,
    )
    exit_code = int(not experiment.works)
    return Result(Sentence(experiment), experiment.data(), exit_code=exit_code)


def _import(arguments: Arguments, caller: Caller) -> Result:
    columns: list[str] = []
    if arguments.columns is not None:
        columns = arguments.columns.split(",")
    reading = Reading(
        metric=arguments.metric,
        goal=arguments.goal,
        columns=tuple(name.strip() for name in columns),
        statuses=read_pairs(arguments.status),
        segment=arguments.segment,
    )
    path = caller.root / Path(arguments.log).expanduser()
    log = log_import.import_log(path, reading, study=arguments.study, root=caller.root)
    return Result(Sentence(log), log.data())


def _doctor(arguments: Arguments, caller: Caller) -> Result:
    from workbench.verbs import doctor  # it looks for installed packages; 25 ms to import

    report = doctor.examine(caller.root, arguments.model, arguments.base_url)
    return replace(report_view(report), exit_code=int(not report.healthy))


def _print_line(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


_EXPERIMENT = Argument(
    name="experiment",
    nargs="?",
    metavar="EXPERIMENT",
    completes="experiments",
    help="a folder with experiment.toml, an autoresearch checkout, the name of a built-in "
    "experiment, or a script; left out where a cell is the program",
)
# As for a script, but a log may say itself which way its score is better.
_GOAL = replace(
    from_option(options.SCORING["goal"]),
    default=None,
    default_text="as the log says",
    has_flag_per_choice=False,
    group="",
)


# `new` finds out from the script and its baseline what `start` has a plain default for.
_DEFAULTS_OF_NEW = {
    "goal": "as the name says",
    "noise": "as the baseline shows",
    "time_limit": "five times the baseline's time, at least 1m",
}
_SCORING_OF_NEW = tuple(
    from_option(replace(option, default_text=_DEFAULTS_OF_NEW.get(name, option.default_text)))
    for name, option in options.SCORING.items()
)

VERBS = (
    Verb(
        name="start",
        help="begin a study of an experiment, a script or a cell",
        own_arguments=(_EXPERIMENT, *(from_option(option) for option in options.START.values())),
        alone=_start,
        exit_codes={
            1: "with --wait: the study paused or its loop died",
            INTERRUPTED: "with --wait: interrupted; the study goes on",
        },
    ),
    Verb(
        name="new",
        help="make an experiment of a script or a package, and run its baseline",
        own_arguments=(
            Argument(
                name="folder",
                metavar="FOLDER",
                help="the new experiment's folder; or one with a package, which becomes an "
                "experiment where it lies",
            ),
            Argument(
                name="--script",
                metavar="FILE.py",
                help="what runs; a scoring function in it becomes the evaluator",
            ),
            Argument(
                name="--editable",
                kind="paths",
                metavar="GLOB",
                default_text="the script",
                help="the files that may change, below the script's folder",
            ),
            Argument(
                name="--command",
                metavar="TEXT",
                default="",
                default_text="python FILE.py",
                help="how it runs, where it prints its score",
            ),
            replace(from_option(options.STUDY["sandbox"]), default="auto"),
            Argument(name="--no-run", kind="flag", help="do not run the baseline"),
            *_SCORING_OF_NEW,
        ),
        alone=_new,
        exit_codes={1: "the baseline failed"},
    ),
    Verb(
        name="import",
        help="make a read-only study of another tool's log (results.tsv, autoresearch.jsonl)",
        own_arguments=(
            Argument(
                name="log",
                metavar="LOG",
                help="a results.tsv, or pi's .auto/log.jsonl or autoresearch.jsonl",
            ),
            Argument(
                name="--study",
                metavar="NAME",
                default_text="the log's or its folder's, with a number",
                help="name of the new study",
            ),
            _GOAL,
            Argument(
                name="--metric",
                metavar="NAME",
                help="which column, or which named metric, is the score",
            ),
            Argument(
                name="--columns",
                metavar="A,B,...",
                help="names of the columns, for a log without a header or in place of its header",
            ),
            Argument(
                name="--status",
                kind="pairs",
                metavar="WORD=VERDICT",
                help="what a word of the log means: keep, discard or crash; may be repeated",
            ),
            Argument(
                name="--segment",
                kind="integer",
                metavar="N",
                default_text="the last one with runs",
                help="which segment of a pi log",
            ),
        ),
        alone=_import,
    ),
    Verb(
        name="doctor",
        help="show what works on this machine, and what to do about the rest",
        own_arguments=(
            Argument(
                name="--model",
                metavar="NAME",
                default="",
                help="ask this model for a word, to see whether it answers; costs a few tokens",
            ),
            replace(from_option(options.STUDY["base_url"]), default=""),
        ),
        alone=_doctor,
        exit_codes={1: "studies cannot run here"},
    ),
)
