"""Frames of plain data between the evaluator and a candidate: a JSON header, then raw bytes. Never pickle.

Runs on both sides, also alone beside `host.py` inside the sandbox: standard library only, and as little of it as can be,
because a sandbox starts for each trial. There is no message that means "score".

A frame: 4 bytes of magic, u32 length of the header, u64 length of the raw part; the header `{"m": message, "raw": [...]}`,
where each bytes object or array of the message is null in `m` and described in `raw` by `[path, dtype or "", shape, length]`.
"""

import os
import sys
from struct import Struct

TYPING = False
if TYPING:
    from typing import Any

MAGIC = b"wbf1"
PREFIX = Struct("!4sIQ")
MAX_HEADER_BYTES = 64 << 20
MAX_RAW_BYTES = 4 << 30
ITEM_BYTES = {
    "bool": 1, "int8": 1, "uint8": 1, "int16": 2, "uint16": 2, "int32": 4, "uint32": 4, "int64": 8, "uint64": 8,
    "float16": 2, "float32": 4, "float64": 8, "complex64": 8, "complex128": 16,
}  # fmt: skip


class WireError(Exception):
    """Bytes that are no frame, or a frame above its bounds."""


def pack(message: "dict[str, Any]") -> "list[bytes | memoryview]":
    """The frame of a message, as buffers to be written one after the other.

    Raises:
        TypeError: something in it is not exactly of a plain type, or a number is not finite.
    """
    raw: list[list[Any]] = []
    buffers: list[bytes | memoryview] = []
    try:
        tree = _lift(message, (), raw, buffers)
    except RecursionError:
        raise TypeError("it is nested too deeply, or contains itself") from None
    header = _encode({"m": tree, "raw": raw}).encode("ascii")
    size = sum(memoryview(buffer).nbytes for buffer in buffers)
    return [PREFIX.pack(MAGIC, len(header), size), header, *buffers]


def _lift(
    value: "Any",
    path: "tuple[str | int, ...]",
    raw: "list[list[Any]]",
    buffers: "list[bytes | memoryview]",
) -> "Any":
    kind = type(value)
    if value is None or kind is bool or kind is int or kind is str:
        return value
    if kind is float:
        if value - value != 0.0:
            raise TypeError(f"{_place(path)}is {value!r}; only finite numbers can be sent")
        return value
    if kind is list or kind is tuple:
        return [_lift(item, (*path, index), raw, buffers) for index, item in enumerate(value)]
    if kind is dict:
        for key in value:
            if type(key) is not str:
                raise TypeError(
                    f"{_place(path)}has a key of type {type(key).__name__}; only str can be sent"
                )
        return {key: _lift(item, (*path, key), raw, buffers) for key, item in value.items()}
    if kind is bytes:
        raw.append([list(path), "", [len(value)], len(value)])
        buffers.append(value)
        return None
    numpy = sys.modules.get("numpy")
    if numpy is not None and kind is numpy.ndarray:
        if value.dtype.name not in ITEM_BYTES or not value.dtype.isnative:
            raise TypeError(
                f"{_place(path)}is an array of {value.dtype}; only numbers and bool can be sent"
            )
        dense = numpy.ascontiguousarray(value)
        raw.append([list(path), value.dtype.name, list(value.shape), dense.nbytes])
        buffers.append(memoryview(dense.reshape(-1).view(numpy.uint8)) if dense.nbytes else b"")
        return None
    hint = (
        "; convert it with float()"
        if isinstance(value, float)
        else "; convert it with int()"
        if isinstance(value, int)
        else ""
    )
    raise TypeError(
        f"{_place(path)}is of type {kind.__module__}.{kind.__qualname__}, no plain type{hint}"
    )


def _place(path: "tuple[str | int, ...]") -> str:
    inner = "".join(f"[{part!r}]" for part in path[1:])
    return f"its part {inner[:80]} " if inner else "it "


def unpack(header: "bytes | bytearray", raw: "bytes | bytearray") -> "dict[str, Any]":
    """The message of a frame; arrays are numpy arrays of their own memory.

    Raises:
        WireError: it is not what `pack` makes.
    """
    try:
        frame = _decode(bytes(header).decode("ascii"))
        message, offset, view = frame["m"], 0, memoryview(raw)
        if type(message) is not dict:
            raise WireError("the message is no object")
        for path, dtype, shape, size in frame["raw"]:
            if type(size) is not int or size < 0 or offset + size > len(raw):
                raise WireError("a buffer lies outside its frame")
            target = message
            for part in path[:-1]:
                target = target[part]
            if target[path[-1]] is not None:
                raise WireError("a buffer replaces a value")
            target[path[-1]] = _buffer(view[offset : offset + size], dtype, shape)
            offset += size
        if offset != len(raw):
            raise WireError("bytes that belong to nothing")
        return message
    except WireError:
        raise
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
        raise WireError(f"no frame ({type(error).__name__})") from None


def _buffer(data: memoryview, dtype: str, shape: "list[int]") -> "Any":
    if dtype == "":
        return bytes(data)
    expected = ITEM_BYTES[dtype]
    for length in shape:
        if type(length) is not int or length < 0:
            raise WireError("a shape that is none")
        expected *= length
    if expected != len(data) or len(shape) > 32:
        raise WireError("an array whose length is not its shape's")
    import numpy

    return numpy.frombuffer(data, dtype=dtype).reshape(shape).copy()


class Reader:
    """Takes one frame from a stream, block by block: `os.readv` into `room()`, then `filled()`, until it gives the message."""

    def __init__(self, max_header: int = MAX_HEADER_BYTES, max_raw: int = MAX_RAW_BYTES) -> None:
        self.max_header, self.max_raw = max_header, max_raw
        self.parts: list[bytearray] = [bytearray(PREFIX.size)]
        self.position = 0

    def room(self) -> memoryview:
        return memoryview(self.parts[-1])[self.position :]

    def filled(self, count: int) -> "dict[str, Any] | None":
        """Notes that so many bytes came in; the message once it is complete.

        Raises:
            WireError: no frame, or one above the bounds.
        """
        self.position += count
        while self.position == len(self.parts[-1]):
            self.position = 0
            if len(self.parts) == 3:
                return unpack(self.parts[1], self.parts[2])
            magic, header, raw = PREFIX.unpack(self.parts[0])
            if magic != MAGIC:
                raise WireError("bytes that are no frame")
            if header > self.max_header or raw > self.max_raw or not header:
                raise WireError(
                    f"a frame of {header} + {raw} bytes; at most {self.max_header} + {self.max_raw} are expected"
                )
            self.parts.append(bytearray(header if len(self.parts) == 1 else raw))
        return None


def receive(fd: int) -> "dict[str, Any]":
    """The next message from a blocking descriptor.

    Raises:
        EOFError: the other side is gone.
    """
    reader = Reader()
    while True:
        count = os.readv(fd, [reader.room()])
        if not count:
            raise EOFError
        message = reader.filled(count)
        if message is not None:
            return message


def send(fd: int, message: "dict[str, Any]") -> None:
    """Writes a message to a blocking descriptor."""
    for part in pack(message):
        view = memoryview(part).cast("B") if len(part) else memoryview(b"")
        while len(view):
            view = view[os.write(fd, view[: 1 << 20]) :]


def _refused(text: str) -> "Any":
    raise ValueError(f"{text} is no number")


class _Scanning:
    """What the C scanner of `json` asks of a decoder; `import json` would take as long as starting Python."""

    strict, object_hook, object_pairs_hook, parse_float, parse_int = True, None, None, float, int
    parse_constant = staticmethod(_refused)

    def __init__(self) -> None:
        self.memo: dict[str, str] = {}


def _encode(tree: "Any") -> str:
    try:
        import _json

        make = _json.make_encoder(
            None, _refused, _json.encode_basestring_ascii, None, ":", ",", False, False, False
        )
        return "".join(make(tree, 0))
    except (ImportError, AttributeError):
        import json

        return json.dumps(tree, allow_nan=False, separators=(",", ":"))


def _decode(text: str) -> "Any":
    try:
        import _json

        scan = _json.make_scanner(_Scanning())  # type: ignore[arg-type]
    except (ImportError, AttributeError, TypeError):
        import json

        return json.loads(text, parse_constant=_refused)
    value, end = scan(text, 0)
    if end != len(text):
        raise ValueError("bytes after the header")
    return value
