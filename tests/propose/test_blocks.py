import pytest

from workbench.program import Program
from workbench.propose.blocks import FORMAT, Answer, AnswerProblem, Block, apply_answer, read_answer

TEXT = "A = 1\nB = 2\n\n\ndef f():\n    return A\n\n\ndef g():\n    return A\n"
ONE = Program({"train.py": TEXT})


def answer(*blocks: tuple[str, str], path: str = "train.py", hypothesis: str = "it helps") -> str:
    parts = [f"HYPOTHESIS: {hypothesis}", f"FILE: {path}" if path else ""]
    parts += [
        f"<<<<<<< SEARCH\n{old}\n=======\n{new}{chr(10) * bool(new)}>>>>>>> REPLACE"
        for old, new in blocks
    ]
    return "\n".join(parts)


def whole(text: str, path: str = "train.py") -> str:
    return f"HYPOTHESIS: it helps\nFILE: {path}\n<<<<<<< REWRITE\n{text}>>>>>>> REWRITE\n"


def apply(text: str, program: Program = ONE) -> Program:
    return apply_answer(read_answer(text, list(program.files)), program, list(program.files))


def test_blocks_are_applied_one_after_another() -> None:
    new = apply(
        answer(
            ("A = 1", "A = 3"),
            ("A = 3\nB = 2", "A = 4"),
            ("def g():\n    return A", "def g():\n    return 0\n"),
        )
    )
    assert (
        new.files["train.py"] == "A = 4\n\n\ndef f():\n    return A\n\n\ndef g():\n    return 0\n\n"
    )


def test_a_block_may_delete_and_a_rewrite_takes_the_whole_file() -> None:
    assert apply(answer(("B = 2", ""))).files["train.py"] == TEXT.replace("B = 2\n", "")
    assert apply(whole("A = 9\n")).files["train.py"] == "A = 9\n"
    assert apply(whole("```python\nA = 9\n```\n")).files["train.py"] == "A = 9\n"


def test_what_stands_around_the_blocks_does_not_matter() -> None:
    inner = answer(("A = 1", "A = 2")).partition("\n")[2]
    text = f"Let me think.\n\n**HYPOTHESIS:** more `A` is better\n\n```\n{inner}\n```\nDone."
    assert read_answer(text, ["train.py", "other.py"]) == Answer(
        "more `A` is better", (Block("train.py", "A = 1\n", "A = 2\n"),)
    )


def test_the_form_that_models_are_shown_is_the_form_that_is_read() -> None:
    blocks = read_answer(FORMAT, ["a.py", "b.py"]).blocks
    assert [(block.path, block.search is None) for block in blocks] == [
        ("path/of/the/file", False),
        ("path/of/the/file", True),
    ]


def test_line_ends_of_the_file_are_kept() -> None:
    crlf = Program({"train.py": TEXT.replace("\n", "\r\n")})
    assert apply(answer(("A = 1", "A = 5")), crlf).files["train.py"] == TEXT.replace(
        "A = 1", "A = 5"
    ).replace("\n", "\r\n")
    open_ended = Program({"train.py": "A = 1\nB = 2"})
    assert apply(answer(("B = 2", "B = 3")), open_ended).files["train.py"] == "A = 1\nB = 3"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no idea", "no line begins with HYPOTHESIS:"),
        ("HYPOTHESIS: it helps", "the answer has no SEARCH/REPLACE block"),
        (
            "HYPOTHESIS: x\n<<<<<<< SEARCH\nA = 1\n=======\n",
            "block 1 has no line '>>>>>>> REPLACE'",
        ),
        (
            "HYPOTHESIS: x\n<<<<<<< SEARCH\nA = 1\n>>>>>>> REPLACE\n",
            "block 1 has no line '=======' between",
        ),
        (
            answer(("C = 1", "C = 2")),
            "the SEARCH text of block 1 is not in train.py (no line reads 'C = 1')",
        ),
        (answer(("A = 1\nA = 1", "C = 2")), "(its lines occur in it, but not one after another)"),
        (
            answer(("    return A", "    return 1")),
            "occurs in train.py 2 times (lines 6, 10); add lines around it",
        ),
        (answer(("", "C = 2")), "the SEARCH text of block 1 is empty"),
        (answer(("A = 1", "A = (")), "train.py does not parse: "),
        (answer(("A = 1", "A = 1")), "it changes nothing"),
        (
            answer(("A = 1", "A = 2"), path="evaluate.py"),
            "evaluate.py may not be changed; editable: train.py",
        ),
        (
            answer(("A = 1", "A = 2"), path="../../etc/passwd"),
            "../../etc/passwd may not be changed",
        ),
    ],
)
def test_what_gives_no_program_is_said_in_one_line(text: str, message: str) -> None:
    with pytest.raises(AnswerProblem) as problem:
        apply(text)
    assert message in str(problem.value)
    assert "\n" not in str(problem.value)


def test_of_several_files_the_block_must_name_one() -> None:
    with pytest.raises(
        AnswerProblem, match=r"block 1 names no file: write FILE: and one of a\.py, b\.py"
    ):
        read_answer(answer(("A = 1", "A = 2"), path=""), ["a.py", "b.py"])
    assert read_answer(answer(("A = 1", "A = 2"), path=""), ["a.py"]).blocks[0].path == "a.py"


MARKED = (
    "import os\n# EVOLVE-BLOCK-START\nA = 1\n# EVOLVE-BLOCK-END\n"
    "B = 2\n# EVOLVE-BLOCK-START\nC = 3\n# EVOLVE-BLOCK-END\n"
)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (answer(("B = 2", "B = 3")), "B = 2"),
        (answer(("import os", "import sys")), "import os"),
        (answer(("# EVOLVE-BLOCK-START\nA = 1", "A = 1")), "# EVOLVE-BLOCK-START"),
        (answer(("A = 1", "A = 1\n# EVOLVE-BLOCK-END\nD = 1\n# EVOLVE-BLOCK-START")), "B = 2"),
        (whole("A = 1\n"), "import os"),
    ],
)
def test_outside_of_the_markers_nothing_may_change(text: str, line: str) -> None:
    with pytest.raises(
        AnswerProblem, match=r"train\.py changes outside of EVOLVE-BLOCK-START and EVOLVE-BLOCK-END"
    ) as problem:
        apply(text, Program({"train.py": MARKED}))
    assert line in str(problem.value)


def test_between_the_markers_everything_may_change() -> None:
    marked = Program({"train.py": MARKED})
    assert apply(answer(("A = 1", "A = 2\nE = 5"), ("C = 3", "")), marked).files[
        "train.py"
    ] == MARKED.replace("A = 1\n", "A = 2\nE = 5\n").replace("C = 3\n", "")
    assert apply(whole(MARKED.replace("A = 1", "A = 2")), marked).files[
        "train.py"
    ] == MARKED.replace("A = 1", "A = 2")


def test_where_one_file_has_markers_the_others_are_skeleton() -> None:
    two = Program({"a.py": MARKED, "b.py": "B = 1\n"})
    with pytest.raises(AnswerProblem, match=r"b\.py changes outside"):
        apply(answer(("B = 1", "B = 2"), path="b.py"), two)
