"""Makes the data set: first sentences of docstrings of installed packages.

Each is labelled with the part of a package that it comes from.

No download, and no import of those packages: their sources are parsed. None of them is readable in
the sandbox (no package is, and what is taken here is not among what pip carries in the standard
library's `ensurepip`). Names that give the label away are masked.
"""

import ast
import importlib.util
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

LABELS = {
    "cluster": "scipy.cluster",
    "distributions": "torch.distributions",
    "formats": "nbformat",
    "frames": "pandas.core",
    "images": "scipy.ndimage",
    "integration": "scipy.integrate",
    "interpolation": "scipy.interpolate",
    "layers": "torch.nn.modules",
    "matrices": "scipy.linalg",
    "minimization": "scipy.optimize",
    "notebooks": "papermill",
    "optimizers": "torch.optim",
    "plotting": "plotly.figure_factory",
    "shell": "IPython.core",
    "signals": "scipy.signal",
    "sparse": "scipy.sparse",
    "spatial": "scipy.spatial",
    "special": "scipy.special",
    "statistics": "scipy.stats",
    "studies": "optuna",
    "syntax": "libcst",
}
PER_LABEL = 60
MIN_TEXTS = 20
MIN_CHARS = 40
MAX_CHARS = 240
SHARES = {"train": 0.45, "val": 0.25, "test": 0.30}
MASK = "___"
SKIPPED = ("test", "tests", "_vendor", "node_modules", "externals")


def write(folder: Path) -> None:
    """Writes `train.jsonl`, `val.jsonl` and `test.jsonl`, with lines `{"input", "target"}`.

    The same installed versions give the same files.

    Raises:
        ValueError: too few of the packages are installed.
    """
    splits: dict[str, list[dict[str, str]]] = {name: [] for name in SHARES}
    n_packages = 0
    for label, package in LABELS.items():
        texts = texts_of(label, package)
        if len(texts) < MIN_TEXTS:
            continue
        n_packages += 1
        edge = 0.0
        for name, share in SHARES.items():
            part = texts[round(edge * len(texts)) : round((edge + share) * len(texts))]
            splits[name] += [{"input": text, "target": label} for text in part]
            edge += share
    if n_packages < 5:
        raise ValueError(
            f"only {n_packages} of the packages {', '.join(sorted(LABELS.values()))} have "
            "docstrings here; give --set data=FOLDER"
        )
    for name, examples in splits.items():
        (folder / f"{name}.jsonl").write_text(
            "".join(json.dumps(example, sort_keys=True) + "\n" for example in examples),
            encoding="utf-8",
        )


def texts_of(label: str, package: str) -> list[str]:
    """Up to `PER_LABEL` different texts of a package, in an order that depends on nothing but them.

    None where it is not installed.
    """
    files = sorted(sources(package))
    random.Random(label).shuffle(files)
    texts: dict[str, str] = {}
    for file in files:
        for name, docstring in docstrings(file):
            if text := mask(docstring, (name, label, *package.split("."))):
                texts.setdefault(text[:60], text)
        if len(texts) >= 3 * PER_LABEL:
            break
    chosen = sorted(texts.values())
    random.Random(f"{label} texts").shuffle(chosen)
    return chosen[:PER_LABEL]


def sources(package: str) -> Iterator[Path]:
    top, *rest = package.split(".")
    spec = importlib.util.find_spec(
        top
    )  # of a top-level name only: finding a part of a package would import the package
    for root in (spec.submodule_search_locations if spec else None) or ():
        folder = Path(root, *rest)
        for file in folder.rglob("*.py"):
            if not any(
                part in SKIPPED or part.startswith("test_")
                for part in file.relative_to(folder).parts
            ):
                yield file


def docstrings(file: Path) -> Iterator[tuple[str, str]]:
    """Name and docstring of every public function and class of a source file that parses."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        is_named = isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef)
        if is_named and not node.name.startswith("_") and (docstring := ast.get_docstring(node)):
            yield node.name, docstring


def mask(docstring: str, names: tuple[str, ...]) -> str:
    """The first sentences as one line without what names the thing or its package.

    Empty where too little is left.
    """
    head = re.split(
        r"\n\s*(?:Parameters|Args:|Arguments|Returns|Examples?|Attributes|Raises|See Also|\.\. )",
        docstring,
    )[0]
    text = re.sub(r"\s+", " ", re.sub(r":\w+:`~?\.?([^`]*)`|[`*]|>>>.*", r"\1", head)).strip()
    text = text if len(text) <= MAX_CHARS else text[:MAX_CHARS].rsplit(" ", 1)[0]
    stems = {name.lower().strip("_")[:6] for name in names if len(name) > 2}
    text = re.sub(
        r"\w+",
        lambda word: (
            MASK if any(word[0].lower().lstrip("_").startswith(stem) for stem in stems) else word[0]
        ),
        text,
    )
    return text if len(text) >= MIN_CHARS and text.count(MASK) < 4 else ""
