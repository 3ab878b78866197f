"""The sandbox attacked: one test per promise in its docstring, at both levels."""

import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest

from tests.evaluate.attacks import OUTCOME
from workbench.errors import SandboxUnavailable
from workbench.evaluate.sandbox import levels, seccomp, view
from workbench.records import Trial

Run = Callable[..., Trial]

REPORT = """
import json
from pathlib import Path
def evaluate(trial):
    with trial.start("train.py") as process:
        found = process.call("attack", ARGUMENT, returns=dict)
    (trial.folder / "found.json").write_text(json.dumps(found))
    return {"score": 1.0}
"""


@pytest.fixture
def attack(run: Run, tmp_path: Path) -> Callable[..., dict[str, str]]:
    """Runs `attack(argument)` of the candidate; what each action came to."""

    def go(body: str, argument: object, **keys: object) -> dict[str, str]:
        trial = run(OUTCOME + body, REPORT.replace("ARGUMENT", repr(argument)), **keys)
        assert trial.status == "ok", trial
        found: dict[str, str] = json.loads((tmp_path / "out" / "trial" / "found.json").read_text())
        return found

    return go


def all_refused(found: dict[str, str]) -> bool:
    return bool(found) and all(result.startswith("refused: ") for result in found.values())


def test_no_file_outside_can_be_read(
    attack: Callable[..., dict[str, str]], tmp_path: Path, level: str
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    secret.chmod(0o644)
    study = tmp_path / "out" / "study.db"
    study.parent.mkdir()
    study.write_text("secret")
    paths = [
        secret,
        study,
        tmp_path / "experiment" / "evaluate.py",
        "/etc/passwd",
        "/etc/shadow",
        Path.home() / ".bashrc",
    ]
    paths += ["/dev/mem", "/proc/kcore", __file__]
    if (
        level == "landlock" or os.geteuid() == 0
    ):  # else it is of bubblewrap's process inside, and the sandbox's own environment
        paths += ["/proc/1/environ"]
    paths += [f"/proc/{os.getpid()}/{name}" for name in ("environ", "mem", "cmdline")]
    body = "def attack(paths):\n    return {path: outcome(lambda: open(path, 'rb').read(10)) for path in paths}\n"
    found = attack(body, [str(path) for path in paths])
    assert all_refused(found), found


def test_no_folder_outside_can_be_listed(
    attack: Callable[..., dict[str, str]], tmp_path: Path
) -> None:
    paths = [str(path) for path in (tmp_path, Path.home(), "/etc", "/var", "/work", "/proc/1/fd")]
    found = attack(
        "def attack(paths):\n    return {path: outcome(lambda: os.listdir(path)) for path in paths}\n",
        paths,
    )
    names = {name for name in os.listdir(Path.home()) if not name.startswith(".")}
    for path, result in found.items():
        # With mount namespaces, folders above what is bound exist and hold nothing else.
        assert result.startswith("refused: ") or (
            str(path) not in (str(tmp_path), "/var") and not names & set(result.split("'"))
        ), found


def test_nothing_outside_the_box_can_be_written(
    attack: Callable[..., dict[str, str]], tmp_path: Path
) -> None:
    tmp_path.chmod(0o777)
    paths = [
        str(tmp_path / "new"),
        "/usr/new",
        "/etc/new",
        "/new",
        "/dev/new",
        f"{sys.base_prefix}/new",
        "/var/tmp/new",
        "/support/new",
    ]
    found = attack(
        "def attack(paths):\n    return {path: outcome(lambda: open(path, 'w')) for path in paths}\n",
        paths,
    )
    assert all_refused(found), found


def test_the_environment_is_a_new_one(
    attack: Callable[..., dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-secret")
    monkeypatch.setenv("HARMLESS_LOOKING", "sk-secret")
    found = attack("def attack(_):\n    return {'environment': str(dict(os.environ))}\n", 0)
    assert "sk-secret" not in found["environment"]
    assert "HARMLESS" not in found["environment"]


def test_an_undeclared_package_cannot_be_read_by_any_path(
    attack: Callable[..., dict[str, str]],
) -> None:
    package = Path(optuna.__file__).parent
    bodies = """
import importlib, subprocess, sys
def attack(package):
    init = os.path.join(package, "__init__.py")
    numpy = os.path.dirname(__import__("numpy").__file__)
    found = {
        "import": outcome(lambda: importlib.import_module("optuna")),
        "open": outcome(lambda: open(init).read()),
        "beside numpy": outcome(lambda: open(os.path.join(numpy, "..", "optuna", "__init__.py")).read()),
        "beside numpy, links resolved": outcome(lambda: open(os.path.join(os.path.realpath(numpy), "..", "optuna", "__init__.py")).read()),
        "through /proc/self/root": outcome(lambda: open("/proc/self/root" + init).read()),
        "in a child": outcome(lambda: subprocess.run(["/bin/cat", init], check=True, capture_output=True).stdout),
        "relative": outcome(lambda: open(os.path.relpath(init)).read()),
    }
    os.symlink(package, "link")
    found["through a link"] = outcome(lambda: open("link/__init__.py").read())
    found["hard link"] = outcome(lambda: os.link(init, "hard"))
    return found
"""
    found = attack(bodies, str(package), packages=["numpy"])
    assert all_refused(found), found


def test_a_declared_package_works_and_brings_what_it_requires(run: Run) -> None:
    trial = run(
        """
        import pandas, numpy, dateutil
        def answer(): return float(numpy.linalg.norm(pandas.Series([3.0, 4.0]).to_numpy()))
        """,
        packages=["pandas"],
    )
    assert (trial.status, trial.score) == ("ok", 5.0), trial


def test_a_python_that_the_candidate_starts_has_the_same_packages_and_no_others(run: Run) -> None:
    trial = run(
        """
        import subprocess, sys
        def works(*arguments):
            return subprocess.run([sys.executable, *arguments], stderr=subprocess.DEVNULL).returncode == 0
        def answer():
            open("helper.py", "w").write("import numpy, helped")
            open("helped.py", "w").close()
            same = f"import sys; sys.exit(sys.version != {sys.version!r})"
            by_name = [subprocess.run([name, "-c", same]).returncode for name in ("python", "python3")]
            allowed = [works("-c", "import numpy"), works("helper.py"), works("-c", "import optuna")]
            return float((allowed, by_name) == ([True, True, False], [0, 0]))
        """,
        packages=["numpy"],
    )
    assert (trial.status, trial.score) == ("ok", 1.0), trial


def test_all_packages_can_be_declared(run: Run) -> None:
    trial = run(
        "import optuna, numpy\ndef answer(): return 1.0\n",
        packages=["*"],
        limits={"wall_seconds": 60},
    )
    assert trial.status == "ok", trial


@pytest.mark.skipif(not shutil.which("cc"), reason="there is no C compiler")
@pytest.mark.skipif(
    not Path(sysconfig.get_path("include"), "Python.h").exists(),
    reason="this Python came without its headers",
)
def test_an_extension_of_python_can_be_built(run: Run) -> None:
    """As torch.compile and Triton do."""
    trial = run("""
        import importlib.util, subprocess, sysconfig
        SOURCE = '''
        #include <Python.h>
        static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "built"};
        PyMODINIT_FUNC PyInit_built(void) {
            PyObject *made = PyModule_Create(&module);
            PyModule_AddIntConstant(made, "FIVE", 5);
            return made;
        }
        '''
        def answer():
            open("built.c", "w").write(SOURCE)
            include = "-I" + sysconfig.get_path("include")
            subprocess.run(["cc", "-shared", "-fPIC", "-O0", include, "built.c", "-o", "built.so"], check=True)
            found = importlib.util.spec_from_file_location("built", "./built.so")
            module = importlib.util.module_from_spec(found)
            found.loader.exec_module(module)
            return float(module.FIVE)
    """)  # fmt: skip
    assert (trial.status, trial.score) == ("ok", 5.0), trial


def test_no_socket_leads_out(
    attack: Callable[..., dict[str, str]], tmp_path: Path, level: str
) -> None:
    body = """
import socket
def attack(places):
    kinds = {"tcp": (socket.AF_INET, socket.SOCK_STREAM), "udp": (socket.AF_INET, socket.SOCK_DGRAM),
             "tcp6": (socket.AF_INET6, socket.SOCK_STREAM), "netlink": (socket.AF_NETLINK, socket.SOCK_RAW),
             "packet": (socket.AF_PACKET, socket.SOCK_RAW), "vsock": (socket.AF_VSOCK, socket.SOCK_STREAM)}
    found = {name: outcome(lambda: socket.socket(*kind)) for name, kind in kinds.items()}
    found["connect"] = outcome(lambda: socket.create_connection(("127.0.0.1", places.pop()), 2))
    for place in places:
        found[place] = outcome(lambda: socket.socket(socket.AF_UNIX).connect(place))
    one, other = socket.socketpair()
    assert one.send(b"x") == 1
    found["local"] = outcome(lambda: socket.socket(socket.AF_UNIX).bind("own"))
    return found
"""
    tmp_path.chmod(0o755)
    path, hidden = str(tmp_path / "socket"), f"\0workbench-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as at_path, socket.socket(socket.AF_UNIX) as abstract:
        for server, place in ((at_path, path), (abstract, hidden)):
            server.bind(place)
            server.listen()
        os.chmod(path, 0o777)
        with socket.create_server(("127.0.0.1", 0)) as server:
            found = attack(body, [path, hidden, server.getsockname()[1]])
    assert found.pop("local").startswith("refused: ") == (level == "landlock")
    assert len(found) == 9
    assert all_refused(found), found


def test_no_process_outside_can_be_signalled_or_traced(
    attack: Callable[..., dict[str, str]],
) -> None:
    other = subprocess.Popen(["sleep", "600"])
    body = """
import ctypes, resource
def attack(pid):
    libc = ctypes.CDLL(None, use_errno=True)
    def call(*args):
        if libc.syscall(*args) < 0:
            raise OSError(ctypes.get_errno(), "denied")
        return "done"
    found = {
        "kill": outcome(lambda: os.kill(pid, 9)),
        "kill parent": outcome(lambda: os.kill(os.getppid(), 0) if os.getppid() > 2 else os.kill(pid, 0)),
        "prlimit": outcome(lambda: resource.prlimit(pid, resource.RLIMIT_NOFILE, (9, 9))),
        "affinity": outcome(lambda: os.sched_setaffinity(pid, {0})),
    }
    if os.uname().machine == "x86_64":
        found |= {
            "ptrace": outcome(lambda: call(101, 16, pid, 0, 0)),
            "process_vm_readv": outcome(lambda: call(310, pid, 0, 0, 0, 0, 0)),
            "unshare": outcome(lambda: call(272, 0x10000000)),
            "clone newuser": outcome(lambda: call(56, 0x10000000 | 17, 0, 0, 0, 0)),
            "mount": outcome(lambda: call(165, 0, 0, 0, 0, 0)),
            "bpf": outcome(lambda: call(321, 0, 0, 0)),
            "io_uring": outcome(lambda: call(425, 1, 0)),
            "keyctl": outcome(lambda: call(250, 0, -3, 0)),
            "x32": outcome(lambda: call(0x40000000 + 39)),
            "settimeofday": outcome(lambda: call(164, 0, 0)),
            "shmget": outcome(lambda: call(29, 1, 4096, 0o1600)),
        }
    return found
"""
    try:
        found = attack(body, other.pid)
        assert all_refused(found), found
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_nobody_asks_what_lies_in_the_page_cache_nor_throws_it_out(
    attack: Callable[..., dict[str, str]], tmp_path: Path
) -> None:
    body = """
import ctypes, mmap, sqlite3
def attack(file):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype, one = ctypes.c_void_p, ctypes.c_size_t(4096)
    def call(*args):
        if libc.syscall(*args) < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return "done"
    fd, column = os.open(file, os.O_RDONLY), ["x86_64", "aarch64"].index(os.uname().machine)
    assert os.preadv(fd, [bytearray(1)], 0) == os.preadv(fd, [bytearray(1)], 0, os.RWF_HIPRI) == 1
    mapped = ctypes.c_void_p(libc.mmap(None, one, mmap.PROT_READ, mmap.MAP_SHARED, fd, 0))
    span, answer = (ctypes.c_uint64 * 2)(0, 4096), (ctypes.c_uint64 * 5)()
    found = {
        "preadv2": outcome(lambda: os.preadv(fd, [bytearray(1)], 0, os.RWF_NOWAIT)),
        "mincore": outcome(lambda: call((27, 232)[column], mapped, one, ctypes.create_string_buffer(1))),
        "cachestat": outcome(lambda: call(451, fd, span, answer, 0)),
    }
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    sqlite3.connect("some.db").execute("CREATE TABLE numbers (number)").connection.commit()
    return found
"""
    found = attack(body, "/bin/sh")
    assert found.keys() == {"preadv2", "mincore", "cachestat"}
    assert all_refused(found), found


def test_a_candidate_has_no_privilege_left(
    attack: Callable[..., dict[str, str]], level: str
) -> None:
    body = """
def attack(_):
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    return {"uid": status["Uid"].split()[0], "caps": status["CapPrm"].strip(), "bounding": status["CapBnd"].strip(),
            "nnp": status["NoNewPrivs"].strip(), "seccomp": status["Seccomp"].strip(),
            "setuid": outcome(lambda: os.setuid(0) or os.getuid())}
"""
    found = attack(body, 0)
    assert int(found["uid"]) != 0 or os.getuid() != 0
    assert int(found["caps"], 16) & ~(1 << 2) == 0, (
        found
    )  # reading below root's home at most, and that inside Landlock's bounds
    assert os.getuid() != 0 or level == "bwrap" or int(found["bounding"], 16) & ~(1 << 2) == 0, (
        found
    )
    assert (found["nnp"], found["seccomp"]) == ("1", "2")
    assert os.getuid() != 0 or found["setuid"].startswith("refused"), found


def test_the_probe_notices_a_sandbox_that_does_not_hold() -> None:
    assert {"reads a file outside", "writes a file outside", "makes a socket"} <= set(
        levels._try_to_escape("off")
    )


def test_off_is_never_chosen_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        levels,
        "_reason_against",
        lambda level: "it leaks" if level == "landlock" else "bubblewrap is not installed",
    )
    with pytest.raises(
        SandboxUnavailable, match=r"landlock: it leaks.*apt install bubblewrap.*--sandbox off"
    ):
        levels.choose("auto")
    assert levels.choose("off") == "off"
    with pytest.raises(SandboxUnavailable, match="choose auto, bwrap, landlock or off"):
        levels.choose("docker")


def test_auto_takes_the_next_level_when_the_best_does_not_hold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        levels, "_reason_against", lambda level: "EPERM" if level == "bwrap" else None
    )
    assert levels.choose("auto") == "landlock"


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_decides_as_its_tables_say(machine: str) -> None:
    program, column = seccomp.program(machine=machine), ["x86_64", "aarch64"].index(machine)
    arch = seccomp.AUDIT_ARCH[machine]
    for numbers in seccomp.DENIED.values():
        if numbers[column] is not None:
            assert _decision(program, arch, numbers[column]) == seccomp.EPERM
    local = seccomp.program(machine=machine, sockets=True)
    for name, numbers in seccomp.SOCKETS.items():
        assert _decision(program, arch, numbers[column], 1) == seccomp.EPERM
        assert _decision(local, arch, numbers[column], 1) == seccomp.ALLOW
        assert _decision(local, arch, numbers[column], 2) == (
            seccomp.EPERM if name == "socket" else seccomp.ALLOW
        )
    for numbers in seccomp.OWN_ONLY.values():
        assert _decision(program, arch, numbers[column], 0) == seccomp.ALLOW
        assert _decision(program, arch, numbers[column], 77) == seccomp.EPERM
    assert _decision(program, arch, seccomp.CLONE[column], 17) == seccomp.ALLOW
    assert _decision(program, arch, seccomp.CLONE[column], 0x10000000) == seccomp.EPERM
    assert _decision(program, arch, seccomp.CLONE3) == seccomp.ENOSYS
    assert _decision(program, arch, seccomp.PAGE_ADVICE["fadvise64"][column]) == seccomp.NOTHING
    for numbers in seccomp.PAGE_QUERIES.values():
        assert _decision(program, arch, numbers[column]) == seccomp.ENOSYS
    assert _decision(program, arch, seccomp.PREADV2[column]) == seccomp.ALLOW
    assert (
        _decision(program, arch, seccomp.PREADV2[column], sixth=1 | seccomp.RWF_NOWAIT)
        == seccomp.EOPNOTSUPP
    )
    assert (
        _decision(program, arch, seccomp.SIGACTION[column], seccomp.SIGCHLD, 1 << 32)
        == seccomp.ALLOW
    )
    kept = seccomp.program(machine=machine, metadata=False)
    for changes in seccomp.WITHOUT_EFFECT.values():
        assert _decision(program, arch, changes[column]) == seccomp.ALLOW
        assert _decision(kept, arch, changes[column]) == seccomp.NOTHING
    assert _decision(program, 0x40000003, 1) == seccomp.EPERM
    assert _decision(program, arch, 0x40000000 + 1) == seccomp.EPERM
    assert _decision(program, arch, seccomp.SIGNALS["kill"][column]) == seccomp.ALLOW
    assert (
        _decision(seccomp.program(False, machine), arch, seccomp.SIGNALS["kill"][column])
        == seccomp.EPERM
    )


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_what_sigchld_does_is_asked_and_not_changed_where_nothing_else_counts(machine: str) -> None:
    program, column = seccomp.keeps_children(machine), ["x86_64", "aarch64"].index(machine)
    arch, sigaction = seccomp.AUDIT_ARCH[machine], seccomp.SIGACTION[column]
    for place in (0x1000, 1 << 32, 1 << 63 | 1):
        assert _decision(program, arch, sigaction, seccomp.SIGCHLD, place) == seccomp.NOTHING
        assert _decision(program, arch, sigaction, seccomp.SIGCHLD - 1, place) == seccomp.ALLOW
        assert _decision(program, arch, sigaction + 1, seccomp.SIGCHLD, place) == seccomp.ALLOW
    assert _decision(program, arch, sigaction, seccomp.SIGCHLD, 0) == seccomp.ALLOW
    assert _decision(program, 0x40000003, 67, seccomp.SIGCHLD, 1) == seccomp.EPERM


def _decision(
    program: bytes, arch: int, number: int, argument: int = 0, second: int = 0, sixth: int = 0
) -> int:
    """A small interpreter of classic BPF, enough for the filter."""
    lines = [struct.unpack_from("=HBBI", program, at) for at in range(0, len(program), 8)]
    words = {
        seccomp.NUMBER: number,
        seccomp.ARCH: arch,
        seccomp.ARGUMENT_LOW: argument,
        seccomp.SIXTH_LOW: sixth,
    }
    words |= {seccomp.SECOND_LOW: second & 0xFFFFFFFF, seccomp.SECOND_HIGH: second >> 32}
    value = at = 0
    while True:
        code, yes, no, operand = lines[at]
        if code == seccomp.RETURN:
            return operand
        if code == seccomp.LOAD:
            value, at = words[operand], at + 1
            continue
        holds = {
            seccomp.JUMP_EQ: value == operand,
            seccomp.JUMP_GE: value >= operand,
            seccomp.JUMP_ANY: bool(value & operand),
        }[code]
        at += 1 + (yes if holds else no)


def test_a_view_survives_its_encoding_and_leaves_extras_out() -> None:
    seen = view.make(["pandas"])
    assert view.View.decode(seen.encode()) == seen
    names = {name for entries in seen.packages.values() for name in entries}
    assert {"pandas", "numpy", "dateutil"} <= names
    assert not {"optuna", "scipy", "matplotlib", "sqlalchemy"} & names
    assert view.make(["no-such-distribution"]).packages == {}


def test_an_editable_installation_is_seen_where_its_sources_lie_and_nothing_beside_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, sources = tmp_path / "site-packages", tmp_path / "sources"
    info = site / "demo_tool-1.0.dist-info"
    for folder in (info, sources / "demo_tool", sources / "demo_extra", sources / "secrets"):
        folder.mkdir(parents=True)
    (site / "_editable_demo.pth").write_text(f"import os\n{sources}\n/no/such/folder\n")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: demo-tool\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[console_scripts]\ndemo = demo_extra.cli:main\n")
    (info / "RECORD").write_text("_editable_demo.pth,,\ndemo_tool-1.0.dist-info/METADATA,,\n")
    monkeypatch.syspath_prepend(str(site))
    assert view.make(["demo_tool"]).packages == {
        str(site): ("demo_tool-1.0.dist-info",),
        str(sources): ("demo_extra", "demo_tool"),
    }


def test_a_folder_is_taken_apart_around_what_is_masked(tmp_path: Path) -> None:
    for path in ("a/b", "a/hidden", "c"):
        (tmp_path / path).mkdir(parents=True)
    (tmp_path / "a" / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "a" / "hidden")
    parts = view.allowed_below(str(tmp_path), [str(tmp_path / "a" / "hidden")])
    assert [os.path.relpath(part, tmp_path) for part in parts] == ["a/b", "a/file", "c"]
