"""The list of all verbs. To add one, declare it in a module of `declarations/`."""

from collections.abc import Mapping

from workbench.verbs.declarations import begin, judge, look, steer, steps
from workbench.verbs.verb import Place, Verb

VERBS: Mapping[str, Verb] = {
    verb.name: verb
    for verb in (*begin.VERBS, *look.VERBS, *judge.VERBS, *steer.VERBS, *steps.VERBS)
}


def list_names(place: Place) -> list[str]:
    """The verbs that are offered at a place."""
    return [verb.name for verb in VERBS.values() if place in verb.offered]


def is_offered_on_screens(name: str) -> bool:
    """Whether a screen may file the request of this name."""
    return name in VERBS and "screens" in VERBS[name].offered


NAMES = tuple(list_names("command line"))
