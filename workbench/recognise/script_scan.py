"""What a script says about itself, read from its source and from the modules beside it.

Nothing of it is run.
"""

import ast
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from workbench.errors import UsageError
from workbench.experiment import PRINTED_NAME, Goal
from workbench.syntax import find_syntax_problem, parse_tree

HOLE = "\0"  # stands for a value in a printed text
MAX_PATH_CHARS = 200  # a longer text is not taken for a path
_PRINTED_METRIC = re.compile(rf"\s*({PRINTED_NAME})(?:\s*=|:)\s*{HOLE}\s*")
_LOWER_IS_BETTER = {
    *("loss", "error", "err", "mse", "rmse", "mae", "bpb", "bpc", "perplexity", "ppl", "nll"),
    *("seconds", "time", "latency", "cost", "regret", "excess", "wer", "cer", "distance", "gap"),
}
_HIGHER_IS_BETTER = {
    *("acc", "accuracy", "score", "reward", "return", "f1", "auc", "r2", "precision", "recall"),
    *("bleu", "rouge", "throughput", "speed", "speedup", "gain", "quality", "fitness"),
}
_SEEDERS = {"seed", "manual_seed", "set_seed", "seed_everything", "manual_seed_all"}
_GENERATORS = {"default_rng", "Random", "RandomState", "PRNGKey", "SeedSequence"}
_CLOCKS = {"time", "monotonic", "perf_counter", "process_time"}
_SYSTEM_FOLDERS = ("/dev/", "/proc/", "/sys/", "/usr/", "/bin/", "/etc/")
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
class Scan:
    """What a script says about itself. A place is given as `train.py line 3`.

    Attributes:
        root: the folder that it lies in.
        script: its path below `root`.
        code: its text.
        functions: functions that return something and need at most a `seed`.
        seeded: those of them that take a `seed`.
        prints: metrics that are printed as `name: number` on a line; each with its file and place.
        arguments: what argparse requires.
        packages: distributions that its imports come from.
        missing: imports that nothing here provides.
        along: files below `root` that it needs: modules that it imports, and data that it names.
        outside: files elsewhere that it names.
        seeds: places where randomness is seeded with a fixed value.
        clocks: places where the clock decides something.
        downloads: places where something is fetched.
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


def scan(script: Path, root: Path | None = None) -> Scan:
    """Reads a script and the modules below `root` that it imports, directly or not.

    Args:
        root: by default the script's folder.

    Raises:
        UsageError: a file cannot be read, or does not parse.
    """
    root = (root or script.parent).resolve()
    name = script.resolve().relative_to(root).as_posix()
    sources, foreign_modules = _read_sources(root, name, script)
    packages, missing = _find_distributions(foreign_modules)
    main = sources[name]
    files = list(sources.values())
    data = {path for file in files for path in file.inside}
    outside = dict.fromkeys(path for file in files for path in file.outside)
    functions = [
        node
        for node in main.tree.body
        if isinstance(node, ast.FunctionDef) and _needs_only_a_seed(node)
    ]
    seeded = [
        node.name
        for node in functions
        if any(argument.arg == "seed" for argument in _arguments(node))
    ]
    prints: dict[str, tuple[str, str]] = {}
    for file in reversed(files):  # the script itself comes last and wins
        for metric, place in file.prints.items():
            prints[metric] = (file.name, place)
    return Scan(
        root=root,
        script=name,
        code=main.text,
        functions=tuple(node.name for node in functions),
        seeded=tuple(seeded),
        prints=prints,
        arguments=tuple(main.arguments),
        packages=packages,
        missing=missing,
        along=tuple(sorted({*sources, *data} - {name})),
        outside=tuple(outside),
        seeds=tuple(place for file in files for place in file.seeds),
        clocks=tuple(place for file in files for place in file.clocks),
        downloads=tuple(place for file in files for place in file.downloads),
    )


def _read_sources(root: Path, name: str, script: Path) -> tuple[dict[str, "_Source"], set[str]]:
    """The script and the modules below `root` that it reaches, and the other modules' names."""
    sources = {name: _Source(root, name, _read_text(script))}
    to_visit = [sources[name]]
    foreign: set[str] = set()
    while to_visit:
        source = to_visit.pop()
        for module in source.imports:
            paths = _local_files(root, source.name, module)
            if not paths:
                foreign.add(module.lstrip(".").partition(".")[0])
            for path in paths:
                if path not in sources:
                    sources[path] = _Source(root, path, _read_text(root / path))
                    to_visit.append(sources[path])
    return sources, foreign - set(sys.stdlib_module_names) - {""}


def parse_program(code: str, name: str = "") -> ast.Module:
    """The syntax tree of a program.

    Args:
        name: of its file; empty for a notebook's cell.

    Raises:
        UsageError: a line is for IPython, or the program does not parse.
    """
    for number, line in enumerate(code.split("\n"), 1):
        if re.match(r"\s*[%!]", line):
            place = f"{name}: " if name else ""
            remedy = "take that line out" if name else "put that line in another cell"
            raise UsageError(
                f"{place}line {number} is for IPython ({line.strip()[:40]}); "
                f"a program is plain Python, {remedy}"
            )
    problem = find_syntax_problem(code)
    if problem:
        raise UsageError(f"{name or 'the program'} does not parse: {problem}")
    return parse_tree(code)


def infer_goal(metric: str) -> Goal | None:
    """Which way a metric of this name is better; None if its words do not say, or say both."""
    words = set(re.split(r"[^a-z0-9]+", metric.lower()))
    is_low = bool(words & _LOWER_IS_BETTER)
    is_high = bool(words & _HIGHER_IS_BETTER)
    if is_low == is_high:
        return None
    return "minimize" if is_low else "maximize"


@dataclass
class _Source:
    """One file, walked through once. The lists are those of `Scan`."""

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
        self.tree = parse_program(self.text, self.name)
        timed_names = self._clock_names()
        for node in ast.walk(self.tree):
            match node:
                case ast.Import() | ast.ImportFrom():
                    self.imports += _modules_of_import(node)
                case ast.Call():
                    self._read_call(node)
                case ast.Compare():
                    if _reads_clock(node) or timed_names & _names(node):
                        self.clocks.append(self._place(node))
                case ast.Constant(value=str() as text):
                    self._read_path(text)

    def _clock_names(self) -> set[str]:
        """Variables that hold a time of the clock."""
        names: set[str] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Assign) and _reads_clock(node.value):
                for target in node.targets:
                    names |= _names(target)
        return names

    def _read_call(self, call: ast.Call) -> None:
        name = _name_of_call(call)
        if name == "print":
            self._read_print(call)
        elif name == "add_argument":
            argument = _mandatory_argument(call)
            if argument:
                self.arguments.append(argument)
        elif name in _SEEDERS or name in _GENERATORS:
            if call.args and isinstance(call.args[0], ast.Constant):
                self.seeds.append(self._place(call))
        elif name in _DOWNLOADS or _asks_for_download(call):
            self.downloads.append(self._place(call))

    def _read_print(self, call: ast.Call) -> None:
        for line in _text_of_print(call).split("\n"):
            metric = _PRINTED_METRIC.fullmatch(line)
            if metric:
                self.prints.setdefault(metric[1], self._place(call))

    def _read_path(self, text: str) -> None:
        """Notes a text that names an existing file or folder."""
        is_too_long = len(text) > MAX_PATH_CHARS or "\n" in text
        if is_too_long or not text.strip() or text.startswith(_SYSTEM_FOLDERS):
            return
        path = self.root / Path(self.name).parent / os.path.expanduser(text)
        # A text such as ".." may name a folder that contains the whole project.
        if not path.exists() or self.root.is_relative_to(path.resolve()):
            return
        path = path.resolve()
        if not path.is_relative_to(self.root):
            self.outside.append(str(path))
            return
        files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
        self.inside += [file.relative_to(self.root).as_posix() for file in files]

    def _place(self, node: ast.expr) -> str:
        return f"{self.name} line {node.lineno}"


def _modules_of_import(node: ast.Import | ast.ImportFrom) -> list[str]:
    """The modules that an import may name; `from a import b` may mean `a` or `a.b`."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    base = "." * node.level + (node.module or "")
    separator = "" if base.endswith(".") else "."
    return [base, *(f"{base}{separator}{alias.name}" for alias in node.names)]


def _read_text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"cannot read {file}: it is not text") from None


def _local_files(root: Path, importer: str, module: str) -> list[str]:
    """The files below `root` behind an imported name; empty if it comes from elsewhere."""
    n_dots = len(module) - len(module.lstrip("."))
    parts = [part for part in module.lstrip(".").split(".") if part]
    folder = (root / importer).parent
    start_folders = [folder, root]
    if n_dots:  # a relative import: one dot is the importer's folder, each further one its parent
        start_folders = [folder if n_dots == 1 else folder.parents[n_dots - 2]]
    for start in start_folders:
        for n_parts in range(len(parts), 0, -1):
            path = start.joinpath(*parts[:n_parts])
            file = _module_file(path)
            if file is not None and file.resolve().is_relative_to(root):
                files = dict.fromkeys([file, *_package_files(root, file)])
                return [each.relative_to(root).as_posix() for each in files]
    return []


def _module_file(path: Path) -> Path | None:
    for file in (path.with_suffix(".py"), path / "__init__.py"):
        if file.is_file():
            return file
    return None


def _package_files(root: Path, file: Path) -> Iterator[Path]:
    """The `__init__.py` of the packages that a module lies in."""
    for parent in file.parents:
        initial = parent / "__init__.py"
        if parent != root and parent.is_relative_to(root) and initial.is_file():
            yield initial


def _find_distributions(modules: set[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The distributions that these modules come from, and the modules that come from none."""
    if not modules:
        return (), ()
    from importlib.metadata import packages_distributions  # half a second in a large environment

    distributions = packages_distributions()
    packages = {distributions[name][0] for name in modules if name in distributions}
    return tuple(sorted(packages)), tuple(sorted(modules - distributions.keys()))


def _name_of_call(node: ast.AST) -> str:
    """The last name of what a call calls; empty for anything else."""
    match node:
        case ast.Call(func=ast.Attribute(attr=name)) | ast.Call(func=ast.Name(id=name)):
            return name
    return ""


def _asks_for_download(call: ast.Call) -> bool:
    """Whether a call has `download=True`."""
    for keyword in call.keywords:
        is_true = isinstance(keyword.value, ast.Constant) and keyword.value.value is True
        if keyword.arg == "download" and is_true:
            return True
    return False


def _reads_clock(node: ast.expr) -> bool:
    return any(_name_of_call(inner) in _CLOCKS for inner in ast.walk(node))


def _names(node: ast.AST) -> set[str]:
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}


def _text_of_print(call: ast.Call) -> str:
    """What a call of print prints, with a hole for each value."""
    return " ".join(_template(part) for part in call.args)


def _template(node: ast.expr) -> str:
    """A text expression with a hole for each value: literals, f-strings, `%` and `.format`."""
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(map(_template, parts))
        case ast.BinOp(left=left, op=ast.Mod()):
            return re.sub(r"%[-+ #0-9.]*[a-zA-Z]", HOLE, _template(left))
        case ast.Call(func=ast.Attribute(value=text_node, attr="format")):
            return re.sub(r"\{[^{}]*\}", HOLE, _template(text_node))
    return HOLE


def _mandatory_argument(call: ast.Call) -> str:
    """The command-line argument that must be given; empty if it is optional."""
    names = [
        argument.value
        for argument in call.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    ]
    if not names:
        return ""
    options = {keyword.arg: getattr(keyword.value, "value", None) for keyword in call.keywords}
    if options.get("required") is True:
        return names[-1]
    is_positional = not names[0].startswith("-")
    may_be_left_out = options.get("nargs") in ("?", "*") or "default" in options
    return names[-1] if is_positional and not may_be_left_out else ""


def _arguments(node: ast.FunctionDef) -> list[ast.arg]:
    return [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]


def _needs_only_a_seed(node: ast.FunctionDef) -> bool:
    """Whether a function returns something and can be called with a seed or with nothing."""
    arguments = node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    required = positional[: len(positional) - len(arguments.defaults)]
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if default is None:
            required.append(argument)
    returns_value = any(
        isinstance(inner, ast.Return) and inner.value is not None for inner in ast.walk(node)
    )
    return returns_value and all(argument.arg == "seed" for argument in required)
