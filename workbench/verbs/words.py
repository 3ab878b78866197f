"""Words: what may follow each verb on a command line, with its help. One function per set of words, used by `verbs`."""

from argparse import ArgumentParser

from workbench.verbs.start import DEFAULT_CANDIDATES


def start(one: ArgumentParser) -> None:
    """What `start` takes."""
    add = one.add_argument
    what = "a folder with experiment.toml, an autoresearch checkout, a built-in name, or a script; left out where a cell is the program"
    add("experiment", metavar="EXPERIMENT", nargs="?", help=what)
    add(
        "--study",
        metavar="NAME",
        help="name of the new study (default: the experiment's with a number)",
    )
    who = "who changes the code: tuner (no key; or tuner:reach=3), evolve, agent (a model), patches:DIR, replay:STUDY, null, ... (tuner)"
    add("--proposer", metavar="NAME", default="tuner", help=who)
    add(
        "--model",
        metavar="NAME",
        default="",
        help="the model, where the proposer uses one; several by weight: a=3,b=1",
    )
    where = (
        "where the model is asked; any server of the Messages API (ANTHROPIC_BASE_URL, else Claude)"
    )
    add("--base-url", metavar="URL", default="", help=where)
    add(
        "--effort",
        metavar="LEVEL",
        default="",
        help="how hard the model thinks: low, medium, high, xhigh, max (its default)",
    )
    add(
        "--strategy",
        metavar="NAME",
        default="hillclimb",
        help="parents: hillclimb, islands, frontier, best-of-n (hillclimb)",
    )
    add(
        "--policy",
        metavar="NAME",
        default="tested",
        help="what is kept: tested (past the noise), greedy (tested)",
    )
    add(
        "--review",
        choices=["off", "keeps", "all"],
        help="what waits for you: nothing, would-be keeps, every diff",
    )
    add(
        "--candidates",
        metavar="N",
        type=int,
        help=f"how many to propose; 0: no limit ({DEFAULT_CANDIDATES}, or 0 with --time)",
    )
    add(
        "--time", metavar="T", help="stop proposing after so long, as 8h, 30m or seconds (no limit)"
    )
    add(
        "--max-usd",
        metavar="X",
        type=float,
        default=0.0,
        help="stop proposing after so much money (no limit)",
    )
    add(
        "--max-tokens",
        metavar="N",
        type=int,
        default=0,
        help="stop proposing after so many tokens of a model (no limit)",
    )
    add(
        "--round",
        metavar="N",
        type=int,
        default=1,
        help="candidates that agent is asked for at a time (1)",
    )
    add(
        "--ahead",
        metavar="N",
        type=int,
        help="proposals made ahead per slot; 0: each learns from all before it (as the proposer wishes)",
    )
    add("--slots", metavar="N", type=int, default=0, help="trials at a time (as many as fit)")
    add("--executor", metavar="NAME", default="local", help="where trials run (local)")
    add(
        "--seed",
        metavar="S",
        type=int,
        help="all chance in the study derives from it; by default nobody knows its seeds",
    )
    add(
        "--sandbox",
        metavar="LEVEL",
        default="auto",
        help="auto, bwrap, landlock, or off: without isolation (auto)",
    )
    add(
        "--set",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        dest="settings",
        help="a setting of the experiment; may be repeated",
    )
    others = "programs tried before the proposer is asked: files in place of the editable one, or folders of such"
    add("--also", metavar="PATH", nargs="+", action="extend", default=[], help=others)
    add("--wait", action="store_true", help="follow the study to its end")
    add(
        "--time-limit",
        metavar="T",
        help="of a cell or script: the longest that a trial may take, as 30m (10m)",
    )
    scoring(one)


def scoring(one: ArgumentParser) -> None:
    """How a cell or a script is scored."""
    add = one.add_argument
    add(
        "--score",
        metavar="NAME",
        help="of a cell or script: its function that returns the score (score)",
    )
    add(
        "--metric",
        metavar="NAME",
        help="of a cell or script: the score is the last line NAME: NUMBER that it prints; self-reported",
    )
    goal = one.add_mutually_exclusive_group()
    which = "of a cell or script: which is better (as its name says; of a cell: maximize a function, minimize a metric)"
    goal.add_argument("--goal", choices=["minimize", "maximize"], help=which)
    goal.add_argument(
        "--minimize",
        action="store_const",
        const="minimize",
        dest="goal",
        help="the same as --goal minimize",
    )
    goal.add_argument(
        "--maximize",
        action="store_const",
        const="maximize",
        dest="goal",
        help="the same as --goal maximize",
    )
    add(
        "--noise",
        choices=["none", "seed", "run"],
        help="of a cell or script: none: deterministic; seed: given its seed; run: never (run)",
    )
    add(
        "--min-effect",
        metavar="X",
        type=float,
        default=0.0,
        help="of a cell or script: the smallest effect worth having (0)",
    )


def new(one: ArgumentParser) -> None:
    """A folder, a script to make it of, and what need not be asked."""
    add = one.add_argument
    add(
        "folder",
        metavar="FOLDER",
        help="the new experiment's folder; or one with a package, which becomes an experiment as it lies there",
    )
    add(
        "--script",
        metavar="FILE.py",
        help="what runs; a scoring function in it becomes the evaluator",
    )
    add(
        "--editable",
        metavar="GLOB",
        nargs="+",
        help="the files that may change, below the script's folder (the script)",
    )
    add("--command", metavar="TEXT", help="how it runs, where it prints its score (python FILE.py)")
    add(
        "--time-limit",
        metavar="T",
        help="of a trial, as 10m (five times what the baseline takes, a minute at least)",
    )
    add(
        "--sandbox",
        metavar="LEVEL",
        choices=["auto", "bwrap", "landlock", "off"],
        default="auto",
        help="of the baseline (auto)",
    )
    add("--no-run", action="store_true", help="do not run the baseline")
    scoring(one)


def candidate(one: ArgumentParser) -> None:
    """A candidate's number."""
    one.add_argument("candidate", metavar="N", type=int, help="number of the candidate")


def study(one: ArgumentParser) -> None:
    """A study, at the end."""
    one.add_argument(
        "positional", metavar="STUDY", nargs="?", help="the study (default: the newest here)"
    )


def show(one: ArgumentParser) -> None:
    """A candidate, and a study at the end."""
    candidate(one)
    study(one)


def accept(one: ArgumentParser) -> None:
    """A candidate, some of its hunks, a reason."""
    candidate(one)
    one.add_argument(
        "--hunks",
        metavar="1,3",
        help="only these; they become a new candidate, tried like any other",
    )
    one.add_argument("--reason", metavar="TEXT", default="", help="why")


def reject(one: ArgumentParser) -> None:
    """A candidate and a reason."""
    candidate(one)
    one.add_argument("--reason", metavar="TEXT", default="", help="why; the proposer is told")


def edit(one: ArgumentParser) -> None:
    """A candidate, and where its edited files are."""
    candidate(one)
    one.add_argument(
        "--from",
        metavar="FOLDER",
        dest="source",
        help="a folder with the edited files (default: they open in $EDITOR)",
    )
    one.add_argument("--reason", metavar="TEXT", default="", help="what the change is for")


def text(one: ArgumentParser) -> None:
    """A sentence, quoted or not."""
    one.add_argument("text", metavar="TEXT", nargs="+", help="a sentence")


def guide(one: ArgumentParser) -> None:
    """A sentence, for all proposals to come or for the next one."""
    text(one)
    one.add_argument("--next", action="store_true", help="an idea for the next proposal only")


def pair(one: ArgumentParser) -> None:
    """One KEY=VALUE."""
    one.add_argument(
        "pair",
        metavar="KEY=VALUE",
        help="candidates, time, max-usd, max-tokens, max-waiting or review",
    )


def diff(one: ArgumentParser) -> None:
    """Two candidates."""
    one.add_argument("old", metavar="A", type=int, help="number of a candidate")
    one.add_argument("new", metavar="B", type=int, help="number of another")
    one.add_argument(
        "--scores",
        action="store_true",
        help="compare their scores instead, in pairs where they can be, with an interval",
    )


def results(one: ArgumentParser) -> None:
    """The form of the table."""
    one.add_argument(
        "--tsv", action="store_true", help="tab-separated, as autoresearch's results.tsv"
    )


def import_(one: ArgumentParser) -> None:
    """A log, and what it does not say itself."""
    add = one.add_argument
    add("log", metavar="LOG", help="a results.tsv, or pi's .auto/log.jsonl or autoresearch.jsonl")
    add(
        "--study",
        metavar="NAME",
        help="name of the new study (default: the log's, or its folder's, with a number)",
    )
    add(
        "--goal",
        choices=["minimize", "maximize"],
        help="which is better, a low or a high score, where the log does not say",
    )
    add("--metric", metavar="NAME", help="which column, or which named metric, is the score")
    add(
        "--columns",
        metavar="A,B,...",
        help="names of the columns, for a log without a header or instead of its own",
    )
    add(
        "--status",
        metavar="WORD=VERDICT",
        action="append",
        default=[],
        help="what a word means: keep, discard or crash; may be repeated",
    )
    add(
        "--segment",
        metavar="N",
        type=int,
        help="which segment of a pi log (default: the last one with runs)",
    )


def apply(one: ArgumentParser) -> None:
    """A candidate, and where to."""
    one.add_argument(
        "candidate", metavar="N", type=int, nargs="?", help="a candidate (default: the incumbent)"
    )
    one.add_argument(
        "--to",
        metavar="FOLDER",
        help="write there instead; a new folder becomes a copy of the experiment",
    )
    named = "install it as a proposer of this name instead, where it is settings of the tuner, or a prompt; start --proposer NAME uses it"
    one.add_argument("--proposer", metavar="NAME", help=named)
    one.add_argument("--dry-run", action="store_true", help="check, and show the diff only")


def export(one: ArgumentParser) -> None:
    """A candidate, and a file."""
    candidate(one)
    one.add_argument("file", metavar="FILE.ipynb", nargs="?", help="where to write it")


def reproduce(one: ArgumentParser) -> None:
    """A candidate, and the parameters of its notebook."""
    candidate(one)
    one.add_argument(
        "--seed", metavar="S", type=int, help="seed of the first trial (the recorded ones)"
    )
    one.add_argument("--trials", metavar="N", type=int, help="how many (as recorded)")
    one.add_argument(
        "--sigmas",
        metavar="X",
        type=float,
        help="how far off is still the same, in standard deviations",
    )
    one.add_argument("--keep", metavar="FILE.ipynb", help="where the executed notebook is to stay")


def examination(one: ArgumentParser) -> None:
    """How many trials, and whether to wait for them."""
    one.add_argument(
        "--trials",
        metavar="N",
        type=int,
        help="of each program (as many as a test of the study may take)",
    )
    one.add_argument(
        "--no-wait",
        action="store_true",
        help="return at once; the result stands in status when it is there",
    )


def doctor(one: ArgumentParser) -> None:
    """A model to ask, and where."""
    one.add_argument(
        "--model",
        metavar="NAME",
        default="",
        help="ask this model for a word, to see whether it answers; costs a few tokens",
    )
    one.add_argument(
        "--base-url",
        metavar="URL",
        default="",
        help="where to ask it (ANTHROPIC_BASE_URL, else Claude)",
    )


def none(one: ArgumentParser) -> None:
    """Nothing."""
