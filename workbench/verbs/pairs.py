"""Reads KEY=VALUE, as `--set`, `--status` and the verb `set` take it."""

from collections.abc import Iterable

from workbench.errors import UsageError


def read_pair(text: str) -> tuple[str, str]:
    """The two parts of KEY=VALUE.

    Raises:
        UsageError: the key or the equals sign is missing.
    """
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise UsageError(f"not KEY=VALUE: {text!r}")
    return key, value


def read_pairs(texts: Iterable[str]) -> dict[str, str]:
    """Key to value; of two values for one key, the last."""
    return dict(read_pair(text) for text in texts)
