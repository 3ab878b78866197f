"""Shows declared options as keywords of a Python function, and checks that no other is given.

`start` and `new` take their options as `**keywords`, so that the list of them is written once.
Without this module, `help(start)`, `start?` and completion would not show them.
"""

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import ParamSpec, TypeVar

from workbench.options import Option

P = ParamSpec("P")
Answer = TypeVar("Answer")


def with_options(
    declared: Mapping[str, Option],
) -> Callable[[Callable[P, Answer]], Callable[P, Answer]]:
    """A decorator that lets the keywords of a function be these options.

    A call with another keyword raises TypeError, as a call of any Python function does.
    """

    def decorate(function: Callable[P, Answer]) -> Callable[P, Answer]:
        signature = _expand(inspect.signature(function), declared)

        @wraps(function)
        def call(*args: P.args, **keywords: P.kwargs) -> Answer:
            signature.bind(*args, **keywords)  # Python itself lets any keyword pass to `**`
            return function(*args, **keywords)

        # What `inspect.signature` returns, and so what `help`, `?` and IPython's completion show.
        vars(call)["__signature__"] = signature
        lines = [f"    {option.name}: {describe(option)}" for option in declared.values()]
        call.__doc__ = "\n".join([inspect.getdoc(function) or "", "", "Options:", *lines])
        return call

    return decorate


def describe(option: Option) -> str:
    """What an option does and its default, in one line."""
    default = option.describe_default()
    return f"{option.help} (default: {default})" if default else option.help


def _expand(signature: inspect.Signature, declared: Mapping[str, Option]) -> inspect.Signature:
    """The signature with one keyword per option in place of `**keywords`."""
    parameters = [
        parameter
        for parameter in signature.parameters.values()
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD
    ]
    parameters += [
        inspect.Parameter(option.name, inspect.Parameter.KEYWORD_ONLY, default=option.default)
        for option in declared.values()
    ]
    return signature.replace(parameters=parameters)
