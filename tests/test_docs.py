"""What is public is documented.

Verbs and options have a row in the reference page; registered names, public functions, contracts
and experiments appear in the README, in a guide of a room, or in a notebook.
"""

import json
import re
import subprocess
from pathlib import Path

import pytest

import workbench
from workbench import registry, testing
from workbench.recognise.experiments import builtin_experiments
from workbench.verbs import reference
from workbench.verbs.table import NAMES, VERBS

ROOT = Path(__file__).parent.parent
GUIDES = (
    "README.md",
    "experiments/README.md",
    "workbench/propose/README.md",
    "workbench/lab/README.md",
    "workbench/verbs/README.md",
    "tests/benchmarks/README.md",
    "workbench/README.md",
    "workbench/CHANGELOG.md",
    ".github/CONTRIBUTING.md",
)


def documentation() -> str:
    texts = [(ROOT / name).read_text() for name in GUIDES]
    for file in sorted((ROOT / "notebooks").glob("*.ipynb")):
        texts += ["".join(cell["source"]) for cell in json.loads(file.read_text())["cells"]]
    return "\n".join(texts)


def find_row(name: str) -> str:
    """The row of the reference page that begins with this name in code."""
    page = reference.PAGE.read_text(encoding="utf-8")
    rows = [row for row in page.splitlines() if re.match(rf"\| `{re.escape(name)}[ `=]", row)]
    assert len(rows) == 1, f"{name} has {len(rows)} rows in {reference.PAGE}"
    return rows[0]


def test_the_tables_of_the_reference_agree_with_the_declarations() -> None:
    page = reference.PAGE.read_text(encoding="utf-8")
    assert page == reference.build_page(page), "run python -m workbench.verbs.reference"


@pytest.mark.parametrize("verb", NAMES)
def test_every_verb_and_its_options_have_a_row_in_the_reference(verb: str) -> None:
    row = find_row(verb)
    has_table = verb == "start"
    for argument in VERBS[verb].own_arguments:
        if argument.is_option and (has_table or argument.group):
            find_row(argument.name)
        elif argument.is_option:
            assert f"`{argument.name}" in row


@pytest.mark.parametrize("option", ["--study", "--json"])
def test_the_options_of_nearly_every_verb_are_explained_once(option: str) -> None:
    text = reference.PAGE.read_text(encoding="utf-8").partition("## Verbs")[0]
    assert f"- `{option}" in text


def test_the_reference_names_the_command_that_rewrites_it() -> None:
    assert "`python -m workbench.verbs.reference`" in reference.PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("role", sorted(registry.BUILTIN))
def test_every_registered_name_is_documented(role: str) -> None:
    text = documentation()
    assert [name for name in registry.BUILTIN[role] if f"`{name}" not in text] == []


def test_public_names_contracts_and_experiments_are_documented() -> None:
    text = documentation()
    functions = set(workbench.__all__) - {"__version__", "load_ipython_extension"}
    names = [f"workbench.{name}" for name in functions]
    names += [name for name in testing.__all__ if name.endswith("Contract")]
    names += builtin_experiments()
    assert [name for name in names if name not in text] == []


def test_the_readme_begins_with_the_two_commands() -> None:
    blocks = re.findall(
        r"^```sh[ \t]*\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL
    )
    assert "autoresearch start" in blocks[0]
    assert "pytest" in blocks[1]


def test_there_is_no_visible_folder_beyond_the_known_ones() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\n")
    top = {path.split("/")[0] for path in listed if path and not path.startswith(".")}
    allowed = {"workbench", "notebooks", "extensions", "experiments", "tests", "binder"}
    assert top <= allowed | {"pyproject.toml", "README.md", "LICENSE"}


@pytest.mark.parametrize("guide", GUIDES)
def test_links_lead_somewhere(guide: str) -> None:
    file = ROOT / guide
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", file.read_text())
    paths = [link for link in links if not link.startswith("http")]
    assert [path for path in paths if not (file.parent / path).exists()] == []
