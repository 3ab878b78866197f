"""The trusted modules of an experiment, imported from its folder under their own names, as a trial process does."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace


def carried(file: Path) -> str:
    """Source with which a candidate brings a copy of a trusted module along, under its own name."""
    name = file.stem
    return f"""
import sys, types

{name} = sys.modules[{name!r}] = types.ModuleType({name!r})
exec({file.read_text()!r}, {name}.__dict__)
"""


@contextmanager
def trusted(folder: Path, *names: str) -> Iterator[SimpleNamespace]:
    """Modules by name, in an order in which each needs only those before it.

    Afterwards the names are free for other experiments.
    """
    before = {name: sys.modules.pop(name, None) for name in names}
    sys.path.insert(0, str(folder))
    try:
        yield SimpleNamespace(**{name: importlib.import_module(name) for name in names})
    finally:
        sys.path.remove(str(folder))
        for name, module in before.items():
            sys.modules.pop(name, None)
            if module is not None:
                sys.modules[name] = module
