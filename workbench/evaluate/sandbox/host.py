"""What runs inside the sandbox: confines itself, then serves the candidate's functions, runs scripts, hands out files.

Nothing here is trusted by the evaluator's side: once candidate code has run, this process belongs to the candidate. Standard
library only, and little of it, because a sandbox starts for each trial. Started as `python -I -S -B host.pyc REQUESTS ANSWERS`.
"""

import _thread
import os
import resource
import sys

HERE = os.path.dirname(sys.argv[0])
sys.path.insert(0, HERE)  # `-I` leaves the script's own folder out

import wire  # type: ignore[import-not-found]  # noqa: E402

TYPING = False
if TYPING:
    from collections.abc import Mapping
    from types import FrameType
    from typing import Any

LONG_MESSAGE, MAX_MESSAGE = (
    200,
    20_000,
)  # characters, the latter with escapes: it has to fit into a frame
OWN_FILES = ("host.py", "wire.py")
EVALUATOR = (
    "workbench_evaluator"  # the module that candidates import; no likely name of a file of theirs
)


class Line:
    """The pipes to the evaluator: a request comes in, its answer goes out, and questions in between while a call runs."""

    def __init__(self, requests: int, answers: int) -> None:
        self.requests, self.answers = requests, answers
        self.questions: list[str] | None = None
        self.caller = self.place()
        self.id = 0

    @staticmethod
    def place() -> "tuple[int, int]":
        return os.getpid(), _thread.get_ident()

    def receive(self) -> "dict[str, Any]":
        message: dict[str, Any] = wire.receive(self.requests)
        self.id = message["id"]
        return message

    def send(self, message: "dict[str, Any]") -> None:
        wire.send(self.answers, {"id": self.id, **message})

    def serve(self, request: "dict[str, Any]") -> None:
        self.questions, self.caller = request.get("questions"), self.place()
        answer = _answer(request)
        self.questions = None
        self.send(answer)

    def ask(self, name: str, question: "Any") -> "Any":
        """Asks the evaluator, and waits for what it says; plain data both ways.

        Raises:
            LookupError: the evaluator does not answer such questions in this call.
            RuntimeError: no call runs, or this is another thread or process than the one that was called.
        """
        if self.questions is None:
            raise RuntimeError(
                "only while the evaluator calls a function can that function ask it something"
            )
        if self.place() != self.caller:
            raise RuntimeError(
                "only the thread that the evaluator called can ask it something; ask one question after the other"
            )
        if name not in self.questions:
            raise LookupError(
                f"the evaluator answers no question {name!r} here; it answers: {', '.join(self.questions) or 'none'}"
            )
        self.send({"ask": name, "question": question})
        return self.receive()["answer"]


def main() -> None:
    """Confines itself as the first message says, then answers requests until their pipe ends."""
    requests, answers = int(sys.argv[1]), int(sys.argv[2])
    line = Line(requests, answers)
    setup = line.receive()
    if setup["guard"]:
        _guard(requests)
    try:
        joined = _join(setup["cgroups"])
        _limit(setup["limits"])
        _confine(setup)
        if not (joined and setup["counts_cpu"]) and "uncounted" in setup:
            import confine  # type: ignore[import-not-found]

            confine.filter_calls(setup["uncounted"])
        os.chdir(setup["box"])
        _write(setup["files"], setup["executable"])
    except BaseException as error:
        line.send({"broken": f"{type(error).__name__}: {error}"})
        os._exit(1)
    sys.path[:] = [setup["box"], *(path for path in sys.path if path != HERE), *setup["path"]]
    sys.argv[:] = [""]
    for name in ("exit", "quit"):
        setattr(__builtins__, name, sys.exit)  # `site`, which is not loaded, would bring them
    outside = type(sys)(
        EVALUATOR, "The evaluator, as its candidate sees it: `ask(name, question)`."
    )
    outside.ask = line.ask  # type: ignore[attr-defined]
    sys.modules[EVALUATOR] = outside
    line.send({"value": {"cgroup": joined}})
    while True:
        try:
            request = line.receive()
        except EOFError:
            os._exit(0)
        line.serve(request)


def _guard(requests: int) -> None:
    """Splits off a parent that outlives neither the trial process nor the candidate, and takes everything below along.

    It stands in for a pid namespace's first process: a daemon that leaves its session is adopted by it and dies with it.
    """
    import select

    import confine
    import tree  # type: ignore[import-not-found]

    confine.adopt_orphans()
    guard, leader = os.getpid(), os.fork()
    if leader == 0:
        confine.die_with_parent(guard)
        return
    confine.wake_with_parent()  # the trial process stops it before it kills it, and may be killed in between
    for fd in range(1, 1024):
        if fd != requests:  # else the log and the answers never end while this process lives
            try:
                os.close(fd)
            except OSError:
                continue
    pidfd = os.pidfd_open(leader)
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    poll.register(requests, 0)  # only POLLHUP: the trial process is gone, however it died
    poll.poll()
    status = None
    if os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOHANG | os.WNOWAIT):
        status = os.waitstatus_to_exitcode(os.waitpid(leader, 0)[1])
    tree.end_below(guard)
    os._exit(137 if status is None else 128 - status if status < 0 else status)


def _join(groups: "list[int]") -> bool:
    """Enters control groups through descriptors that were opened outside; false where the kernel does not let it."""
    try:
        for fd in groups:
            os.write(fd, b"0")
    except OSError:
        return False
    finally:
        for fd in groups:
            os.close(fd)
    return bool(groups)


def _limit(limits: "Mapping[str, int]") -> None:
    for name, value in limits.items():
        kind = getattr(resource, name)
        hard = resource.getrlimit(kind)[1]
        soft = value if hard == resource.RLIM_INFINITY else min(value, hard)
        # One more second of CPU above the soft limit, so that a candidate that ignores SIGXCPU is killed.
        resource.setrlimit(
            kind,
            (soft, soft + 1 if name == "RLIMIT_CPU" and hard == resource.RLIM_INFINITY else soft),
        )


def _confine(setup: "Mapping[str, Any]") -> None:
    if setup["level"] == "bwrap":  # the walls stand already; only root is still to be dropped
        if setup["user"]:
            os.setgroups([])
            os.setresgid(setup["user"], setup["user"], setup["user"])
            os.setresuid(setup["user"], setup["user"], setup["user"])
        if setup["own_proc"] or not setup["user"]:
            import confine

            if setup["own_proc"]:
                confine.allow_own_proc()
            if (
                not setup["user"] and confine.landlock_abi() >= 2
            ):  # the first forbids moves between folders, whatever is allowed
                confine.restrict(
                    [["write", "/"]]
                )  # for what comes with it: nobody outside can be traced
        return
    if setup["level"] == "off":
        return
    import confine

    parent = os.getppid()
    if setup["user"]:
        confine.become(setup["user"], setup["keep_search"])
        confine.allow_own_proc()
        confine.die_with_parent(parent)  # forgotten with the change of user
    confine.restrict([*setup["rules"], ["read", f"/proc/{os.getpid()}"]])
    confine.filter_calls(setup["seccomp"])


def _write(files: "Mapping[str, bytes]", executable: "list[str]") -> None:
    for path, data in files.items():
        if "/" in path:
            os.makedirs(os.path.dirname(path), exist_ok=True)
        mode = (
            0o755 if path in executable else 0o644
        )  # at once: a mode may not be changed afterwards at every level
        with open(
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode), "wb"
        ) as file:
            file.write(data)


def _answer(request: "dict[str, Any]") -> "dict[str, Any]":
    """A value, or what was raised; anything but plain data is an error too."""
    answer: dict[str, Any] = {}
    try:
        if request["do"] == "import":
            __import__(request["module"])
            answer = {"value": None}
        elif request["do"] == "call":
            module = sys.modules[request["module"]]
            function = getattr(module, request["name"], None)
            if not callable(function):
                return {
                    "error": f"{request['module']} has no function {request['name']!r}",
                    "trace": "",
                }
            answer = {"value": function(*request["args"], **request["kwargs"])}
        elif request["do"] == "run":
            answer = {"value": _run(request["argv"])}
        elif request["do"] == "seal":
            resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
            answer = {"value": None}
        elif request["do"] == "read":
            answer = {"value": _read(request["path"], request["limit"])}
        try:
            wire.pack(answer)
        except (TypeError, ValueError, OverflowError) as error:
            answer = {
                "error": f"the answer cannot be sent: {str(error).replace('it ', '', 1)}",
                "trace": "",
            }
    except BaseException as error:
        answer = _failure(error)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # the candidate may have put anything there, and it is its own loss
            continue
    return answer


def _read(path: str, limit: int) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(fd, "rb") as file:
        if os.fstat(fd).st_mode & 0o170000 != 0o100000:
            raise OSError(f"{path} is no regular file")
        data = file.read(limit + 1)
    if len(data) > limit:
        raise OSError(f"{path} is larger than {limit} bytes")
    return data


def _run(argv: "list[str]") -> int:
    """Runs a command; a Python script in this process, as `__main__`, which saves a second start of Python."""
    python = os.path.basename(argv[0]).startswith("python")
    if not (
        python and len(argv) > 1 and ((argv[1] == "-m" and len(argv) > 2) or argv[1][:1] != "-")
    ):
        argv = [sys.executable, *argv[1:]] if python else argv
        pid = os.posix_spawnp(argv[0], argv, os.environ)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    try:
        if argv[1] == "-m":
            import runpy

            sys.argv[:] = argv[2:]
            runpy.run_module(argv[2], run_name="__main__", alter_sys=True)
        else:
            _run_script(argv[1:])
    except SystemExit as error:
        return error.code if type(error.code) is int else int(error.code is not None)
    return 0


def _run_script(argv: "list[str]") -> None:
    sys.argv[:] = argv
    with open(argv[0], "rb") as file:
        source = file.read()
    module = type(sys)("__main__")
    module.__file__, module.__builtins__ = os.path.abspath(argv[0]), __builtins__  # type: ignore[attr-defined]
    sys.modules["__main__"] = module
    sys.path[0] = os.path.dirname(module.__file__)
    exec(compile(source, argv[0], "exec"), module.__dict__)


def _failure(error: BaseException) -> "dict[str, Any]":
    """One line, and a short traceback with all of a long message, of what the candidate raised; without its code where that can be."""
    name = type(error).__name__
    try:
        text = str(error)
    except BaseException:
        text = "(its message cannot be made)"
    steps, place, trace = [], "", error.__traceback__
    while trace is not None:
        frame: FrameType = trace.tb_frame
        file = (
            os.path.relpath(frame.f_code.co_filename)
            if frame.f_code.co_filename[:1] == "/"
            else frame.f_code.co_filename
        )
        if file not in OWN_FILES:
            steps.append(f"{file} line {trace.tb_lineno} in {frame.f_code.co_name}")
            place = f"{file} line {trace.tb_lineno}" if not file.startswith("..") else place
        trace = trace.tb_next
    if isinstance(error, SyntaxError) and error.lineno:
        text, place = str(error.msg), f"{os.path.basename(str(error.filename))} line {error.lineno}"
    message = f"{name}: {text[:1000]}" if text else name
    told = "\n".join(steps[-20:])[:4000]
    if len(text) > LONG_MESSAGE or "\n" in text:
        while len(ascii(text)) > MAX_MESSAGE:
            text = text[: len(text) * 3 // 4]
        told += f"\n{name}: {text}"
    return {"error": message + (f" ({place})" if place else ""), "trace": told}


if __name__ == "__main__":
    main()
