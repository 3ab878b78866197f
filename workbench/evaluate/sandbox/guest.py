"""The program that runs inside a sandbox: confines itself, then serves what the evaluator requests.

It imports the candidate's modules, calls their functions, runs scripts and reads files. The
evaluator does not trust it: once candidate code has run, this process belongs to the candidate.

It is started by path, as `python -I -S -B guest.pyc REQUESTS ANSWERS`, where the two numbers are
pipes. It may import only the standard library and the modules in `levels.GUEST_MODULES`, which are
copied next to it. It imports little, because a sandbox starts for each trial.
"""

import _thread
import os
import resource
import sys

SUPPORT = os.path.dirname(sys.argv[0])
sys.path.insert(0, SUPPORT)  # `-I` leaves out the folder of the script itself

import wire  # type: ignore[import-not-found]  # noqa: E402

# Like typing.TYPE_CHECKING, but importing `typing` takes a noticeable part of a sandbox's start.
TYPING = False
if TYPING:
    from collections.abc import Mapping
    from typing import Any

LONG_MESSAGE = 200  # characters; the log gets all of a longer one
MAX_MESSAGE = 20_000  # characters with escapes, so that the message fits into a frame
MAX_REASON = 1000  # characters of a message that become the reason
MAX_STEPS = 20  # of a traceback
MAX_TRACE = 4000  # characters of a traceback
MAX_DESCRIPTORS = 1024
KILLED = 137  # what a shell reports for SIGKILL
FILE_TYPE = 0o170000
REGULAR_FILE = 0o100000
OWN_FILES = ("guest.py", "wire.py")
# The module that candidates import to ask questions. A candidate's own file is unlikely to have
# this name, and would not replace it, because it is in `sys.modules` already.
EVALUATOR = "workbench_evaluator"


class Connection:
    """The pipes to the evaluator.

    A request comes in and its answer goes out. While a call runs, the candidate may ask questions
    in between, and the evaluator answers them.

    Attributes:
        requests: descriptor to read from.
        answers: descriptor to write to.
        questions: names of the questions that the running call may ask; None while no call runs.
        caller: process and thread that serve the running call.
        id: number of the last request, which its answer has to repeat.
    """

    def __init__(self, requests: int, answers: int) -> None:
        self.requests = requests
        self.answers = answers
        self.questions: list[str] | None = None
        self.caller = self.identify_caller()
        self.id = 0

    @staticmethod
    def identify_caller() -> "tuple[int, int]":
        return os.getpid(), _thread.get_ident()

    def receive(self) -> "dict[str, Any]":
        message: dict[str, Any] = wire.receive(self.requests)
        self.id = message["id"]
        return message

    def send(self, message: "dict[str, Any]") -> None:
        wire.send(self.answers, {"id": self.id, **message})

    def serve(self, request: "dict[str, Any]") -> None:
        self.questions = request.get("questions")
        self.caller = self.identify_caller()
        answer = _answer(request)
        self.questions = None
        self.send(answer)

    def ask(self, name: str, question: "Any") -> "Any":
        """Asks the evaluator a question and waits for its answer; both are plain data.

        Raises:
            LookupError: the evaluator answers no question of this name in this call.
            RuntimeError: no call runs, or another thread or process was called than this one.
        """
        if self.questions is None:
            raise RuntimeError(
                "a function can ask the evaluator something only while the evaluator calls it"
            )
        # Two threads on one pair of pipes would take each other's answers.
        if self.identify_caller() != self.caller:
            raise RuntimeError(
                "only the thread that the evaluator called can ask it something; "
                "ask one question after the other"
            )
        if name not in self.questions:
            offered = ", ".join(self.questions) or "none"
            raise LookupError(
                f"the evaluator answers no question {name!r} here; it answers: {offered}"
            )
        self.send({"ask": name, "question": question})
        return self.receive()["answer"]


def main() -> None:
    """Confines itself as the first message says, then answers requests until their pipe ends."""
    requests = int(sys.argv[1])
    answers = int(sys.argv[2])
    connection = Connection(requests, answers)
    setup = connection.receive()
    if setup["guard"]:
        _split_off_guard(requests)
    try:
        is_in_group = _join_groups(setup["cgroups"])
        _set_limits(setup["limits"])
        _confine(setup)
        # A control group counts all CPU time. Without one, only a parent that reaps its children
        # does, so no process may have the kernel reap them.
        if not (is_in_group and setup["counts_cpu"]) and "sigchld_filter" in setup:
            import confine  # type: ignore[import-not-found]

            confine.install_filter(setup["sigchld_filter"])
        os.chdir(setup["box"])
        _write_files(setup["files"], setup["executable"])
    except BaseException as error:
        connection.send({"broken": f"{type(error).__name__}: {error}"})
        os._exit(1)
    _prepare_interpreter(connection, setup)
    connection.send({"value": {"cgroup": is_in_group}})
    while True:
        try:
            request = connection.receive()
        except EOFError:
            os._exit(0)
        connection.serve(request)


def _split_off_guard(requests: int) -> None:
    """Forks: the child goes on as the sandbox, and the parent guards it and never returns.

    The guard plays the part of a pid namespace's first process. A daemon that leaves its session
    becomes a child of the guard, which kills everything below it when the trial process or the
    sandbox ends.
    """
    import confine

    confine.adopt_orphans()
    guard = os.getpid()
    leader = os.fork()
    if leader == 0:
        confine.die_with_parent(guard)
        return
    # The trial process stops the guard before it kills it, and may itself be killed in between.
    confine.wake_with_parent()
    # An open end here would keep the pipes of the log and the answers from ever ending.
    for fd in range(1, MAX_DESCRIPTORS):
        if fd != requests:
            try:
                os.close(fd)
            except OSError:
                continue
    os._exit(_wait_and_kill(guard, leader, requests))


def _wait_and_kill(guard: int, leader: int, requests: int) -> int:
    """Waits for the sandbox or the trial process to end, and kills what is left below the guard.

    Returns:
        The sandbox's exit status as a shell reports it.
    """
    import select

    import process_tree  # type: ignore[import-not-found]

    pidfd = os.pidfd_open(leader)
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    # Without events only POLLHUP wakes it: the trial process is gone, however it died.
    poll.register(requests, 0)
    poll.poll()
    status = KILLED
    if os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOHANG | os.WNOWAIT):
        status = os.waitstatus_to_exitcode(os.waitpid(leader, 0)[1])
        if status < 0:
            status = 128 - status
    process_tree.kill_descendants(guard)
    return status


def _join_groups(descriptors: "list[int]") -> bool:
    """Enters control groups through descriptors that were opened outside.

    Returns:
        Whether it is a member now; false where there are none or the kernel refuses.
    """
    try:
        for fd in descriptors:
            os.write(fd, b"0")
    except OSError:
        return False
    finally:
        for fd in descriptors:
            os.close(fd)
    return bool(descriptors)


def _set_limits(limits: "Mapping[str, int]") -> None:
    for name, value in limits.items():
        kind = getattr(resource, name)
        hard = resource.getrlimit(kind)[1]
        if hard != resource.RLIM_INFINITY:
            lowest = min(value, hard)
            resource.setrlimit(kind, (lowest, lowest))
        elif name == "RLIMIT_CPU":
            # The soft limit sends SIGXCPU, which a candidate can ignore; the hard limit kills.
            resource.setrlimit(kind, (value, value + 1))
        else:
            resource.setrlimit(kind, (value, value))


def _confine(setup: "Mapping[str, Any]") -> None:
    if setup["level"] == "bwrap":
        _confine_within_bubblewrap(setup)
    elif setup["level"] == "landlock":
        _confine_by_landlock(setup)


def _confine_within_bubblewrap(setup: "Mapping[str, Any]") -> None:
    """Drops the privileges that bubblewrap needed to set up its walls."""
    # Groups first: without root's uid they can no longer be changed.
    if setup["user"]:
        os.setgroups([])
        os.setresgid(setup["user"], setup["user"], setup["user"])
        os.setresuid(setup["user"], setup["user"], setup["user"])
    if not setup["own_proc"] and setup["user"]:
        return
    import confine  # not at the top: ctypes takes a noticeable part of a start

    if setup["own_proc"]:
        confine.allow_own_proc()
    # Under our own user the candidate could take over bubblewrap's process inside, which has no
    # limits. A process in a Landlock domain can trace none outside it, so enter one that forbids
    # nothing else. ABI 1 forbids moves between folders whatever is allowed.
    if not setup["user"] and confine.find_landlock_abi() >= 2:
        confine.restrict_paths([["write", "/"]])


def _confine_by_landlock(setup: "Mapping[str, Any]") -> None:
    import confine

    parent = os.getppid()
    if setup["user"]:
        confine.switch_user(setup["user"], setup["keep_search"])
        confine.allow_own_proc()
        # Again, because the kernel forgets it with a change of user.
        confine.die_with_parent(parent)
    confine.restrict_paths([*setup["rules"], ["read", f"/proc/{os.getpid()}"]])
    # Last: the filter denies some of the calls above.
    confine.install_filter(setup["call_filter"])


def _write_files(files: "Mapping[str, bytes]", executable: "list[str]") -> None:
    for path, data in files.items():
        if "/" in path:
            os.makedirs(os.path.dirname(path), exist_ok=True)
        # The mode is given when the file is made, because not every level lets it be changed.
        mode = 0o755 if path in executable else 0o644
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
        with open(fd, "wb") as file:
            file.write(data)


def _prepare_interpreter(connection: Connection, setup: "Mapping[str, Any]") -> None:
    """Makes this interpreter look to the candidate as if it had been started for its program."""
    standard = [path for path in sys.path if path != SUPPORT]
    sys.path[:] = [setup["box"], *standard, *setup["path"]]
    sys.argv[:] = [""]
    # `site` would add these, but it is not loaded.
    for name in ("exit", "quit"):
        setattr(__builtins__, name, sys.exit)
    evaluator = type(sys)(
        EVALUATOR, "The evaluator, as its candidate sees it: `ask(name, question)`."
    )
    evaluator.ask = connection.ask  # type: ignore[attr-defined]
    sys.modules[EVALUATOR] = evaluator


def _answer(request: "dict[str, Any]") -> "dict[str, Any]":
    """Returns the answer to a request: a value, or the error that was raised."""
    try:
        answer = _perform(request)
        try:
            wire.pack(answer)
        except (TypeError, ValueError, OverflowError) as error:
            answer = {"error": f"the answer cannot be sent: {error}", "trace": ""}
    except BaseException as error:
        answer = _describe_failure(error)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # the candidate may have put anything there; only its own output is lost
            continue
    return answer


def _perform(request: "dict[str, Any]") -> "dict[str, Any]":
    action = request["do"]
    if action == "import":
        __import__(request["module"])
        return {"value": None}
    if action == "call":
        module = sys.modules[request["module"]]
        function = getattr(module, request["name"], None)
        if not callable(function):
            error = f"{request['module']} has no function {request['name']!r}"
            return {"error": error, "trace": ""}
        return {"value": function(*request["args"], **request["kwargs"])}
    if action == "run":
        return {"value": _run(request["argv"])}
    if action == "seal":
        # A process may lower its hard limit, and without privilege never raise it again.
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
        return {"value": None}
    if action == "read":
        return {"value": _read_file(request["path"], request["limit"])}
    return {}


def _read_file(path: str, limit: int) -> bytes:
    # O_NOFOLLOW: a link could lead to a file that the evaluator must not hand out as the
    # candidate's. O_NONBLOCK: opening a named pipe would wait for a writer.
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(fd, "rb") as file:
        if os.fstat(fd).st_mode & FILE_TYPE != REGULAR_FILE:
            raise OSError(f"{path} is not a regular file")
        data = file.read(limit + 1)
    if len(data) > limit:
        raise OSError(f"{path} is larger than {limit} bytes")
    return data


def _run(argv: "list[str]") -> int:
    """Runs a command and returns its exit status.

    A Python script or module runs in this process, as `__main__`, which saves starting Python once
    more.
    """
    is_python = os.path.basename(argv[0]).startswith("python")
    if not is_python:
        return _run_process(argv)
    runs_module = len(argv) > 2 and argv[1] == "-m"
    runs_script = len(argv) > 1 and argv[1][:1] != "-"
    if not (runs_module or runs_script):
        return _run_process([sys.executable, *argv[1:]])
    try:
        if runs_module:
            import runpy

            sys.argv[:] = argv[2:]
            runpy.run_module(argv[2], run_name="__main__", alter_sys=True)
        else:
            _run_script(argv[1:])
    except SystemExit as error:
        if type(error.code) is int:
            return error.code
        return int(error.code is not None)
    return 0


def _run_process(argv: "list[str]") -> int:
    pid = os.posix_spawnp(argv[0], argv, os.environ)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _run_script(argv: "list[str]") -> None:
    sys.argv[:] = argv
    with open(argv[0], "rb") as file:
        source = file.read()
    module = type(sys)("__main__")
    module.__file__ = os.path.abspath(argv[0])
    module.__builtins__ = __builtins__  # type: ignore[attr-defined]
    sys.modules["__main__"] = module
    sys.path[0] = os.path.dirname(module.__file__)
    exec(compile(source, argv[0], "exec"), module.__dict__)


def _describe_failure(error: BaseException) -> "dict[str, Any]":
    """Returns what was raised as one line and a short traceback, with all of a long message.

    Runs none of the candidate's code except the error's own `__str__`.
    """
    name = type(error).__name__
    try:
        text = str(error)
    except BaseException:
        text = "(its message cannot be made)"
    steps, place = _summarize_traceback(error)
    if isinstance(error, SyntaxError) and error.lineno:
        text = str(error.msg)
        place = f"{os.path.basename(str(error.filename))} line {error.lineno}"
    reason = f"{name}: {text[:MAX_REASON]}" if text else name
    if place:
        reason += f" ({place})"
    trace = "\n".join(steps[-MAX_STEPS:])[:MAX_TRACE]
    if len(text) > LONG_MESSAGE or "\n" in text:
        # Measured with escapes, because the header of a frame is ASCII.
        while len(ascii(text)) > MAX_MESSAGE:
            text = text[: len(text) * 3 // 4]
        trace += f"\n{name}: {text}"
    return {"error": reason, "trace": trace}


def _summarize_traceback(error: BaseException) -> "tuple[list[str], str]":
    """Returns one line for each step, and the innermost line of the candidate's own files."""
    steps = []
    place = ""
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        file = code.co_filename
        if file[:1] == "/":
            file = os.path.relpath(file)
        if file not in OWN_FILES:
            steps.append(f"{file} line {trace.tb_lineno} in {code.co_name}")
            if not file.startswith(".."):
                place = f"{file} line {trace.tb_lineno}"
        trace = trace.tb_next
    return steps, place


if __name__ == "__main__":
    main()
