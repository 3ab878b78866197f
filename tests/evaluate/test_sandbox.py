"""The sandbox is attacked: one test per promise of `levels`, at both levels."""

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

from tests.evaluate.attacks import OUTCOME, list_allowed
from tests.evaluate.conftest import Run
from workbench.errors import SandboxUnavailable
from workbench.evaluate.sandbox import confine, probe, readable_paths, seccomp

Attack = Callable[..., dict[str, str]]

REPORT = """
import json
from pathlib import Path
def evaluate(trial):
    with trial.start("train.py") as process:
        outcomes = process.call("attack", ARGUMENT, returns=dict)
    (trial.folder / "outcomes.json").write_text(json.dumps(outcomes))
    return {"score": 1.0}
"""


@pytest.fixture
def attack(run: Run, tmp_path: Path) -> Attack:
    """Runs `attack(argument)` of a candidate; returns the outcome of each action."""

    def attack_and_read(body: str, argument: object, **keys: object) -> dict[str, str]:
        trial = run(OUTCOME + body, REPORT.replace("ARGUMENT", repr(argument)), **keys)
        assert trial.status == "ok", trial
        file = tmp_path / "out" / "trial" / "outcomes.json"
        outcomes: dict[str, str] = json.loads(file.read_text())
        assert outcomes
        return outcomes

    return attack_and_read


def test_no_file_outside_can_be_read(attack: Attack, tmp_path: Path, level: str) -> None:
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
    # At bwrap under our own user it is that of bubblewrap's process inside: the sandbox's own.
    if level == "landlock" or os.geteuid() == 0:
        paths += ["/proc/1/environ"]
    paths += [f"/proc/{os.getpid()}/{name}" for name in ("environ", "mem", "cmdline")]
    body = """
def attack(paths):
    return {path: outcome(lambda: open(path, "rb").read(10)) for path in paths}
"""
    outcomes = attack(body, [str(path) for path in paths])
    assert list_allowed(outcomes) == {}


def test_no_folder_outside_can_be_listed(attack: Attack, tmp_path: Path) -> None:
    paths = [str(path) for path in (tmp_path, Path.home(), "/etc", "/var", "/work", "/proc/1/fd")]
    body = """
def attack(paths):
    return {path: outcome(lambda: os.listdir(path)) for path in paths}
"""
    names = {name for name in os.listdir(Path.home()) if not name.startswith(".")}
    # With mount namespaces, folders above what is bound exist and hold nothing else.
    for path, entries in list_allowed(attack(body, paths)).items():
        assert path not in (str(tmp_path), "/var")
        assert not names & set(entries.split("'")), path


def test_nothing_outside_the_box_can_be_written(attack: Attack, tmp_path: Path) -> None:
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
    body = """
def attack(paths):
    return {path: outcome(lambda: open(path, "w")) for path in paths}
"""
    outcomes = attack(body, paths)
    assert list_allowed(outcomes) == {}


def test_the_environment_is_a_new_one(attack: Attack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-secret")
    monkeypatch.setenv("HARMLESS_LOOKING", "sk-secret")
    outcomes = attack("def attack(_):\n    return {'environment': str(dict(os.environ))}\n", 0)
    assert "sk-secret" not in outcomes["environment"]
    assert "HARMLESS" not in outcomes["environment"]


def test_an_undeclared_package_cannot_be_read_by_any_path(
    attack: Attack,
) -> None:
    package = Path(optuna.__file__).parent
    bodies = """
import importlib, subprocess, sys
def attack(package):
    init = os.path.join(package, "__init__.py")
    numpy = os.path.dirname(__import__("numpy").__file__)
    beside = "../optuna/__init__.py"
    def read(*parts):
        return outcome(lambda: open(os.path.join(*parts)).read())
    def read_in_child():
        return subprocess.run(["/bin/cat", init], check=True, capture_output=True).stdout
    os.symlink(package, "link")
    return {
        "import": outcome(lambda: importlib.import_module("optuna")),
        "open": read(init),
        "beside numpy": read(numpy, beside),
        "beside numpy, links resolved": read(os.path.realpath(numpy), beside),
        "through /proc/self/root": read("/proc/self/root" + init),
        "in a child": outcome(read_in_child),
        "relative": read(os.path.relpath(init)),
        "through a link": read("link/__init__.py"),
        "hard link": outcome(lambda: os.link(init, "hard")),
    }
"""
    outcomes = attack(bodies, str(package), packages=["numpy"])
    assert list_allowed(outcomes) == {}


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
        def works(*command):
            return subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0
        def answer():
            open("script.py", "w").write("import numpy, module")
            open("module.py", "w").close()
            same = f"import sys; sys.exit(sys.version != {sys.version!r})"
            by_name = [works(name, "-c", same) for name in ("python", "python3")]
            python = sys.executable
            allowed = [works(python, "-c", "import numpy"), works(python, "script.py")]
            denied = works(python, "-c", "import optuna")
            return float(by_name == [True, True] and allowed == [True, True] and not denied)
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


@pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler is installed")
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
            PyObject *object = PyModule_Create(&module);
            PyModule_AddIntConstant(object, "FIVE", 5);
            return object;
        }
        '''
        def answer():
            open("built.c", "w").write(SOURCE)
            options = ["-shared", "-fPIC", "-O0", "-I" + sysconfig.get_path("include")]
            subprocess.run(["cc", *options, "built.c", "-o", "built.so"], check=True)
            spec = importlib.util.spec_from_file_location("built", "./built.so")
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            return float(module.FIVE)
    """)  # fmt: skip
    assert (trial.status, trial.score) == ("ok", 5.0), trial


def test_no_socket_leads_out(attack: Attack, tmp_path: Path, level: str) -> None:
    body = """
import socket
def attack(places):
    kinds = {
        "tcp": (socket.AF_INET, socket.SOCK_STREAM),
        "udp": (socket.AF_INET, socket.SOCK_DGRAM),
        "tcp6": (socket.AF_INET6, socket.SOCK_STREAM),
        "netlink": (socket.AF_NETLINK, socket.SOCK_RAW),
        "packet": (socket.AF_PACKET, socket.SOCK_RAW),
        "vsock": (socket.AF_VSOCK, socket.SOCK_STREAM),
    }
    outcomes = {name: outcome(lambda: socket.socket(*kind)) for name, kind in kinds.items()}
    port = places.pop()
    outcomes["connect"] = outcome(lambda: socket.create_connection(("127.0.0.1", port), 2))
    for place in places:
        outcomes[place] = outcome(lambda: socket.socket(socket.AF_UNIX).connect(place))
    left, right = socket.socketpair()
    assert left.send(b"x") == 1
    outcomes["local"] = outcome(lambda: socket.socket(socket.AF_UNIX).bind("own"))
    return outcomes
"""
    tmp_path.chmod(0o755)
    path = str(tmp_path / "socket")
    abstract_name = f"\0workbench-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as at_path, socket.socket(socket.AF_UNIX) as abstract:
        for server, place in ((at_path, path), (abstract, abstract_name)):
            server.bind(place)
            server.listen()
        os.chmod(path, 0o777)
        with socket.create_server(("127.0.0.1", 0)) as server:
            outcomes = attack(body, [path, abstract_name, server.getsockname()[1]])
    local_is_refused = outcomes.pop("local").startswith("refused: ")
    assert local_is_refused == (level == "landlock")
    assert len(outcomes) == 9
    assert list_allowed(outcomes) == {}


def test_no_process_outside_can_be_signalled_or_traced(
    attack: Attack,
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
    parent = os.getppid() if os.getppid() > 2 else pid
    outcomes = {
        "kill": outcome(lambda: os.kill(pid, 9)),
        "kill parent": outcome(lambda: os.kill(parent, 0)),
        "prlimit": outcome(lambda: resource.prlimit(pid, resource.RLIMIT_NOFILE, (9, 9))),
        "affinity": outcome(lambda: os.sched_setaffinity(pid, {0})),
    }
    if os.uname().machine == "x86_64":
        outcomes |= {
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
    return outcomes
"""
    try:
        outcomes = attack(body, other.pid)
        assert list_allowed(outcomes) == {}
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_the_page_cache_can_be_neither_queried_nor_emptied(attack: Attack, tmp_path: Path) -> None:
    body = """
import ctypes, mmap, sqlite3
def attack(file):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    page = ctypes.c_size_t(4096)
    def call(*args):
        if libc.syscall(*args) < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return "done"
    fd = os.open(file, os.O_RDONLY)
    assert os.preadv(fd, [bytearray(1)], 0) == os.preadv(fd, [bytearray(1)], 0, os.RWF_HIPRI) == 1
    address = ctypes.c_void_p(libc.mmap(None, page, mmap.PROT_READ, mmap.MAP_SHARED, fd, 0))
    mincore = {"x86_64": 27, "aarch64": 232}[os.uname().machine]
    span = (ctypes.c_uint64 * 2)(0, 4096)
    answer = (ctypes.c_uint64 * 5)()
    outcomes = {
        "preadv2": outcome(lambda: os.preadv(fd, [bytearray(1)], 0, os.RWF_NOWAIT)),
        "mincore": outcome(lambda: call(mincore, address, page, ctypes.create_string_buffer(1))),
        "cachestat": outcome(lambda: call(451, fd, span, answer, 0)),
    }
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    sqlite3.connect("some.db").execute("CREATE TABLE numbers (number)").connection.commit()
    return outcomes
"""
    outcomes = attack(body, "/bin/sh")
    assert outcomes.keys() == {"preadv2", "mincore", "cachestat"}
    assert list_allowed(outcomes) == {}


def test_a_candidate_has_no_privilege_left(attack: Attack, level: str) -> None:
    body = """
def attack(_):
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    return {
        "uid": status["Uid"].split()[0], "capabilities": status["CapPrm"].strip(),
        "bounding": status["CapBnd"].strip(), "no new privileges": status["NoNewPrivs"].strip(),
        "seccomp": status["Seccomp"].strip(),
        "setuid": outcome(lambda: os.setuid(0) or os.getuid()),
    }
"""
    outcomes = attack(body, 0)
    assert int(outcomes["uid"]) != 0 or os.getuid() != 0
    # It may keep reading below root's home, within Landlock's bounds.
    others = ~(1 << confine.CAP_DAC_READ_SEARCH)
    assert int(outcomes["capabilities"], 16) & others == 0
    if os.getuid() == 0:
        assert level == "bwrap" or int(outcomes["bounding"], 16) & others == 0
        assert outcomes["setuid"].startswith("refused")
    assert (outcomes["no new privileges"], outcomes["seccomp"]) == ("1", "2")


def test_the_probe_notices_a_sandbox_that_does_not_hold() -> None:
    expected = {"reads a file outside", "writes a file outside", "makes a socket"}
    assert expected <= set(probe._try_to_escape("off"))


def test_off_is_never_chosen_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    reasons = {"bwrap": "bubblewrap is not installed", "landlock": "it leaks"}
    monkeypatch.setattr(probe, "_find_reason_against", reasons.__getitem__)
    with pytest.raises(
        SandboxUnavailable, match=r"landlock: it leaks.*apt install bubblewrap.*--sandbox off"
    ):
        probe.choose_level("auto")
    assert probe.choose_level("off") == "off"
    with pytest.raises(SandboxUnavailable, match="choose auto, bwrap, landlock or off"):
        probe.choose_level("docker")


def test_auto_takes_the_next_level_when_the_best_does_not_hold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reasons = {"bwrap": "EPERM", "landlock": None}
    monkeypatch.setattr(probe, "_find_reason_against", reasons.__getitem__)
    assert probe.choose_level("auto") == "landlock"


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_decides_as_its_tables_say(machine: str) -> None:
    program = seccomp.make_filter(machine=machine)
    column = ["x86_64", "aarch64"].index(machine)
    arch = seccomp.AUDIT_ARCH[machine]
    for numbers in seccomp.DENIED.values():
        if numbers[column] is not None:
            assert run_filter(program, arch, numbers[column]) == seccomp.EPERM
    local = seccomp.make_filter(machine=machine, sockets=True)
    for name, numbers in seccomp.SOCKETS.items():
        assert run_filter(program, arch, numbers[column], 1) == seccomp.EPERM
        assert run_filter(local, arch, numbers[column], 1) == seccomp.ALLOW
        other_family = seccomp.EPERM if name == "socket" else seccomp.ALLOW
        assert run_filter(local, arch, numbers[column], 2) == other_family
    for numbers in seccomp.OWN_ONLY.values():
        assert run_filter(program, arch, numbers[column], 0) == seccomp.ALLOW
        assert run_filter(program, arch, numbers[column], 77) == seccomp.EPERM
    assert run_filter(program, arch, seccomp.CLONE[column], 17) == seccomp.ALLOW
    assert run_filter(program, arch, seccomp.CLONE[column], 0x10000000) == seccomp.EPERM
    assert run_filter(program, arch, seccomp.CLONE3) == seccomp.ENOSYS
    assert run_filter(program, arch, seccomp.PAGE_ADVICE["fadvise64"][column]) == seccomp.NOTHING
    for numbers in seccomp.PAGE_QUERIES.values():
        assert run_filter(program, arch, numbers[column]) == seccomp.ENOSYS
    assert run_filter(program, arch, seccomp.PREADV2[column]) == seccomp.ALLOW
    nowait = 1 | seccomp.RWF_NOWAIT
    decision = run_filter(program, arch, seccomp.PREADV2[column], sixth=nowait)
    assert decision == seccomp.EOPNOTSUPP
    decision = run_filter(program, arch, seccomp.SIGACTION[column], seccomp.SIGCHLD, 1 << 32)
    assert decision == seccomp.ALLOW
    kept = seccomp.make_filter(machine=machine, metadata=False)
    for changes in seccomp.WITHOUT_EFFECT.values():
        assert run_filter(program, arch, changes[column]) == seccomp.ALLOW
        assert run_filter(kept, arch, changes[column]) == seccomp.NOTHING
    assert run_filter(program, 0x40000003, 1) == seccomp.EPERM
    assert run_filter(program, arch, 0x40000000 + 1) == seccomp.EPERM
    assert run_filter(program, arch, seccomp.SIGNALS["kill"][column]) == seccomp.ALLOW
    assert (
        run_filter(seccomp.make_filter(False, machine), arch, seccomp.SIGNALS["kill"][column])
        == seccomp.EPERM
    )


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_action_of_sigchld_can_be_read_and_not_changed_where_nothing_else_counts(
    machine: str,
) -> None:
    program, column = seccomp.make_sigchld_filter(machine), ["x86_64", "aarch64"].index(machine)
    arch, sigaction = seccomp.AUDIT_ARCH[machine], seccomp.SIGACTION[column]
    for address in (0x1000, 1 << 32, 1 << 63 | 1):
        assert run_filter(program, arch, sigaction, seccomp.SIGCHLD, address) == seccomp.NOTHING
        assert run_filter(program, arch, sigaction, seccomp.SIGCHLD - 1, address) == seccomp.ALLOW
        assert run_filter(program, arch, sigaction + 1, seccomp.SIGCHLD, address) == seccomp.ALLOW
    assert run_filter(program, arch, sigaction, seccomp.SIGCHLD, 0) == seccomp.ALLOW
    assert run_filter(program, 0x40000003, 67, seccomp.SIGCHLD, 1) == seccomp.EPERM


def run_filter(
    program: bytes, arch: int, number: int, argument: int = 0, second: int = 0, sixth: int = 0
) -> int:
    """Returns what a filter decides; a small interpreter of classic BPF."""
    code = [struct.unpack_from("=HBBI", program, offset) for offset in range(0, len(program), 8)]
    data = {
        seccomp.NUMBER: number,
        seccomp.ARCH: arch,
        seccomp.ARGUMENT_LOW: argument,
        seccomp.SECOND_LOW: second & 0xFFFFFFFF,
        seccomp.SECOND_HIGH: second >> 32,
        seccomp.SIXTH_LOW: sixth,
    }
    value = 0
    position = 0
    while True:
        operation, skip_if_true, skip_if_false, operand = code[position]
        position += 1
        if operation == seccomp.RETURN:
            return operand
        if operation == seccomp.LOAD:
            value = data[operand]
            continue
        holds = {
            seccomp.JUMP_EQ: value == operand,
            seccomp.JUMP_GE: value >= operand,
            seccomp.JUMP_ANY: bool(value & operand),
        }[operation]
        position += skip_if_true if holds else skip_if_false


def test_readable_paths_survive_their_encoding_and_leave_extras_out() -> None:
    readable = readable_paths.find_readable_paths(["pandas"])
    assert readable_paths.ReadablePaths.decode(readable.encode()) == readable
    names = {name for entries in readable.packages.values() for name in entries}
    assert {"pandas", "numpy", "dateutil"} <= names
    assert not {"optuna", "scipy", "matplotlib", "sqlalchemy"} & names
    assert readable_paths.find_readable_paths(["no-such-distribution"]).packages == {}


def test_an_editable_installation_is_found_where_its_sources_lie_and_nothing_beside_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site-packages"
    sources = tmp_path / "sources"
    info = site / "demo_tool-1.0.dist-info"
    for folder in (info, sources / "demo_tool", sources / "demo_extra", sources / "secrets"):
        folder.mkdir(parents=True)
    (site / "_editable_demo.pth").write_text(f"import os\n{sources}\n/no/such/folder\n")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: demo-tool\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[console_scripts]\ndemo = demo_extra.cli:main\n")
    (info / "RECORD").write_text("_editable_demo.pth,,\ndemo_tool-1.0.dist-info/METADATA,,\n")
    monkeypatch.syspath_prepend(str(site))
    assert readable_paths.find_readable_paths(["demo_tool"]).packages == {
        str(site): ("demo_tool-1.0.dist-info",),
        str(sources): ("demo_extra", "demo_tool"),
    }


def test_a_folder_is_split_around_what_is_masked(tmp_path: Path) -> None:
    for path in ("a/b", "a/hidden", "c"):
        (tmp_path / path).mkdir(parents=True)
    (tmp_path / "a" / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "a" / "hidden")
    parts = readable_paths.split_around_masked(str(tmp_path), [str(tmp_path / "a" / "hidden")])
    assert [os.path.relpath(part, tmp_path) for part in parts] == ["a/b", "a/file", "c"]
