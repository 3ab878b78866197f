"""What counts as an answer."""

import json
import math
from collections.abc import Callable
from typing import Any

import numpy
import pytest

from workbench.evaluate import Array, CandidateFailed
from workbench.evaluate.answers import check_answer
from workbench.evaluate.sandbox import wire
from workbench.records import Trial

SEVERAL = """
import json
from workbench.evaluate import Array, CandidateFailed

def evaluate(trial):
    array = Array("float32", (2, 3))
    forms = {"float": float, "int": int, "array": array, "bytes": bytes, "list": list, "none": None}
    refused = {}
    with trial.start("train.py") as process:
        for name, form in CASES:
            try:
                process.call(name, returns=forms[form])
                refused[name] = "ACCEPTED"
            except CandidateFailed as error:
                refused[name] = str(error)
    (trial.folder / "refused.json").write_text(json.dumps(refused))
    return {"score": 1.0}
"""


def test_an_answer_of_the_declared_form_arrives(run: Callable[..., Trial]) -> None:
    trial = run(
        """
        import numpy
        def twice(x, by=2.0): return (x * by).astype("float32")
        def number(): return 3
        def text(data): return data.decode()
        def table(): return {"a": [1, 2.5, None, True]}
        def nothing(): return None
        """,
        """
        import numpy
        from workbench.evaluate import Array
        def evaluate(trial):
            with trial.start("train.py") as process:
                x = numpy.arange(6, dtype="float32").reshape(2, 3)
                triple = process.call("twice", x, by=3.0, returns=Array("float32", (2, 3)))
                assert (triple == 3 * x).all()
                number = process.call("number")
                assert type(number) is float
                assert process.call("number", returns=int) == 3
                assert process.call("text", b"abc", returns=str) == "abc"
                assert process.call("table", returns=dict) == {"a": [1, 2.5, None, True]}
                assert process.call("nothing", returns=None) is None
            return {"score": number}
        """,
        packages=["numpy"],
    )
    assert (trial.status, trial.score, trial.reason) == ("ok", 3.0, "")


def test_every_other_answer_is_refused(run: Callable[..., Trial], tmp_path: Any) -> None:
    cases = {
        "nan": ("return float('nan')", "float"),
        "infinite": ("return float('-inf')", "float"),
        "boolean": ("return True", "float"),
        "text": ("return '1.0'", "float"),
        "fraction": ("return 1.5", "int"),
        "subclass": ("return type('F', (float,), {})(1.0)", "float"),
        "scalar": ("return numpy.float64(1.0)", "float"),
        "shape": ("return numpy.zeros((3, 2), 'float32')", "array"),
        "dtype": ("return numpy.zeros((2, 3), 'float64')", "array"),
        "nan_in_array": ("return numpy.full((2, 3), numpy.nan, 'float32')", "array"),
        "objects": ("return numpy.array([[None] * 3] * 2)", "array"),
        "nested_nan": ("return [1.0, [float('nan')]]", "list"),
        "object": ("return object()", "list"),
        "itself": ("x = []; x.append(x); return x", "list"),
        "keys": ("return [{1: 2}]", "list"),
        "value": ("return 1.0", "none"),
        # The last one, because it ends the sandbox.
        "too_much": ("return numpy.zeros((200000, 3), 'float32')", "array"),
    }
    source = "import numpy\n" + "".join(
        f"def {name}(): {body}\n" for name, (body, _) in cases.items()
    )
    trial = run(
        source,
        f"CASES = {[(name, form) for name, (_, form) in cases.items()]}\n{SEVERAL}",
        packages=["numpy"],
    )
    assert trial.status == "ok", trial.reason
    refused = json.loads((tmp_path / "out" / "trial" / "refused.json").read_text())
    assert "ACCEPTED" not in refused.values(), refused
    assert set(refused) == set(cases)
    assert refused["boolean"] == "boolean() answered True; the evaluator expects float"
    assert "numpy.float64" in refused["scalar"]
    assert "float32[3, 2]" in refused["shape"]
    assert "broke the protocol" in refused["too_much"]
    assert [name for name, reason in refused.items() if "protocol" in reason] == ["too_much"]


@pytest.mark.parametrize("value", [math.nan, math.inf, True, "1", None, [1.0], 10**400])
def test_only_a_finite_number_is_a_float(value: Any) -> None:
    with pytest.raises(CandidateFailed):
        check_answer(value, float, "f")


def test_an_array_form_needs_a_known_dtype() -> None:
    with pytest.raises(ValueError, match="object"):
        Array("object", (1,))


def test_frames_come_back_as_they_were_sent() -> None:
    message = {
        "a": [1, 2.5, "é", b"\0\1", {"b": numpy.arange(6.0).reshape(2, 3), "c": [b"", None, True]}],
        "d": numpy.array(3),
    }
    data = b"".join(bytes(part) for part in wire.pack(message))
    reader = wire.Reader()
    position = 0
    received = None
    while received is None:
        free_space = reader.free_space
        count = min(len(free_space), 5, len(data) - position)
        free_space[:count] = data[position : position + count]
        position += count
        received = reader.advance(count)
    assert received["a"][:4] == message["a"][:4]  # type: ignore[index]
    assert (received["a"][4]["b"] == numpy.arange(6.0).reshape(2, 3)).all()
    assert received["d"].shape == ()


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"{",
        b"[]",
        b'{"m":{"a":NaN},"raw":[]}',
        b'{"m":{"a":null},"raw":[[["a"],"<f4",[9],36]]}',
        b"[" * 100_000,
        b'{"m":{"a":1},"raw":[[["a"],"",[0],0]]}',
        b'{"m":{},"raw":[]} ',
        b'{"m":{"a":' + b"9" * 5000 + b'},"raw":[]}',
        b"\xff",
    ],
)
def test_bytes_that_are_not_a_frame_are_a_wire_error(header: bytes) -> None:
    with pytest.raises(wire.WireError):
        wire.unpack(header, b"")


def test_a_frame_above_its_bounds_is_refused_before_it_is_read() -> None:
    reader = wire.Reader(max_header=100, max_raw=100)
    reader.free_space[:] = wire.PREFIX.pack(wire.MAGIC, 50, 1 << 40)
    with pytest.raises(wire.WireError, match="expected"):
        reader.advance(wire.PREFIX.size)
