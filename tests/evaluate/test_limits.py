"""Whatever a candidate does, its trial ends with a status and a reason, and it leaves nothing."""

import re
import time
from pathlib import Path

import pytest

from tests.evaluate.conftest import Run
from tests.evaluate.processes import processes_with
from tests.waiting import until
from workbench.evaluate.answers import TimedOut
from workbench.evaluate.sandbox import readable_paths
from workbench.evaluate.sandbox.slot_resources import SlotResources
from workbench.experiment import Limits


def test_an_exception_is_the_candidates_failure_with_its_line(run: Run, tmp_path: Path) -> None:
    trial = run("def answer():\n    print('before')\n    return 1 / 0\n")
    assert (trial.status, trial.score) == ("failed", None)
    assert trial.reason == "ZeroDivisionError: division by zero (train.py line 3)"
    assert "before" in (tmp_path / "out" / "trial" / "log.txt").read_text()


def test_an_import_that_fails_is_a_failure(run: Run) -> None:
    trial = run("import nothing_of_this_name\n")
    assert trial.reason.startswith("ModuleNotFoundError: No module named 'nothing_of_this_name'")


def test_exit_before_the_answer_is_a_failure_also_with_status_0(run: Run) -> None:
    trial = run("import os\ndef answer(): os._exit(0)\n")
    assert trial.reason == "the candidate exited with status 0 before it answered"
    trial = run("def answer(): raise SystemExit(0)\n")
    assert (trial.status, trial.reason[:10]) == ("failed", "SystemExit")


def test_a_signal_is_named(run: Run) -> None:
    trial = run("import os, signal\ndef answer(): os.kill(os.getpid(), signal.SIGSEGV)\n")
    assert trial.reason == "the candidate was killed by SIGSEGV"


def test_an_endless_loop_ends_at_the_wall_clock(run: Run) -> None:
    trial = run("def answer():\n    while True: pass\n", limits={"wall_seconds": 1})
    assert (trial.status, trial.score) == ("timeout", None)
    assert trial.reason == "the trial took longer than 1 s (limits.wall_seconds)"
    assert trial.cpu_seconds > 0.3


def test_a_call_may_have_its_own_timeout(run: Run) -> None:
    trial = run(
        "import time\ndef answer(): time.sleep(60)\n",
        """
        def evaluate(trial):
            with trial.start("train.py") as process:
                return {"score": process.call("answer", timeout=0.3)}
        """,
    )
    assert (trial.status, trial.reason) == ("timeout", "answer() took longer than 0.3 s")


def test_the_limit_on_cpu_time_holds(run: Run) -> None:
    trial = run("def answer():\n    while True: pass\n", limits={"cpu_seconds": 1})
    assert trial.status == "failed"
    assert trial.reason == "used more than 1 s of CPU (limits.cpu_seconds)"


def test_a_daemon_that_left_its_session_is_dead_afterwards(run: Run) -> None:
    mark = f"daemon-{time.monotonic_ns()}"
    trial = run(
        f"""
        import os, sys
        COMMAND = [sys.executable, "-c", "import time; time.sleep(600)  # {mark}"]
        def answer():
            for _ in range(3):
                if os.fork() == 0:
                    os.setsid()
                    if os.fork() == 0:
                        os.execv(sys.executable, COMMAND)
                    os._exit(0)
            return 1.0
        """
    )
    assert trial.status == "ok", trial.reason
    assert processes_with(mark) == []


def test_a_fork_bomb_is_held_and_nothing_of_it_is_left(run: Run) -> None:
    mark = f"bomb_{time.monotonic_ns()}"
    trial = run(
        f"""
        import os
        def answer():
            file = open("{mark}", "w")
            while True:
                try:
                    os.fork()
                except OSError:
                    pass
        """,
        limits={"wall_seconds": 2, "processes": 32},
    )
    assert trial.status in ("timeout", "failed"), trial
    assert processes_with(mark) == []


def test_memory_of_all_children_together_is_limited(run: Run) -> None:
    trial = run(
        """
        import os, time
        def answer():
            for _ in range(6):
                if os.fork() == 0:
                    block = b"x" * (60 << 20)
                    time.sleep(60)
                    os._exit(0)
            time.sleep(60)
        """,
        limits={"memory_mb": 200, "wall_seconds": 20},
    )
    assert trial.status == "failed"
    assert trial.reason == "used more than 200 MB of memory (limits.memory_mb)"
    assert trial.memory_limit in ("cgroup", "watchdog")


def test_a_full_disk_stops_the_candidate(run: Run) -> None:
    trial = run(
        """
        def answer():
            for number in range(100):
                with open(f"file{number}", "wb") as file:
                    for _ in range(16):
                        file.write(bytes(1 << 20))
            return 1.0
        """,
        limits={"disk_mb": 32, "wall_seconds": 25},
    )
    assert trial.status == "failed"
    assert re.search(r"No space left|File too large|limits\.disk_mb", trial.reason), trial.reason


def test_endless_output_is_capped(run: Run, tmp_path: Path) -> None:
    trial = run("def answer():\n    while True: print('x' * 1000)\n", limits={"output_mb": 2})
    assert (trial.status, trial.reason) == ("failed", "printed more than 2 MB (limits.output_mb)")
    assert (tmp_path / "out" / "trial" / "log.txt").stat().st_size < 300_000


@pytest.mark.parametrize(
    "text",
    [
        "'step', i, 'a' * 16000",
        "'step', i, 'a.b/c' * 3200, '=', i",
        "'\\x1b\\n' * 30000",
        "'step 1 ' + ' ' * 16000",
    ],
)
def test_the_wall_clock_holds_in_a_flood_of_output(run: Run, tmp_path: Path, text: str) -> None:
    source = f"""
        def answer():
            for i in range(1 << 40):
                print({text})
        """
    trial = run(source, limits={"wall_seconds": 1, "output_mb": 4096})
    assert trial.status == "timeout"
    assert trial.reason == "the trial took longer than 1 s (limits.wall_seconds)"
    assert (tmp_path / "out" / "trial" / "log.txt").stat().st_size > 10_000


def test_what_is_left_in_a_pipe_at_the_deadline_is_not_all_read(level: str) -> None:
    resources = SlotResources(readable_paths.find_readable_paths(("*",)), Limits(), slot=0)
    deadline = time.monotonic() + 2.0
    is_late = []

    def read_slowly(data: bytes) -> None:
        is_late.append(time.monotonic() > deadline)
        until(lambda: time.monotonic() > deadline)  # as if to read this block took so long

    flood = """
import fcntl, os
fcntl.fcntl(1, 1031, 1 << 20)  # F_SETPIPE_SZ
while True:
    os.write(1, bytes(1 << 16))
"""
    supervisor, _ = resources.start_sandbox(level, deadline, read_slowly, {}, 1)
    with supervisor:
        supervisor.start("", {"train.py": flood.encode()}, ())
        with pytest.raises(TimedOut):
            supervisor.run(["python", "train.py"])
    resources.close()
    assert not is_late[0]
    assert sum(is_late) <= 2


def test_all_of_a_long_message_is_in_the_log_and_its_beginning_in_the_reason(
    run: Run, tmp_path: Path
) -> None:
    trial = run(
        r"""
        def answer():
            raise OSError('the compiler said\n' + 3000 * 'x' + '\nfive errors')
        """
    )
    assert (trial.status, trial.reason[:30]) == ("failed", "OSError: the compiler said xxx")
    assert len(trial.reason) < 600
    log = (tmp_path / "out" / "trial" / "log.txt").read_text()
    assert "line 3 in answer\nOSError: the compiler said\nxxx" in log
    assert "xxx\nfive errors\n" in log


@pytest.mark.parametrize("character", ["x", "\u6f22", "\U0001f600", "\x01"])
def test_a_message_of_any_length_is_cut_and_becomes_the_reason(run: Run, character: str) -> None:
    trial = run(f"def answer():\n    raise OSError({character!r} * 10_000_000)\n")
    assert (trial.status, trial.reason[:9]) == ("failed", "OSError: ")
    assert "protocol" not in trial.reason


def test_output_that_is_not_text_is_shown_as_escapes(run: Run, tmp_path: Path) -> None:
    trial = run(
        r"""
        import os
        def answer():
            os.write(1, b"\xff\xfe \x1b[31mred\x1b[0m\rover\n\xe2\x80\xae torn")
            return 1.0
        """
    )
    assert trial.status == "ok", trial.reason
    assert (tmp_path / "out" / "trial" / "log.txt").read_text() == "over\n\\u202e torn\n"


def test_closed_descriptors_are_a_failure_without_a_hang(run: Run) -> None:
    trial = run("import os\ndef answer():\n    os.closerange(0, 1000)\n    return 1.0\n")
    assert trial.status == "failed", trial
    trial = run(
        "import os, time\ndef answer():\n    os.closerange(0, 1000)\n    time.sleep(600)\n",
        limits={"wall_seconds": 10},
    )
    assert trial.status == "failed", trial


def test_a_payload_that_is_never_read_does_not_block(run: Run) -> None:
    trial = run(
        "import os, time\ndef first():\n    while True: time.sleep(1)\n",
        """
        def evaluate(trial):
            with trial.start("train.py") as process:
                return {"score": process.call("first", bytes(8 << 20), timeout=0.5)}
        """,
    )
    assert trial.status in ("timeout", "failed"), trial


def test_a_large_payload_arrives_whole(run: Run) -> None:
    trial = run(
        """
        import hashlib
        def describe(data): return [len(data), hashlib.sha256(data).hexdigest()]
        def reverse(data): return data[::-1]
        """,
        """
        import hashlib, os
        def evaluate(trial):
            data = os.urandom(20 << 20)
            description = [len(data), hashlib.sha256(data).hexdigest()]
            with trial.start("train.py") as process:
                assert process.call("describe", data, returns=list) == description
                assert process.call("reverse", data, returns=bytes) == data[::-1]
            return {"score": 1.0}
        """,
    )
    assert trial.status == "ok", trial.reason


def test_forged_frames_gain_nothing(run: Run) -> None:
    forge = """
        import json, os, struct, sys
        def forge(message):
            header = json.dumps({"m": message, "raw": []}).encode()
            frame = struct.pack("!4sIQ", b"wbf1", len(header), 0) + header
            for fd in range(3, 64):
                try:
                    os.write(fd, frame)
                except OSError:
                    pass
        def flood():
            for fd in map(int, os.listdir("/proc/self/fd")):
                if fd > 2:
                    os.write(fd, b"score: 99\\n" * 100)
        def answer():
            FORGED
            return 1.0
        """
    for forged in (
        'forge({"id": 1, "value": 99.0, "score": 99.0})',
        'forge({"score": 99.0})',
        'forge({"id": 1, "value": 99.0}); os._exit(0)',
        "flood()",
    ):
        trial = run(forge.replace("FORGED", forged))
        assert trial.score is None or trial.score == 1.0, (forged, trial)
        assert trial.status in ("failed", "ok")


def test_files_of_the_box_are_handed_out_and_links_are_not(run: Run) -> None:
    trial = run(
        """
        import os
        def write():
            open("weights.bin", "wb").write(bytes(1000))
            os.symlink("weights.bin", "link")
            os.mkfifo("pipe")
            return 1.0
        """,
        """
        from workbench.evaluate import CandidateFailed
        def evaluate(trial):
            with trial.start("train.py") as process:
                process.call("write")
                assert process.read_file("weights.bin") == bytes(1000)
                limits = {"link": 10000, "pipe": 10000, "missing": 10000, "weights.bin": 999}
                for path, limit in limits.items():
                    try:
                        process.read_file(path, max_bytes=limit)
                    except CandidateFailed:
                        continue
                    raise AssertionError(path)
            return {"score": process.seconds > 0 and process.cpu_seconds >= 0 and 1.0}
        """,
    )
    assert trial.status == "ok", trial.reason


def test_extra_files_and_data_are_where_they_should_be(run: Run, tmp_path: Path) -> None:
    (tmp_path / "public.bin").write_bytes(b"public")
    trial = run(
        """
        import driver
        def read(path):
            try:
                open(path, "w")
                return "writable"
            except OSError:
                return open(path).read() + driver.WORD + open("copy.bin").read()
        """,
        f"""
        from pathlib import Path
        def evaluate(trial):
            source = Path({str(tmp_path)!r}) / "public.bin"
            files = {{"driver.py": b"WORD = ' and '", "copy.bin": source}}
            data = {{"train.bin": source}}
            with trial.start("train.py", files=files, data=data, threads=2) as process:
                text = process.call("read", process.data_path("train.bin"), returns=str)
                assert text == "public and public"
            return {{"score": 1.0}}
        """,
    )
    assert trial.status == "ok", trial.reason
