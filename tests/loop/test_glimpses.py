"""What a proposer shows of its work.

Soon there, short, without secrets, and gone with the proposal or the loop.
"""

import itertools
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.waiting import until
from workbench.ledger import live_proposals
from workbench.ledger.folder import StudyFolder
from workbench.ledger.lease import Lease
from workbench.ledger.live_proposals import LiveProposal
from workbench.loop import glimpses as module
from workbench.loop.glimpses import EVERY_SECONDS, MAX_BYTES, N_PIECES, Glimpses
from workbench.propose.proposer import Glimpse, GlimpseKind

KEY = "sk-ant-made-up-0123456789"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[StudyFolder]:
    """A folder whose loop is this process."""
    folder = StudyFolder(tmp_path)
    with Lease(folder):
        yield folder


def pieces(folder: StudyFolder) -> list[tuple[str, str]]:
    return [
        (piece.kind, piece.text) for work in live_proposals.read(folder) for piece in work.pieces
    ]


def show(glimpses: Glimpses, *shown: tuple[GlimpseKind, str], number: int = 3) -> None:
    for kind, text in shown:
        glimpses.of(number)(Glimpse(kind, text))


def test_what_is_shown_is_there_for_readers_and_gone_with_the_proposal(folder: StudyFolder) -> None:
    glimpses = Glimpses(folder)
    glimpses.of(3)(Glimpse("model", "claude", turn=2, tokens=1234))
    show(
        glimpses,
        ("thinking", "let me "),
        ("thinking", "look "),
        ("text", "I read "),
        ("tool", "read_file log.txt"),
    )
    expected = [("thinking", "let me look "), ("text", "I read "), ("tool", "read_file log.txt")]
    until(lambda: pieces(folder) == expected)
    (work,) = live_proposals.read(folder)
    assert (work.number, work.model, work.turn, work.tokens) == (3, "claude", 2, 1234)
    show(glimpses, ("text", "of another one "), number=4)
    until(lambda: [work.number for work in live_proposals.read(folder)] == [3, 4])
    glimpses.end(3)
    assert [work.number for work in live_proposals.read(folder)] == [4]
    glimpses.end(4)
    glimpses.end(5)
    assert live_proposals.read(folder) == []
    assert not folder.live_proposals.exists()


def test_a_piece_keeps_its_number_while_it_grows_and_arguments_give_way_to_what_is_done(
    folder: StudyFolder,
) -> None:
    glimpses = Glimpses(folder)
    show(glimpses, ("text", "a "), ("input", 'edit {"text": "x = 1\\nsay \\"hi\\" '))
    until(lambda: pieces(folder)[1:] == [("input", 'edit {"text": "x = 1\nsay "hi" ')])
    numbers = [piece.number for piece in live_proposals.read(folder)[0].pieces]
    show(glimpses, ("input", "and "))
    until(lambda: pieces(folder)[1][1].endswith("and "))
    assert [piece.number for piece in live_proposals.read(folder)[0].pieces] == numbers
    show(glimpses, ("tool", "edit train.py"), ("diff", "-a\n+b"))
    until(lambda: pieces(folder) == [("text", "a "), ("tool", "edit train.py"), ("diff", "-a\n+b")])


@pytest.mark.parametrize("letter", ["x", "é", "\U0001f600", '"\n'])
def test_an_update_is_short_whatever_is_said(folder: StudyFolder, letter: str) -> None:
    glimpses = Glimpses(folder)
    for number in range(3 * N_PIECES):
        show(
            glimpses,
            ("thinking", f"{number} " + letter * 5000 + " "),
            ("tool", letter * 5000),
            ("diff", letter * 5000),
        )
    show(glimpses, ("text", letter * 100_000 + " the end "))
    until(lambda: pieces(folder) and pieces(folder)[-1][1].endswith("the end "))
    (work,) = live_proposals.read(folder)
    assert work.size <= MAX_BYTES
    assert len(work.pieces) <= N_PIECES


def test_updates_are_few_and_the_last_one_comes(
    folder: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[float] = []
    real = live_proposals.write

    def write(folder: StudyFolder, works: list[LiveProposal]) -> None:
        written.append(time.monotonic())
        real(folder, works)

    monkeypatch.setattr(live_proposals, "write", write)
    glimpses = Glimpses(folder)
    for number in range(400):
        show(glimpses, ("text", f"word{number} "))
        time.sleep(0.002)
    until(lambda: pieces(folder) and pieces(folder)[-1][1].endswith("word399 "))
    gaps = [later - earlier for earlier, later in itertools.pairwise(written)]
    assert min(gaps) > EVERY_SECONDS * 0.9
    assert len(written) > 3


def test_a_key_is_blotted_out_however_it_is_cut(
    folder: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "my-tenant-token")
    monkeypatch.setattr(module, "EVERY_SECONDS", 0.0)  # so that every state is written
    glimpses = Glimpses(folder)
    told = f"the keys {KEY} and my-tenant-token in /home/jane/x " + "word " * 20 + f"{KEY} end "
    for letter in told:
        show(glimpses, ("text", letter))
        text = folder.live_proposals.read_text()
        assert not any(
            secret in text for secret in ("sk-ant", "made-up", "01234", "my-ten", "jane")
        )
    assert pieces(folder)[-1][1].endswith("[key] end ")
    show(glimpses, ("tool", f"shell echo {KEY}"), ("diff", f"+{KEY}"))
    assert [text for _, text in pieces(folder)[-2:]] == ["shell echo [key]", "+[key]"]


def test_what_a_dead_loop_has_left_counts_for_nothing(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path)
    with Lease(folder):
        show(Glimpses(folder), ("text", "half a thought "))
        until(lambda: pieces(folder))
        left = folder.live_proposals.read_bytes()
    assert live_proposals.read(folder) == [], "no loop is alive"
    folder.live_proposals.write_bytes(json.dumps({**json.loads(left), "pid": 1}).encode())
    with Lease(folder):
        assert live_proposals.read(folder) == [], "another loop is alive"
        Glimpses(folder)
        assert not folder.live_proposals.exists()


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"pid": 1}', '{"pid": 1, "works": [{"number": 1}]}', '{"pid": 1, "works": 3}'],
)
def test_a_file_of_another_version_shows_nothing(folder: StudyFolder, text: str) -> None:
    folder.live_proposals.write_text(text)
    assert live_proposals.read(folder) == []


def test_a_folder_that_cannot_be_written_ends_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    glimpses = Glimpses(StudyFolder(tmp_path / "gone"))
    show(glimpses, ("tool", "edit train.py"))
    until(lambda: "what the proposer does cannot be shown" in capfd.readouterr().err)


def test_several_threads_may_show_at_once(folder: StudyFolder) -> None:
    glimpses = Glimpses(folder)
    threads = [
        threading.Thread(target=lambda: show(glimpses, *[("text", "word ")] * 500))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    until(lambda: pieces(folder) and pieces(folder)[-1][1].count("word") > 50)
