"""Reading what a candidate prints."""

import itertools
import time

import pytest

from workbench.evaluate.output import HALF_LOG, MAX_LINE, MAX_SERIES, Output, parse_points


def read(*blocks: bytes) -> tuple[Output, list[tuple[str, float, float]]]:
    points: list[tuple[str, float, float]] = []
    output = Output(lambda *point: points.append(point))
    for block in blocks:
        output.feed(block)
    output.finish()
    return output, points


def test_the_progress_line_of_autoresearch_is_read() -> None:
    line = (
        "step 00012 (1.3%) | loss: 4.123 | lrm: 1.00 | dt: 310ms | tok/sec: 1,690,000 | "
        "mfu: 39.8% | epoch: 1 | remaining: 300s"
    )
    assert parse_points(line) == [
        ("loss", 12, 4.123),
        ("lrm", 12, 1.0),
        ("dt", 12, 310),
        ("tok/sec", 12, 1690000),
        ("mfu", 12, 39.8),
        ("epoch", 12, 1),
        ("remaining", 12, 300),
    ]


@pytest.mark.parametrize(
    ("line", "points"),
    [
        ("step=12 loss=4.1", [("loss", 12, 4.1)]),
        ('{"step": 1, "loss": 2, "name": "x", "ok": true}', [("loss", 1, 2.0)]),
        (
            "step 250: train loss 2.5, val loss 2.6",
            [("train loss", 250, 2.5), ("val loss", 250, 2.6)],
        ),
        ("iter 10/100: loss 1e-3, time 3.5ms", [("loss", 10, 1e-3)]),
        ("Epoch 3 | acc: 0.5", [("acc", 3, 0.5)]),
        ("loss: 4.1", []),
        ("a step towards nothing = 3", []),
        ('{"step": 1e999, "loss": 1}', []),
        ("[" * 5000, []),
    ],
)
def test_a_line_has_points_only_with_a_step(
    line: str, points: list[tuple[str, float, float]]
) -> None:
    assert [point for point in parse_points(line) if point[0] != "time"] == points


NASTY = (
    "a", "a.b/c", "a ", "a b1 ", "0f3a ", "x% ", "_", "1", "1,", "1 ", "1. ", "9,9,", "1e5", "-",
    "+", "a=", "a:", "a =", "a=1e", "a 1 ", " ", " /", "|", "; ", ", ", "\t", "\v", "(", ")",
    "step", "step ", "it", "iter 1 ", "step 1 (", "epoch", "epoch 1", "nan", "a nan ",
    "infinity ", "{", '{"a":', '"', "\\", "\x1b", "\x1b[", "\x1b[0", "\x1b]", "\x1b[0 ", "\u202e",
    "\u212a", "\xe9", "\u2003",
)  # fmt: skip


@pytest.mark.parametrize(
    "begin",
    [
        "",
        "step 1 ",
        "step ",
        "epoch 1 | ",
        "step 1 (",
        "x ",
        "a=",
        "val_loss: 1",
        '{"step": 1, "a": ',
        "\x1b[",
    ],
)
def test_a_line_of_any_kind_takes_no_longer_than_in_proportion_to_its_length(begin: str) -> None:
    def seconds(length: int, kind: str, end: str) -> float:
        data = (begin + kind * length).encode()[:length] + end.encode() + b"\n"
        output = Output()
        began = time.thread_time()  # of this thread alone, however busy the machine is
        output.feed(data)
        return time.thread_time() - began

    for kind, end in itertools.product(NASTY, ("", "!", " step 1 x")):
        ratios = (
            seconds(MAX_LINE // 2, kind, end) / seconds(MAX_LINE // 16, kind, end)
            for _ in range(10)
        )
        assert any(ratio < 24 for ratio in ratios), (
            f"eight times the length took 24 times as long, in each of 10 tries: {kind!r} {end!r}"
        )


def test_carriage_returns_end_a_point_and_overwrite_the_log() -> None:
    output, points = read(b"step 1 | loss: 3\rstep 2 | lo", b"ss: 2\rstep 3 | loss: 1\ndone")
    assert points == [("loss", 1, 3), ("loss", 2, 2), ("loss", 3, 1)]
    assert output.text() == "step 3 | loss: 1\ndone\n"


def test_what_is_not_finite_is_dropped_and_counted() -> None:
    output, points = read(
        b'step 1 | loss: nan\nstep 2 | loss: -inf\n{"step": 3, "loss": NaN}\nstep 4 | loss: 1\n'
    )
    assert points == [("loss", 4, 1)]
    assert output.dropped == 3


def test_colours_vanish_and_hidden_characters_show() -> None:
    output, _ = read(b"\x1b[31mred\x1b[0m \xff\xfe \xe2\x80\xae\x07 caf\xc3\xa9\n")
    assert output.text() == "red \\xff\\xfe \\u202e\\u0007 café\n"


def test_a_torn_character_is_put_together_again() -> None:
    output, _ = read(b"caf\xc3", b"\xa9\n")
    assert output.text() == "café\n"


def test_series_are_bounded() -> None:
    output, points = read(b"".join(b'{"step": 1, "s%d": 1}\n' % n for n in range(MAX_SERIES + 50)))
    assert len(points) == MAX_SERIES
    assert output.dropped == 50


def test_a_long_log_keeps_its_beginning_and_its_end() -> None:
    output, _ = read(b"first\n", *[b"x" * 999 + b"\n"] * 1000, b"last\n")
    text = output.text()
    assert text.startswith("first\n")
    assert text.endswith("last\n")
    assert "characters are left out here" in text
    assert len(text) < 2 * HALF_LOG + 2000


def test_a_line_without_an_end_stays_bounded() -> None:
    output = Output()
    for _ in range(100):
        output.feed(b"x" * 65536)
    assert len(output._rest) <= MAX_LINE
    output.finish()
    assert len(output.text()) < 2 * HALF_LOG + 2000


def test_only_what_follows_the_last_rule_is_the_end_block() -> None:
    output, _ = read(
        b"val_bpb: 0.1\n---\nval_bpb: 0.2\n---\n"
        b"val_bpb:          0.997900\nnum_steps:        953\nnote: not a number\n"
    )
    assert output.claims == {"val_bpb": 0.9979, "num_steps": 953.0}


def test_a_metric_that_is_not_a_number_is_absent() -> None:
    assert read(b"---\nval_bpb: nan\n")[0].claims == {}
    assert read(b"---\nval_bpb: 1.0\nval_bpb: nan\n")[0].claims == {}
    assert read(b"val_bpb: 1.0\nloss = 2\nval_bpb = 0.5\n")[0].claims == {
        "loss": 2.0,
        "val_bpb": 0.5,
    }
    many = b"".join(b"name%d: 1\n" % n for n in range(1000))
    assert read(many + b"val_bpb: 1.0\n")[0].claims["val_bpb"] == 1.0
    assert len(read(many)[0].claims) <= 100


def test_a_metric_that_is_not_finite_is_remembered_as_such() -> None:
    assert str(read(b"val_bpb: nan\n")[0].not_finite) == "{'val_bpb': nan}"
    assert read(b"val_bpb: -inf\nval_bpb: 1\n")[0].not_finite == {}
    assert read(b"val_bpb: nan\nval_bpb: none\n")[0].not_finite == {}
    assert read(b"val_bpb: nan\n---\n")[0].not_finite == {}
    assert len(read(b"".join(b"name%d: inf\n" % n for n in range(1000)))[0].not_finite) <= 100
