"""Described: the tools of `agent` as the model is told of them, and whether a call is as described. Does nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workbench.ledger.candidate import N_STATUSES

WORKING = "working"
MAX_ROWS = 100  # of one query
_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
}


class ToolProblem(ValueError):
    """A call of a tool came to nothing; the message tells the model why."""


@dataclass(frozen=True)
class Tool:
    """One tool, described to the model. `arguments`: name to type and meaning; those in `needed` must be given."""

    name: str
    what: str
    arguments: Mapping[str, tuple[str, str]]
    needed: tuple[str, ...] = ()

    @property
    def wire(self) -> dict[str, Any]:
        """As the Messages API describes a tool."""
        properties = {
            name: {"type": kind, "description": text}
            for name, (kind, text) in self.arguments.items()
        }
        schema = {"type": "object", "properties": properties, "required": list(self.needed)}
        return {"name": self.name, "description": self.what, "input_schema": schema}

    def checked(self, given: object) -> dict[str, Any]:
        """The arguments of a call; raises ToolProblem where they are not as described."""
        if not isinstance(given, Mapping):
            raise ToolProblem(f"{self.name} takes an object of arguments")
        known = ", ".join(self.arguments)
        for name, value in given.items():
            if name not in self.arguments:
                raise ToolProblem(
                    f"{self.name} has no argument {str(name)[:40]!r}; it takes {known}"
                )
            kind = self.arguments[name][0]
            if not isinstance(value, _TYPES[kind]) or isinstance(value, bool):
                raise ToolProblem(f"{self.name}: {name} must be of type {kind}")
        if missing := [name for name in self.needed if name not in given]:
            raise ToolProblem(f"{self.name} needs {', '.join(missing)}; it takes {known}")
        return dict(given)


LIST = Tool(
    "list_files",
    f"Lists a folder of the history, or of {WORKING}/, the program that you change.",
    {
        "folder": ("string", "such as candidates/0003; empty for the top"),
        "start": ("integer", "how many names to pass over"),
    },
)
READ = Tool(
    "read_file",
    "Reads a file of the history or of the working program, a piece at a time.",
    {
        "path": ("string", "the file"),
        "offset": ("integer", "character to begin with; 0 is the first"),
        "limit": ("integer", "characters"),
    },
    ("path",),
)
SEARCH = Tool(
    "search",
    "Finds the lines that match a regular expression of Python; answers PATH@OFFSET: TEXT, newest candidates first.",
    {
        "pattern": ("string", "the expression"),
        "path": ("string", "only in this file, or below this folder"),
    },
    ("pattern",),
)
QUERY = Tool(
    "query",
    "Lists candidates as lines of candidates.tsv, the newest first.",
    {
        "status": ("string", f"one of {', '.join(N_STATUSES)}"),
        "author": ("string", "who proposed it"),
        "text": ("string", "what its line has in it, in any case"),
        "min_score": ("number", "score at least"),
        "max_score": ("number", "score at most"),
        "sort": ("string", "newest, or best by score"),
        "limit": ("integer", f"lines, at most {MAX_ROWS}"),
    },
)
EDIT = Tool(
    "edit",
    f"Changes a file of {WORKING}/: whole lines `search`, which stand in it once, are replaced by `text`; without `search`, `text` is the "
    "whole new file. Nothing is run.",
    {
        "path": ("string", "the file"),
        "search": ("string", "the old lines, exactly"),
        "text": ("string", "the new text"),
    },
    ("path", "text"),
)
SHELL = Tool(
    "shell",
    "Runs a command of /bin/sh, for a minute at most, in a sandbox without network, GPU and data. Its folder begins as a copy of "
    f"{WORKING}/; $HISTORY holds the history as files to be read, the newest candidates first where it is too large; $PYTHON is the "
    "interpreter. What it writes is lost: change the program with edit.",
    {"command": ("string", "the command")},
    ("command",),
)
SUBMIT = Tool(
    "submit",
    "Hands in the working program to be scored. It has to parse, to be new, and to pass a short run; where it cannot be used you are told "
    "why, and can mend it. It ends your work, unless several candidates are wanted.",
    {
        "hypothesis": (
            "string",
            "one sentence: the change, why it should help, and what result would show that it does not",
        )
    },
    ("hypothesis",),
)
ALL = {tool.name: tool for tool in (LIST, READ, SEARCH, QUERY, EDIT, SHELL, SUBMIT)}
TOLD = {name: tool.what for name, tool in ALL.items()}
