"""Looking: what a script says about itself, read from its source and that of the modules beside it; nothing of it is run."""

import ast
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from workbench.errors import UsageError
from workbench.experiment import PRINTED_NAME, Goal
from workbench.syntax import syntax_problem, tree_of

HOLE = "\0"  # stands for a value in a printed text
_CLAIM = re.compile(rf"\s*({PRINTED_NAME})(?:\s*=|:)\s*{HOLE}\s*")
_LOW = {
    "loss",
    "error",
    "err",
    "mse",
    "rmse",
    "mae",
    "bpb",
    "bpc",
    "perplexity",
    "ppl",
    "nll",
    "seconds",
    "time",
    "latency",
    "cost",
    "regret",
    "excess",
    "wer",
    "cer",
    "distance",
    "gap",
}
_HIGH = {
    "acc",
    "accuracy",
    "score",
    "reward",
    "return",
    "f1",
    "auc",
    "r2",
    "precision",
    "recall",
    "bleu",
    "rouge",
    "throughput",
    "speed",
    "speedup",
    "gain",
    "quality",
    "fitness",
}
_SEEDS = {"seed", "manual_seed", "set_seed", "seed_everything", "manual_seed_all"}
_MAKERS = {"default_rng", "Random", "RandomState", "PRNGKey", "SeedSequence"}
_CLOCKS = {"time", "monotonic", "perf_counter", "process_time"}
_SYSTEM = ("/dev/", "/proc/", "/sys/", "/usr/", "/bin/", "/etc/")
_DOWNLOADS = {
    "urlopen",
    "urlretrieve",
    "load_dataset",
    "hf_hub_download",
    "snapshot_download",
    "from_pretrained",
    "fetch_openml",
}


@dataclass(frozen=True)
class Look:
    """What was found. A place is `train.py line 3`.

    Attributes:
        script: its path below `root`, the folder it lies in. code: its text.
        functions: its functions that need nothing, or a `seed`; `seeded`: those of them that take it.
        prints: the metrics that are printed as `name: number` on a line of their own, each with the file and the place.
        arguments: what argparse wants before the script runs.
        packages: distributions that its imports come from. missing: imports that nothing here provides.
        along: files below `root` that it needs: modules that it imports, data that it names. outside: what it names elsewhere.
        seeds, clocks, downloads: places where chance is fixed, where the clock is compared, where something is fetched.
    """

    root: Path
    script: str
    code: str
    functions: tuple[str, ...]
    seeded: tuple[str, ...]
    prints: Mapping[str, tuple[str, str]]
    arguments: tuple[str, ...]
    packages: tuple[str, ...]
    missing: tuple[str, ...]
    along: tuple[str, ...]
    outside: tuple[str, ...]
    seeds: tuple[str, ...]
    clocks: tuple[str, ...]
    downloads: tuple[str, ...]


def look(script: Path, root: Path | None = None) -> Look:
    """Reads a script and, as far as they lie below `root` (its own folder), the modules that it imports.

    Raises:
        UsageError: it cannot be read, or does not parse.
    """
    root = (root or script.parent).resolve()
    name = script.resolve().relative_to(root).as_posix()
    first = _Source(root, name, _text(script))
    sources, waiting = {name: first}, [first]
    names = set[str]()
    while waiting:
        source = waiting.pop()
        for module in source.imports:
            local = _local(root, source.name, module)
            names |= set() if local else {module.lstrip(".").partition(".")[0]}
            for path in local:
                if path not in sources:
                    sources[path] = _Source(root, path, _text(root / path))
                    waiting.append(sources[path])
    packages, missing = _distributions(names - set(sys.stdlib_module_names) - {""})
    everything = list(sources.values())
    data = {path for source in everything for path in source.inside}
    functions = [
        node for node in first.tree.body if isinstance(node, ast.FunctionDef) and _is_free(node)
    ]
    return Look(
        root=root,
        script=name,
        code=first.text,
        functions=tuple(node.name for node in functions),
        seeded=tuple(
            node.name for node in functions if any(arg.arg == "seed" for arg in _arguments(node))
        ),
        prints={
            metric: (source.name, place)
            for source in reversed(everything)
            for metric, place in source.prints.items()
        },
        arguments=tuple(first.arguments),
        packages=packages,
        missing=missing,
        along=tuple(sorted({*sources, *data} - {name})),
        outside=tuple(dict.fromkeys(path for source in everything for path in source.outside)),
        seeds=tuple(place for source in everything for place in source.seeds),
        clocks=tuple(place for source in everything for place in source.clocks),
        downloads=tuple(place for source in everything for place in source.downloads),
    )


def parsed(code: str, name: str = "") -> ast.Module:
    """The syntax tree of a program; `name` is that of its file, empty for a notebook's cell.

    Raises:
        UsageError: a line is for IPython, or it does not parse.
    """
    for number, line in enumerate(code.split("\n"), 1):
        if re.match(r"\s*[%!]", line):
            place, remedy = (
                (f"{name}: ", "take that line out")
                if name
                else ("", "put that line in another cell")
            )
            raise UsageError(
                f"{place}line {number} is for IPython ({line.strip()[:40]}); a program is plain Python, {remedy}"
            )
    if problem := syntax_problem(code):
        raise UsageError(f"{name or 'the program'} does not parse: {problem}")
    return tree_of(code)


def direction(metric: str) -> Goal | None:
    """Which way a metric of this name is better, as far as its words say."""
    words = set(re.split(r"[^a-z0-9]+", metric.lower()))
    low, high = bool(words & _LOW), bool(words & _HIGH)
    return None if low == high else "minimize" if low else "maximize"


@dataclass
class _Source:
    """One file, walked through once."""

    root: Path
    name: str
    text: str
    imports: list[str] = field(default_factory=list)
    prints: dict[str, str] = field(default_factory=dict)
    arguments: list[str] = field(default_factory=list)
    inside: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    seeds: list[str] = field(default_factory=list)
    clocks: list[str] = field(default_factory=list)
    downloads: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tree = parsed(self.text, self.name)
        timed = {
            name
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Assign) and _reads_clock(node.value)
            for target in node.targets
            for name in _names(target)
        }
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                self.imports += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                base = "." * node.level + (node.module or "")
                self.imports += [
                    base,
                    *(
                        f"{base}{'' if base.endswith('.') else '.'}{alias.name}"
                        for alias in node.names
                    ),
                ]
            elif isinstance(node, ast.Call):
                self._take_call(node)
            elif isinstance(node, ast.Compare) and (_reads_clock(node) or timed & _names(node)):
                self.clocks.append(self._place(node))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                self._take_path(node.value)

    def _take_call(self, call: ast.Call) -> None:
        name = _called(call)
        if name == "print":
            for line in _printed(call).split("\n"):
                if claim := _CLAIM.fullmatch(line):
                    self.prints.setdefault(claim[1], self._place(call))
        elif name == "add_argument" and (wanted := _wanted(call)):
            self.arguments.append(wanted)
        elif (
            (name in _SEEDS or name in _MAKERS)
            and call.args
            and isinstance(call.args[0], ast.Constant)
        ):
            self.seeds.append(self._place(call))
        elif name in _DOWNLOADS or any(
            key.arg == "download" and getattr(key.value, "value", None) is True
            for key in call.keywords
        ):
            self.downloads.append(self._place(call))

    def _take_path(self, text: str) -> None:
        if len(text) > 200 or "\n" in text or text.startswith(_SYSTEM) or not text.strip():
            return
        path = self.root / Path(self.name).parent / os.path.expanduser(text)
        if not path.exists() or self.root.is_relative_to(path.resolve()):
            return
        found = path.resolve()
        if not found.is_relative_to(self.root):
            self.outside.append(str(found))
        else:
            files = (
                [found]
                if found.is_file()
                else [file for file in found.rglob("*") if file.is_file()]
            )
            self.inside += [file.relative_to(self.root).as_posix() for file in files]

    def _place(self, node: ast.expr) -> str:
        return f"{self.name} line {node.lineno}"


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"cannot read {file}: it is no text") from None


def _local(root: Path, importer: str, module: str) -> list[str]:
    """The files below `root` behind an imported name; none where it comes from elsewhere."""
    dots = len(module) - len(module.lstrip("."))
    parts = [part for part in module.lstrip(".").split(".") if part]
    beside = (root / importer).parent
    folder = beside.parents[dots - 2] if dots > 1 else beside
    for start in (folder,) if dots else (beside, root):
        for length in range(len(parts), 0, -1):
            path = start.joinpath(*parts[:length])
            found = [
                file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()
            ]
            if found and found[0].resolve().is_relative_to(root):
                packages = [
                    parent / "__init__.py"
                    for parent in found[0].parents
                    if parent.is_relative_to(root) and parent != root
                ]
                return [
                    file.relative_to(root).as_posix()
                    for file in dict.fromkeys([found[0], *filter(Path.is_file, packages)])
                ]
    return []


def _distributions(names: set[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The distributions that these modules come from, and the modules that come from none."""
    from importlib.metadata import packages_distributions  # half a second where much is installed

    known = packages_distributions() if names else {}
    packages = sorted({known[name][0] for name in names if name in known})
    return tuple(packages), tuple(sorted(names - known.keys()))


def _called(node: ast.AST) -> str:
    function = node.func if isinstance(node, ast.Call) else None
    return (
        function.attr
        if isinstance(function, ast.Attribute)
        else function.id
        if isinstance(function, ast.Name)
        else ""
    )


def _reads_clock(node: ast.expr) -> bool:
    return any(_called(inner) in _CLOCKS for inner in ast.walk(node))


def _names(node: ast.AST) -> set[str]:
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}


def _printed(call: ast.Call) -> str:
    """What a call of print puts out, with a hole for each value."""
    return " ".join(_template(part) for part in call.args)


def _template(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else HOLE
    if isinstance(node, ast.JoinedStr):
        return "".join(_template(part) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        return re.sub(r"%[-+ #0-9.]*[a-zA-Z]", HOLE, _template(node.left))
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "format"
    ):
        return re.sub(r"\{[^{}]*\}", HOLE, _template(node.func.value))
    return HOLE


def _wanted(call: ast.Call) -> str:
    """The argument that must be given; empty where it need not be."""
    texts = [
        arg.value
        for arg in call.args
        if isinstance(arg, ast.Constant) and isinstance(arg.value, str)
    ]
    keys = {key.arg: getattr(key.value, "value", None) for key in call.keywords}
    is_optional = keys.get("nargs") in ("?", "*") or "default" in keys
    positional = bool(texts) and not texts[0].startswith("-") and not is_optional
    return texts[-1] if texts and (positional or keys.get("required") is True) else ""


def _arguments(node: ast.FunctionDef) -> Iterator[ast.arg]:
    yield from [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]


def _is_free(node: ast.FunctionDef) -> bool:
    """Whether a function returns something and can be called without anything but a seed."""
    args = node.args
    bare = [*args.posonlyargs, *args.args][
        : len(args.posonlyargs) + len(args.args) - len(args.defaults)
    ]
    bare += [
        arg
        for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True)
        if default is None
    ]
    returns = any(
        isinstance(inner, ast.Return) and inner.value is not None for inner in ast.walk(node)
    )
    return returns and all(arg.arg == "seed" for arg in bare)
