"""Texts of candidates, models and logs for a screen: safe to look at, and of bounded length."""

from workbench.show.visible import one_line, visible

SHORT = 300


def cut(text: str, limit: int) -> str:
    """At most `limit` characters; an ellipsis says that there were more."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def to_line(text: str, limit: int = SHORT) -> str:
    """The text on one line."""
    # Twice the limit before, so that a huge text is not made visible as a whole: what is dropped
    # from it, as colours of a terminal, is hardly ever half of it.
    return cut(one_line(text[: 2 * limit]), limit)


def to_block(text: str, limit: int) -> str:
    """The text with its line ends."""
    return cut(visible(text[: 2 * limit]), limit)
