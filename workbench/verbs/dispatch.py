"""Verbs: one parser and one dispatch for the command line and the magic. What a verb does is in `handle`, what may follow it in `words`."""

import argparse
import difflib
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import workbench
from workbench.errors import UsageError
from workbench.ledger.folder import StudyFolder
from workbench.recognise import cell, setup
from workbench.recognise.scaffold import Scoring
from workbench.records import Review
from workbench.show import examinations, views
from workbench.show.examination_tables import AblationView, AuditView
from workbench.verbs import log_import, new, start, study_options, words
from workbench.verbs.edit import edited_files
from workbench.verbs.handle import StudyHandle

Arguments = argparse.Namespace
Follow = Callable[[StudyHandle], "Result"]


class Cell(NamedTuple):
    """A notebook cell: its first line, and what follows."""

    magic: str
    code: str


class Sentence(str):
    """A text that a notebook shows as it is, without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


@dataclass(frozen=True)
class Result:
    """What a verb came to.

    Attributes:
        value: what the magic returns, and the command line prints where there is no `text`.
        data: what `--json` prints.
        exit_code: 0 done, 1 the work failed, 2 wrong input.
        newest: the study that was meant, where none was named. folder: the study that the verb was about.
    """

    value: object
    data: Any
    text: str = ""
    exit_code: int = 0
    newest: str = ""
    folder: StudyFolder | None = None


@dataclass(frozen=True)
class Where:
    """Who calls: the folder in which `studies/` lies, the review by default, how `--wait` is followed, the cell below the magic."""

    root: Path
    follow: Follow
    review: Review = "off"
    prog: str = "autoresearch"
    cell: Cell | None = None


class _Parser(argparse.ArgumentParser):
    """Raises where argparse would print its usage and leave the process."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see {self.prog} --help")


def parser(prog: str = "autoresearch") -> argparse.ArgumentParser:
    """The one parser, with a subparser per verb."""
    main = _Parser(
        prog=prog,
        description="Studies in which code improves itself and you stay in charge.",
        allow_abbrev=False,
    )
    main.epilog = f"{prog} VERB --help tells more. Without --study a verb means the newest study below the current folder."
    main.add_argument(
        "--version", action="version", version=f"autoresearch-workbench {workbench.__version__}"
    )
    verbs = main.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name, verb in _VERBS.items():
        one = verbs.add_parser(
            name,
            help=verb.help,
            description=f"{verb.help[:1].upper()}{verb.help[1:]}.",
            allow_abbrev=False,
        )
        verb.words(one)
        if verb.alone is None:
            one.add_argument(
                "--study",
                metavar="NAME",
                help="the study, by name or path (default: the newest here)",
            )
        one.add_argument("--json", action="store_true", help="print one JSON value instead of text")
    return main


def read(arguments: Sequence[str], prog: str = "autoresearch") -> Arguments:
    """Parses one command line (without the program's name).

    Raises:
        UsageError: it cannot be understood; one line. SystemExit: help was asked for, and printed.
    """
    first = next((word for word in arguments if word not in ("-h", "--help", "--version")), None)
    if not arguments:
        raise UsageError(f"which verb? {', '.join(NAMES)}; see {prog} --help")
    if first is not None and first not in _VERBS:
        close = difflib.get_close_matches(first, NAMES, n=1)
        raise UsageError(
            f"no verb {first!r}; "
            + (f"did you mean {close[0]}?" if close else f"choose one of {', '.join(NAMES)}")
        )
    parsed, strangers = parser(prog).parse_known_args(arguments)
    if strangers:
        raise UsageError(
            f"{parsed.verb} does not know {' '.join(strangers)}; see {prog} {parsed.verb} --help"
        )
    return parsed


def run(parsed: Arguments, where: Where) -> Result:
    """Carries out what `read` has read.

    Raises:
        UsageError: it cannot be carried out as given. WorkbenchError: the work failed.
    """
    verb = _VERBS[parsed.verb]
    if verb.alone is not None:
        return verb.alone(parsed, where)
    named = parsed.study or getattr(parsed, "positional", None)
    if parsed.study and getattr(parsed, "positional", None) not in (None, parsed.study):
        raise UsageError(f"two studies are named: {parsed.positional} and {parsed.study}")
    study = start.open(named, where.root)
    result = verb.on(study, parsed)
    return replace(result, newest="" if named else study.name, folder=study.folder)


def _numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.replace(" ", ",").split(",") if part]
    except ValueError:
        raise UsageError(f"not hunk numbers: {text!r}; write --hunks 1,3") from None


def _pairs(texts: Sequence[str]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise UsageError(f"not KEY=VALUE: {text!r}")
        pairs[key] = value
    return pairs


def _scoring(parsed: Arguments) -> Scoring:
    return Scoring(
        score=parsed.score,
        metric=parsed.metric,
        goal=parsed.goal,
        noise=parsed.noise,
        min_effect=parsed.min_effect,
    )


def _start(parsed: Arguments, where: Where) -> Result:
    if parsed.experiment is not None and where.cell is not None:
        raise UsageError(
            f"the cell is the program; leave {parsed.experiment} out, or start it without a cell"
        )
    if parsed.experiment is None and where.cell is None:
        raise UsageError(
            f"which experiment? {where.prog} start EXPERIMENT; see {where.prog} start --help"
        )
    is_script = parsed.experiment is not None and new.is_script(Path(parsed.experiment))
    if (
        where.cell is None
        and not is_script
        and (_scoring(parsed) != Scoring() or parsed.time_limit is not None)
    ):
        told = "how it is scored, and how long a trial may take ([limits] wall_seconds), stands in its experiment.toml"
        raise UsageError(f"{told}; a script becomes an experiment with: {where.prog} new FOLDER")
    names = (
        "study",
        "proposer",
        "model",
        "strategy",
        "policy",
        "candidates",
        "time",
        "max_usd",
        "slots",
        "executor",
        "seed",
        "sandbox",
    )
    options = {
        name: getattr(parsed, name)
        for name in (*names, "base_url", "effort", "max_tokens", "ahead", "round")
    }
    review = parsed.review or (
        "off" if parsed.wait else where.review
    )  # who waits in this kernel cannot review in it

    scored = {**asdict(_scoring(parsed)), "time_limit": parsed.time_limit} if is_script else {}

    def begin(experiment: str | Path) -> StudyHandle:
        settings = _pairs(parsed.settings)
        return start.start(
            experiment,
            root=where.root,
            review=review,
            settings=settings,
            also=parsed.also,
            **options,
            **scored,
        )

    if where.cell is None:
        study = begin(parsed.experiment)
    else:
        study = cell.begin(
            *where.cell, parsed.study or "cell", _scoring(parsed), parsed.time_limit, begin
        )
    if estimate := study_options.estimate(study.folder):
        print(estimate, file=sys.stderr, flush=True)
    if parsed.wait:
        return where.follow(study)
    name, prog = study.name, where.prog
    text = f"study {name} is running (process of its own)\n  {prog} status {name}\n  {prog} stop --study {name}"
    return Result(study, study.status().data, text)


def _new(parsed: Arguments, where: Where) -> Result:
    script = None if parsed.script is None else where.root / Path(parsed.script).expanduser()
    command, limit = parsed.command or "", parsed.time_limit
    wanted = setup.Wanted(
        scoring=_scoring(parsed),
        editable=tuple(parsed.editable or ()),
        command=command,
        time_limit=limit,
    )
    ask = None if parsed.json else setup.person()
    folder = where.root / Path(parsed.folder).expanduser()
    made = new.make(
        folder, script, wanted, run=not parsed.no_run, sandbox=parsed.sandbox, ask=ask, say=_say
    )
    return Result(Sentence(made), made.data(), exit_code=0 if made.works else 1)


def _import(parsed: Arguments, where: Where) -> Result:
    columns = [] if parsed.columns is None else [name.strip() for name in parsed.columns.split(",")]
    given = {name: getattr(parsed, name) for name in ("study", "goal", "metric", "segment")}
    path = where.root / Path(parsed.log).expanduser()
    made = log_import.import_log(
        path, root=where.root, columns=columns, statuses=_pairs(parsed.status), **given
    )
    return Result(Sentence(made), made.data())


def _list(parsed: Arguments, where: Where) -> Result:
    from workbench.show.tables import ListView

    view = ListView(start.overview(where.root))
    return Result(view, view.data)


def _doctor(parsed: Arguments, where: Where) -> Result:
    from workbench.verbs.doctor import examine

    report = examine(where.root, parsed.model, parsed.base_url)
    return Result(report, report.data, exit_code=0 if report.healthy else 1)


def _viewed(view: Any) -> Result:
    return Result(view, view.data)


def _asked(
    said: str, ask: Callable[[StudyHandle, Arguments], None]
) -> Callable[[StudyHandle, Arguments], Result]:
    """A verb that is a request: `said` may name the parsed words in braces."""

    def on(study: StudyHandle, parsed: Arguments) -> Result:
        ask(study, parsed)
        named = {
            name: " ".join(value) if isinstance(value, list) else value
            for name, value in vars(parsed).items()
        }
        sentence = Sentence(f"{study.name}: {said.format(**named)}")
        return Result(sentence, {"study": study.name, "done": parsed.verb, "text": str(sentence)})

    return on


def _accept(study: StudyHandle, parsed: Arguments) -> Result:
    hunks = None if parsed.hunks is None else _numbers(parsed.hunks)
    study.accept(parsed.candidate, hunks, parsed.reason)
    newest = study.study.candidates[-1].record
    made = newest.candidate if hunks is not None and newest.revises == parsed.candidate else None
    said = (
        _accepted(study, parsed.candidate)
        if made is None
        else f"these hunks are candidate {made}; it is tried like any other"
    )
    return Result(
        Sentence(f"{study.name}: {said}"),
        {
            "study": study.name,
            "done": "accept",
            "text": said,
            "candidate": made or parsed.candidate,
        },
    )


def _accepted(study: StudyHandle, number: int) -> str:
    """What accepting a whole candidate came to: it is kept, it is tried, or a veto of what had not been tried was taken back."""
    history = study.study.candidates[number]
    if history.status == "waiting":
        return f"candidate {number} waits again, as before it was rejected; accept it once more to let it run"
    return (
        f"candidate {number} accepted"
        if history.status == "kept"
        else f"candidate {number} accepted; it is tried like any other"
    )


def _set(study: StudyHandle, parsed: Arguments) -> Result:
    for key, value in _pairs([parsed.pair]).items():
        study.set(key, value)
    sentence = Sentence(f"{study.name}: {parsed.pair}")
    return Result(sentence, {"study": study.name, "done": "set", "text": str(sentence)})


def _edit(study: StudyHandle, parsed: Arguments) -> Result:
    made = study.edit(
        parsed.candidate,
        edited_files(study[parsed.candidate].program, parsed.source),
        parsed.reason,
    )
    said = f"{study.name}: your version of candidate {parsed.candidate} is candidate {made}; it is tried like any other"
    return Result(
        Sentence(said), {"study": study.name, "done": "edit", "text": said, "candidate": made}
    )


def _guide(study: StudyHandle, parsed: Arguments) -> Result:
    text = " ".join(parsed.text)
    study.guide(text, next=parsed.next)
    said = f"{study.name}: {'idea for the next proposal' if parsed.next else 'guidance'}: {text}"
    return Result(Sentence(said), {"study": study.name, "done": "guide", "text": said})


def _review(study: StudyHandle, parsed: Arguments) -> Result:
    from workbench.show.tables import LogView

    waiting = [
        views.entry(study.study, study.study.candidates[number]) for number in study.study.waiting
    ]
    return _viewed(LogView(waiting, empty="nothing waits for review"))


def _diff(study: StudyHandle, parsed: Arguments) -> Result:
    if parsed.scores:
        return _viewed(study.compare(parsed.old, parsed.new))
    from workbench.show.tables import DiffView

    patch = study.diff(parsed.old, parsed.new)
    view = DiffView(patch)
    return Result(view, view.data, text=patch.unified() or "no difference")


def _results(study: StudyHandle, parsed: Arguments) -> Result:
    text = study.results(tsv=parsed.tsv)
    header, rows = views.results(study.study)
    return Result(
        Sentence(text),
        [dict(zip(header, row, strict=True)) for row in rows],
        text=text.removesuffix("\n"),
    )


def _apply(study: StudyHandle, parsed: Arguments) -> Result:
    if parsed.proposer is not None:
        if parsed.to is not None or parsed.dry_run:
            raise UsageError(
                "--proposer installs a proposer and writes nothing else; leave --to and --dry-run out"
            )
        path = study.install(parsed.proposer, parsed.candidate)
        said = f"{study.name}: installed; use it: autoresearch start EXPERIMENT --proposer {parsed.proposer}"
        return Result(
            Sentence(said),
            {
                "proposer": parsed.proposer,
                "path": str(path),
                "means": path.read_text(encoding="utf-8").strip(),
            },
        )
    done = study.apply(parsed.candidate, to=parsed.to, dry_run=parsed.dry_run)
    data = {
        "folder": str(done.folder),
        "written": list(done.written),
        "unchanged": list(done.unchanged),
        "dry_run": done.dry_run,
    }
    return Result(Sentence(str(done)), {**data, "patch": done.patch.unified()})


def _export(study: StudyHandle, parsed: Arguments) -> Result:
    path = study.export(parsed.candidate, parsed.file)
    return Result(
        Sentence(f"wrote {path}; papermill runs it, alone, anywhere"),
        {"candidate": parsed.candidate, "path": str(path)},
    )


def _reproduce(study: StudyHandle, parsed: Arguments) -> Result:
    record = study.reproduce(
        parsed.candidate,
        seed=parsed.seed,
        trials=parsed.trials,
        sigmas=parsed.sigmas,
        keep=parsed.keep,
    )
    verdict = "reproduced" if record.reproduced else "did NOT reproduce"
    said = f"{study.name}: candidate {record.candidate} {verdict}: got {record.got}, recorded {record.recorded}. {record.why}".rstrip()
    return Result(Sentence(said), asdict(record), exit_code=0 if record.reproduced else 1)


def _audit(study: StudyHandle, parsed: Arguments) -> Result:
    return _examined(
        study,
        parsed,
        lambda: study.audit(parsed.trials, wait=not parsed.no_wait, follow=_say_progress),
    )


def _ablate(study: StudyHandle, parsed: Arguments) -> Result:
    return _examined(
        study,
        parsed,
        lambda: study.ablate(parsed.trials, wait=not parsed.no_wait, follow=_say_progress),
    )


def _examined(
    study: StudyHandle, parsed: Arguments, examine: Callable[[], "AuditView | AblationView | None"]
) -> Result:
    """0 when the claim holds, or what carries weight is known; 1 when it does not hold, or a program failed; 130 when interrupted."""
    try:
        view, exit_code = examine(), 0
    except KeyboardInterrupt:
        view, exit_code = None, 130
    if view is None:
        said = f"{study.name}: {parsed.verb} goes on by itself; ask again to follow it, or look: autoresearch status {study.name}"
        data = {
            "study": study.name,
            "done": parsed.verb,
            "text": said,
            "examination": study.status().data["examination"],
        }
        return Result(Sentence(said), data, exit_code=exit_code)
    failed = view.data["why"] if parsed.verb == "ablate" else view.data["verdict"] != "holds"
    return Result(view, view.data, exit_code=1 if failed else 0)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _say_progress(now: examinations.View) -> None:
    print(
        f"{now['verb']} of candidate {now['candidate']}: {now['done']} of {now['trials']} trials",
        file=sys.stderr,
        flush=True,
    )


def _nothing_on(study: StudyHandle, parsed: Arguments) -> Result:
    raise NotImplementedError(f"{parsed.verb} acts on no study")


@dataclass(frozen=True)
class _Verb:
    """Its help, the words that follow it, and what it does: `on` a study, or `alone`."""

    help: str
    words: Callable[[argparse.ArgumentParser], None]
    on: Callable[[StudyHandle, Arguments], Result] = _nothing_on
    alone: Callable[[Arguments, Where], Result] | None = None


_VERBS: dict[str, _Verb] = {
    "start": _Verb("begin a study of an experiment", words.start, alone=_start),
    "list": _Verb("the studies below the current folder, newest first", words.none, alone=_list),
    "status": _Verb("one study at a glance", words.study, lambda study, _: _viewed(study.status())),
    "log": _Verb(
        "every candidate of a study, with its score and decision",
        words.study,
        lambda study, _: _viewed(study.log()),
    ),
    "show": _Verb(
        "one candidate in full, with its diff",
        words.show,
        lambda study, parsed: _viewed(study.show(parsed.candidate)),
    ),
    "attach": _Verb(
        "the live dashboard of a study, in a notebook",
        words.study,
        lambda study, _: _viewed(study.status()),
    ),
    "review": _Verb("what waits for you; in a notebook, the review card", words.study, _review),
    "accept": _Verb("keep a candidate, or some of its hunks", words.accept, _accept),
    "reject": _Verb(
        "veto a candidate, even one that was kept",
        words.reject,
        _asked(
            "candidate {candidate} rejected",
            lambda study, parsed: study.reject(parsed.candidate, parsed.reason),
        ),
    ),
    "edit": _Verb(
        "change a candidate by hand; your version is tried like any other", words.edit, _edit
    ),
    "guide": _Verb(
        "give guidance for all proposals to come, or an idea for the next", words.guide, _guide
    ),
    "ban": _Verb(
        "ban an idea",
        words.text,
        _asked("banned: {text}", lambda study, parsed: study.ban(" ".join(parsed.text))),
    ),
    "pin": _Verb(
        "pin a kept candidate",
        words.candidate,
        _asked("candidate {candidate} pinned", lambda s, p: s.pin(p.candidate)),
    ),
    "set": _Verb("change a limit or the review of a study under way", words.pair, _set),
    "pause": _Verb("pause a study", words.none, _asked("paused", lambda study, _: study.pause())),
    "resume": _Verb(
        "let a paused, ended or dead study go on",
        words.none,
        _asked("goes on", lambda study, _: study.resume()),
    ),
    "stop": _Verb(
        "end a study and its running trials",
        words.none,
        _asked("stopped", lambda study, _: study.stop()),
    ),
    "fork": _Verb(
        "let the search go on from a candidate",
        words.candidate,
        _asked(
            "goes on from candidate {candidate}", lambda study, parsed: study.fork(parsed.candidate)
        ),
    ),
    "diff": _Verb(
        "what turns candidate A into candidate B, or which of them scores better", words.diff, _diff
    ),
    "results": _Verb("the study as autoresearch's results table", words.results, _results),
    "apply": _Verb(
        "write the incumbent, or a candidate, back to the experiment's folder", words.apply, _apply
    ),
    "export": _Verb("write one step as a notebook that runs alone", words.export, _export),
    "reproduce": _Verb(
        "run one step again and record whether it reproduces", words.reproduce, _reproduce
    ),
    "audit": _Verb(
        "score incumbent and baseline on what no decision used: the corrected gain",
        words.examination,
        _audit,
    ),
    "ablate": _Verb(
        "take each kept change out in turn: which still carry weight", words.examination, _ablate
    ),
    "import": _Verb(
        "make a read-only study of another tool's log (results.tsv, autoresearch.jsonl)",
        words.import_,
        alone=_import,
    ),
    "new": _Verb(
        "make an experiment of a script or a package, and run its baseline", words.new, alone=_new
    ),
    "doctor": _Verb(
        "what works on this machine, and what to do about the rest", words.doctor, alone=_doctor
    ),
}
NAMES = tuple(_VERBS)


def options(verb: str) -> list[str]:
    """The option strings of a verb, for completion."""
    one = parser()._subparsers._group_actions[0].choices[verb]  # type: ignore[union-attr,index]
    return sorted(
        option
        for action in one._actions
        for option in action.option_strings
        if option.startswith("--")
    )
