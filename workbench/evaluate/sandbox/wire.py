"""Frames of plain data between the evaluator and a candidate: a JSON header, then raw bytes.

It never uses pickle, because unpickling what a candidate sent would run the candidate's code in the
evaluator. No message means "score": the evaluator computes the score from answers.

This module runs on both sides. A copy of it is next to `guest.py` inside the sandbox, without the
rest of the workbench, so it uses only the standard library. It imports little of that, because a
sandbox starts for each trial.

A frame has four parts:

- 4 bytes of magic
- the length of the header, an unsigned 32-bit integer
- the length of the raw bytes, an unsigned 64-bit integer
- the header `{"m": message, "raw": [...]}` as JSON, and then the raw bytes

Each bytes object or array of the message is null in `m`. Its entry in `raw` describes it as
`[path, dtype, shape, length]`, where dtype is empty for a bytes object.
"""

import os
import sys
from struct import Struct

# Like typing.TYPE_CHECKING, but importing `typing` takes a noticeable part of a sandbox's start.
TYPING = False
if TYPING:
    from typing import Any

MAGIC = b"wbf1"
PREFIX = Struct("!4sIQ")
MAX_HEADER_BYTES = 64 << 20
MAX_RAW_BYTES = 4 << 30
MAX_DIMENSIONS = 32  # numpy before version 2 allows no more
ITEM_BYTES = {
    "bool": 1, "int8": 1, "uint8": 1, "int16": 2, "uint16": 2, "int32": 4, "uint32": 4,
    "int64": 8, "uint64": 8, "float16": 2, "float32": 4, "float64": 8, "complex64": 8,
    "complex128": 16,
}  # fmt: skip


class WireError(Exception):
    """Bytes that are not a frame, or a frame larger than allowed."""


def pack(message: "dict[str, Any]") -> "list[bytes | memoryview]":
    """Returns the frame of a message, as buffers to be written in order.

    Raises:
        TypeError: a value in it is not exactly of a plain type, or a number is not finite.
    """
    raw: list[list[Any]] = []
    buffers: list[bytes | memoryview] = []
    try:
        tree = _lift_buffers(message, (), raw, buffers)
    except RecursionError:
        raise TypeError("it is nested too deeply, or contains itself") from None
    header = _encode({"m": tree, "raw": raw}).encode("ascii")
    size = sum(memoryview(buffer).nbytes for buffer in buffers)
    return [PREFIX.pack(MAGIC, len(header), size), header, *buffers]


def _lift_buffers(
    value: "Any",
    path: "tuple[str | int, ...]",
    raw: "list[list[Any]]",
    buffers: "list[bytes | memoryview]",
) -> "Any":
    """Returns a value that JSON can hold; moves its bytes and arrays to `raw` and `buffers`."""
    # `type(value) is`, never isinstance: a subclass could override how it compares or converts.
    kind = type(value)
    if value is None or kind is bool or kind is int or kind is str:
        return value
    if kind is float:
        if value - value != 0.0:  # true only for NaN and infinity
            raise TypeError(f"{_describe_place(path)}is {value!r}; only finite numbers can be sent")
        return value
    if kind is list or kind is tuple:
        return [
            _lift_buffers(item, (*path, index), raw, buffers) for index, item in enumerate(value)
        ]
    if kind is dict:
        _check_keys(value, path)
        return {key: _lift_buffers(item, (*path, key), raw, buffers) for key, item in value.items()}
    if kind is bytes:
        raw.append([list(path), "", [len(value)], len(value)])
        buffers.append(value)
        return None
    numpy = sys.modules.get("numpy")
    if numpy is not None and kind is numpy.ndarray:
        _lift_array(value, path, raw, buffers)
        return None
    raise TypeError(
        f"{_describe_place(path)}is of type {kind.__module__}.{kind.__qualname__}, "
        f"which is not plain data{_suggest_conversion(value)}"
    )


def _check_keys(value: "dict[Any, Any]", path: "tuple[str | int, ...]") -> None:
    for key in value:
        if type(key) is not str:
            raise TypeError(
                f"{_describe_place(path)}has a key of type {type(key).__name__}; "
                "only str can be sent"
            )


def _lift_array(
    value: "Any",
    path: "tuple[str | int, ...]",
    raw: "list[list[Any]]",
    buffers: "list[bytes | memoryview]",
) -> None:
    if value.dtype.name not in ITEM_BYTES or not value.dtype.isnative:
        raise TypeError(
            f"{_describe_place(path)}is an array of {value.dtype}; "
            "only numbers and bool can be sent"
        )
    numpy = sys.modules["numpy"]
    dense = numpy.ascontiguousarray(value)
    raw.append([list(path), value.dtype.name, list(value.shape), dense.nbytes])
    buffers.append(memoryview(dense.reshape(-1).view(numpy.uint8)) if dense.nbytes else b"")


def _suggest_conversion(value: "Any") -> str:
    if isinstance(value, float):
        return "; convert it with float()"
    if isinstance(value, int):
        return "; convert it with int()"
    return ""


def _describe_place(path: "tuple[str | int, ...]") -> str:
    inner = "".join(f"[{part!r}]" for part in path[1:])
    if not inner:
        return "it "
    return f"its part {inner[:80]} "


def unpack(header: "bytes | bytearray", raw: "bytes | bytearray") -> "dict[str, Any]":
    """Returns the message of a frame; its arrays are numpy arrays that own their memory.

    Raises:
        WireError: the bytes are not what `pack` makes.
    """
    try:
        return _unpack_untrusted(header, raw)
    except WireError:
        raise
    # Whatever a forged header makes the code below stumble over, it is the sender's fault.
    except (
        ValueError,
        KeyError,
        IndexError,
        TypeError,
        AttributeError,
        StopIteration,
        RecursionError,
        OverflowError,
    ) as error:
        raise WireError(f"not a frame ({type(error).__name__})") from None


def _unpack_untrusted(header: "bytes | bytearray", raw: "bytes | bytearray") -> "dict[str, Any]":
    frame = _decode(bytes(header).decode("ascii"))
    message: dict[str, Any] = frame["m"]
    if type(message) is not dict:
        raise WireError("the message is not an object")
    offset = 0
    view = memoryview(raw)
    for path, dtype, shape, size in frame["raw"]:
        # Python accepts negative and overlong slices, so the bounds have to be checked here.
        if type(size) is not int or size < 0 or offset + size > len(raw):
            raise WireError("a buffer is outside its frame")
        target: Any = message
        for part in path[:-1]:
            target = target[part]
        # `pack` leaves null for a buffer. Anything else there would be replaced after it was read.
        if target[path[-1]] is not None:
            raise WireError("a buffer replaces a value")
        target[path[-1]] = _read_buffer(view[offset : offset + size], dtype, shape)
        offset += size
    if offset != len(raw):
        raise WireError("the frame has raw bytes that no part of the message describes")
    return message


def _read_buffer(data: memoryview, dtype: str, shape: "list[int]") -> "Any":
    if dtype == "":
        return bytes(data)
    expected = ITEM_BYTES[dtype]  # an unknown dtype, `O` for one, is refused by the KeyError
    for length in shape:
        if type(length) is not int or length < 0:
            raise WireError("an array's shape is not a list of lengths")
        expected *= length
    if expected != len(data) or len(shape) > MAX_DIMENSIONS:
        raise WireError("an array's length does not fit its shape")
    import numpy

    return numpy.frombuffer(data, dtype=dtype).reshape(shape).copy()


class Reader:
    """Collects one frame from a stream, block by block.

    Read into `free_space` with `os.readv`, then call `advance`, until that returns the message.

    Attributes:
        max_header: largest header in bytes.
        max_raw: most raw bytes.
        parts: the parts of the frame so far; memory for a part is taken once its length is checked.
        position: how much of the last part is filled, in bytes.
    """

    def __init__(self, max_header: int = MAX_HEADER_BYTES, max_raw: int = MAX_RAW_BYTES) -> None:
        self.max_header = max_header
        self.max_raw = max_raw
        self.parts: list[bytearray] = [bytearray(PREFIX.size)]
        self.position = 0

    @property
    def free_space(self) -> memoryview:
        return memoryview(self.parts[-1])[self.position :]

    def advance(self, count: int) -> "dict[str, Any] | None":
        """Notes that `count` bytes were read; returns the message once it is complete.

        Raises:
            WireError: the bytes are not a frame, or it is larger than allowed.
        """
        self.position += count
        while self.position == len(self.parts[-1]):
            self.position = 0
            if len(self.parts) == 3:
                return unpack(self.parts[1], self.parts[2])
            magic, header, raw = PREFIX.unpack(self.parts[0])
            if magic != MAGIC:
                raise WireError("the bytes are not a frame")
            # Checked before memory is taken: a candidate may announce a terabyte.
            if header > self.max_header or raw > self.max_raw or not header:
                raise WireError(
                    f"a frame of {header} + {raw} bytes; "
                    f"at most {self.max_header} + {self.max_raw} are expected"
                )
            self.parts.append(bytearray(header if len(self.parts) == 1 else raw))
        return None


def receive(fd: int) -> "dict[str, Any]":
    """Returns the next message from a blocking descriptor.

    Raises:
        EOFError: the other side has closed it.
    """
    reader = Reader()
    while True:
        count = os.readv(fd, [reader.free_space])
        if not count:
            raise EOFError
        message = reader.advance(count)
        if message is not None:
            return message


def send(fd: int, message: "dict[str, Any]") -> None:
    """Writes a message to a blocking descriptor."""
    for part in pack(message):
        # An empty memoryview cannot be cast.
        view = memoryview(part).cast("B") if len(part) else memoryview(b"")
        while len(view):
            view = view[os.write(fd, view[: 1 << 20]) :]


def _refuse_constant(text: str) -> "Any":
    """Called for NaN, Infinity and -Infinity, which JSON does not have and Python's parser does."""
    raise ValueError(f"{text} is not a number")


class _Scanning:
    """The attributes of a decoder that `json`'s C scanner reads.

    The C module is used directly, because `import json` takes as long as starting Python.
    """

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = staticmethod(_refuse_constant)

    def __init__(self) -> None:
        self.memo: dict[str, str] = {}


def _encode(tree: "Any") -> str:
    try:
        import _json

        encoder = _json.make_encoder(
            None,
            _refuse_constant,
            _json.encode_basestring_ascii,
            None,
            ":",
            ",",
            False,
            False,
            False,
        )
        return "".join(encoder(tree, 0))
    except (ImportError, AttributeError):
        # The C module is an implementation detail that another Python may lack.
        import json

        return json.dumps(tree, allow_nan=False, separators=(",", ":"))


def _decode(text: str) -> "Any":
    try:
        import _json

        scan = _json.make_scanner(_Scanning())  # type: ignore[arg-type]
    except (ImportError, AttributeError, TypeError):
        import json

        return json.loads(text, parse_constant=_refuse_constant)
    value, end = scan(text, 0)
    if end != len(text):
        raise ValueError("bytes after the header")
    return value
