"""What is public is documented: verbs, options, roles, names and experiments appear in the README, in one of a room, or in a notebook."""

import json
import re
from pathlib import Path

import pytest

import workbench
from workbench import registry, testing
from workbench.experiment import builtin_experiments
from workbench.verbs import dispatch

ROOT = Path(__file__).parent.parent
GUIDES = (
    "README.md",
    "experiments/README.md",
    "workbench/propose/README.md",
    "workbench/lab/README.md",
    "tests/benchmarks/README.md",
)


def documentation() -> str:
    texts = [(ROOT / name).read_text() for name in GUIDES]
    for file in sorted((ROOT / "notebooks").glob("*.ipynb")):
        texts += ["".join(cell["source"]) for cell in json.loads(file.read_text())["cells"]]
    return "\n".join(texts)


@pytest.mark.parametrize("verb", dispatch.NAMES)
def test_every_verb_and_its_options_are_documented(verb: str) -> None:
    text = documentation()
    assert re.search(rf"\b{verb}\b", text)
    for option in dispatch.options(verb):
        assert option in text or option in ("-h", "--help"), (
            f"{verb} {option} stands in no document"
        )


@pytest.mark.parametrize("role", sorted(registry.BUILTIN))
def test_every_registered_name_is_documented(role: str) -> None:
    for name in registry.BUILTIN[role]:
        assert f"`{name}" in documentation(), f"{role} {name}"


def test_public_names_contracts_and_experiments_are_documented() -> None:
    text = documentation()
    for name in {*workbench.__all__} - {"__version__", "load_ipython_extension"}:
        assert f"workbench.{name}" in text
    for contract in (name for name in testing.__all__ if name.endswith("Contract")):
        assert contract in text
    for name in builtin_experiments():
        assert name in text


def test_the_readme_begins_with_the_two_commands() -> None:
    blocks = re.findall(
        r"^```sh[ \t]*\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL
    )
    assert "autoresearch start" in blocks[0]
    assert "pytest" in blocks[1]


def test_no_visible_folder_beyond_those_of_the_design() -> None:
    import subprocess

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
    assert [
        link for link in links if not link.startswith("http") and not (file.parent / link).exists()
    ] == []
