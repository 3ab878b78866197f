"""Tool specs: the tools of `agent` as the model is told of them, and a check that a call fits.

Does nothing itself.

Every text here reaches a model, so a change of a word changes what a study asks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workbench.ledger.candidate import STATUSES

WORKING = "working"
MAX_ROWS = 100  # of one query
_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
}


class ToolProblem(ValueError):
    """A call of a tool did not work; the message tells the model why."""


@dataclass(frozen=True)
class ToolSpec:
    """One tool as it is described to the model.

    Attributes:
        name: its name.
        description: what it does.
        arguments: name of each argument to its type and meaning.
        required: the arguments that must be given.
    """

    name: str
    description: str
    arguments: Mapping[str, tuple[str, str]]
    required: tuple[str, ...] = ()

    @property
    def api_description(self) -> dict[str, Any]:
        """The tool as the Messages API describes one."""
        properties = {
            name: {"type": kind, "description": text}
            for name, (kind, text) in self.arguments.items()
        }
        schema = {"type": "object", "properties": properties, "required": list(self.required)}
        return {"name": self.name, "description": self.description, "input_schema": schema}

    def check_arguments(self, arguments: object) -> dict[str, Any]:
        """The arguments of a call; raises ToolProblem if they do not fit the description."""
        if not isinstance(arguments, Mapping):
            raise ToolProblem(f"{self.name} takes an object of arguments")
        names = ", ".join(self.arguments)
        for name, value in arguments.items():
            if name not in self.arguments:
                text = repr(str(name)[:40])
                raise ToolProblem(f"{self.name} has no argument {text}; it takes {names}")
            kind = self.arguments[name][0]
            # For Python, True is an integer; for JSON it is not a number.
            if not isinstance(value, _TYPES[kind]) or isinstance(value, bool):
                raise ToolProblem(f"{self.name}: {name} must be of type {kind}")
        if missing := [name for name in self.required if name not in arguments]:
            raise ToolProblem(f"{self.name} needs {', '.join(missing)}; it takes {names}")
        return dict(arguments)


LIST = ToolSpec(
    "list_files",
    f"Lists a folder of the history, or of {WORKING}/, the program that you change.",
    {
        "folder": ("string", "such as candidates/0003; empty for the top"),
        "start": ("integer", "how many names to pass over"),
    },
)
READ = ToolSpec(
    "read_file",
    "Reads a file of the history or of the working program, a piece at a time.",
    {
        "path": ("string", "the file"),
        "offset": ("integer", "character to begin with; 0 is the first"),
        "limit": ("integer", "characters"),
    },
    ("path",),
)
SEARCH = ToolSpec(
    "search",
    "Finds the lines that match a regular expression of Python; "
    "answers PATH@OFFSET: TEXT, newest candidates first.",
    {
        "pattern": ("string", "the expression"),
        "path": ("string", "only in this file, or below this folder"),
    },
    ("pattern",),
)
QUERY = ToolSpec(
    "query",
    "Lists candidates as lines of candidates.tsv, the newest first.",
    {
        "status": ("string", f"one of {', '.join(STATUSES)}"),
        "author": ("string", "who proposed it"),
        "text": ("string", "what its line has in it, in any case"),
        "min_score": ("number", "score at least"),
        "max_score": ("number", "score at most"),
        "sort": ("string", "newest, or best by score"),
        "limit": ("integer", f"lines, at most {MAX_ROWS}"),
    },
)
EDIT = ToolSpec(
    "edit",
    f"Changes a file of {WORKING}/: whole lines `search`, which stand in it once, are replaced by "
    "`text`; without `search`, `text` is the whole new file. Nothing is run.",
    {
        "path": ("string", "the file"),
        "search": ("string", "the old lines, exactly"),
        "text": ("string", "the new text"),
    },
    ("path", "text"),
)
SHELL = ToolSpec(
    "shell",
    "Runs a command of /bin/sh, for a minute at most, in a sandbox without network, GPU and data. "
    f"Its folder begins as a copy of {WORKING}/; $HISTORY holds the history as files to be read, "
    "the newest candidates first where it is too large; $PYTHON is the interpreter. What it writes "
    "is lost: change the program with edit.",
    {"command": ("string", "the command")},
    ("command",),
)
SUBMIT = ToolSpec(
    "submit",
    "Hands in the working program to be scored. It has to parse, to be new, and to pass a short "
    "run; where it cannot be used you are told why, and can mend it. It ends your work, unless "
    "several candidates are wanted.",
    {
        "hypothesis": (
            "string",
            "one sentence: the change, why it should help, "
            "and what result would show that it does not",
        )
    },
    ("hypothesis",),
)
TOOLS = {tool.name: tool for tool in (LIST, READ, SEARCH, QUERY, EDIT, SHELL, SUBMIT)}
DESCRIPTIONS = {name: tool.description for name, tool in TOOLS.items()}
