import pytest

from tests.waiting import until


def test_what_holds_is_returned_as_soon_as_it_does() -> None:
    answers = iter([0, "", [3]])
    assert until(lambda: next(answers)) == [3]


def test_what_never_holds_is_told_with_the_line_that_waits() -> None:
    pauses: list[float] = []
    with pytest.raises(AssertionError) as raised:
        until(lambda: 1 > 2, 0.05, told=lambda: "nobody came", pause=pauses.append)
    assert str(raised.value).startswith("waited 0.05 s in vain: until(lambda: 1 > 2, 0.05")
    assert str(raised.value).endswith("; nobody came")
    assert pauses
