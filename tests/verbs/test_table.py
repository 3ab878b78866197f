"""The declarations of verbs: each agrees with the requests, the handle and the rest of its kind."""

import dataclasses
from collections import Counter

import pytest

from workbench.requests import BY_VERB, RecordReproduction
from workbench.verbs.handle import StudyHandle
from workbench.verbs.result import Result
from workbench.verbs.table import NAMES, VERBS, is_offered_on_screens, list_names
from workbench.verbs.verb import Argument, Verb

# These two show a screen, which Python code has no use for.
ONLY_FOR_SCREENS = {"attach", "review"}


def test_every_request_of_a_person_has_a_verb_that_screens_offer() -> None:
    """A reproduction is recorded by `reproduce` alone, which has run it."""
    assert set(list_names("screens")) == BY_VERB.keys() - {RecordReproduction.verb}


def test_screens_offer_nothing_else() -> None:
    assert is_offered_on_screens("reject")
    offered = [
        name for name in ("reproduction", "apply", "start", "fly") if is_offered_on_screens(name)
    ]
    assert offered == []


def test_every_verb_about_a_study_is_a_method_of_the_handle() -> None:
    about_studies = {name for name, verb in VERBS.items() if verb.on_study is not None}
    missing = [name for name in about_studies - ONLY_FOR_SCREENS if not hasattr(StudyHandle, name)]
    assert missing == []


def test_no_name_is_declared_twice() -> None:
    from workbench.verbs.declarations import begin, judge, look, steer, steps

    declared = [*begin.VERBS, *judge.VERBS, *look.VERBS, *steer.VERBS, *steps.VERBS]
    assert Counter(verb.name for verb in declared) == Counter(NAMES)


@pytest.mark.parametrize("verb", VERBS.values(), ids=lambda verb: verb.name)
def test_every_argument_has_one_meaning_and_is_explained(verb: Verb) -> None:
    names = Counter(name for argument in verb.arguments for name in argument.option_strings)
    assert [name for name, n in names.items() if n > 1] == []
    unexplained = [argument.name for argument in verb.arguments if not argument.help]
    assert unexplained == []


def test_a_verb_does_one_thing() -> None:
    def act(*_: object) -> Result:
        return Result("", None)

    for action in ({}, {"on_study": act, "alone": act}):
        with pytest.raises(ValueError, match="verb fly must have one of on_study and alone"):
            Verb(name="fly", help="fly", **action)


def test_a_flag_takes_no_value_and_is_spelled_one_way() -> None:
    flag = Argument(name="--dry-run", kind="flag", help="only check")
    assert (flag.takes_value, flag.option_strings) == (False, ("--dry-run",))
    word = dataclasses.replace(flag, name="candidate", kind="integer")
    assert (word.takes_value, word.option_strings) == (True, ())
