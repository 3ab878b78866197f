"""The sandbox's walls where there is no bubblewrap: Landlock, seccomp, another user; applied by a process to itself.

Runs inside, before any candidate code, beside `host.py`: standard library only. Which paths are allowed and which system
calls are denied is decided outside (`landlock`, `seccomp`); here it is only put into force.
"""

import ctypes
import os
import signal
import struct

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # the same on every architecture
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_KEEPCAPS, PR_SET_SECCOMP, PR_CAPBSET_DROP = (
    1,
    4,
    8,
    22,
    24,
)
PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 36, 38, 47
CAP_DAC_READ_SEARCH = 2
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, TRUNCATE, IOCTL_DEV = (
    1,
    1 << 1,
    1 << 2,
    1 << 3,
    1 << 14,
    1 << 15,
)
RIGHTS = {
    "read": EXECUTE | READ_FILE | READ_DIR,
    "list": READ_DIR,
    "device": READ_FILE | WRITE_FILE | IOCTL_DEV,
}
ON_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
HANDLED = {
    1: (1 << 13) - 1,
    2: (1 << 14) - 1,
    3: (1 << 15) - 1,
    4: (1 << 15) - 1,
    5: (1 << 16) - 1,
}  # by ABI

libc = ctypes.CDLL(None, use_errno=True)


def _call(what: str, result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def _prctl(what: str, *arguments: "int | ctypes.c_void_p") -> int:
    words = [ctypes.c_ulong(part) if isinstance(part, int) else part for part in arguments]
    words += [ctypes.c_ulong(0)] * (5 - len(words))
    return _call(what, libc.prctl(*words))


def landlock_abi() -> int:
    """The kernel's Landlock ABI, 0 where there is none or it is switched off."""
    return max(0, int(libc.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(1))))


def die_with_parent(parent: int) -> None:
    """The process is killed when its parent dies, also when that happened already."""
    _prctl("PR_SET_PDEATHSIG", PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def wake_with_parent() -> None:
    """The process goes on when its parent dies, also where that one had stopped it."""
    _prctl("PR_SET_PDEATHSIG", PR_SET_PDEATHSIG, signal.SIGCONT)


def adopt_orphans() -> None:
    """Orphans below this process become its children, those that left its session included."""
    _prctl("PR_SET_CHILD_SUBREAPER", PR_SET_CHILD_SUBREAPER, 1)


def allow_own_proc() -> None:
    """After a change of user the kernel withholds /proc/self; CUDA and profilers read it."""
    _prctl("PR_SET_DUMPABLE", PR_SET_DUMPABLE, 1)


def become(user: int, keep_search: bool) -> None:
    """Takes another user and loses every capability.

    Args:
        user: its uid, and gid.
        keep_search: keeps CAP_DAC_READ_SEARCH, where the interpreter lies below a folder that only root may enter. What can
            be read remains bounded by Landlock, which has to follow.
    """
    for capability in range(64):
        if not (keep_search and capability == CAP_DAC_READ_SEARCH):
            libc.prctl(
                PR_CAPBSET_DROP, capability, 0, 0, 0
            )  # fails past the last one that this kernel knows
    if keep_search:
        _prctl("PR_SET_KEEPCAPS", PR_SET_KEEPCAPS, 1)
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    if keep_search:
        mask = 1 << CAP_DAC_READ_SEARCH
        header, data = (
            struct.pack("=Ii", 0x20080522, 0),
            struct.pack("=6I", mask, mask, mask, 0, 0, 0),
        )
        _call("capset", libc.capset(ctypes.c_char_p(header), ctypes.c_char_p(data)))
        _prctl("PR_CAP_AMBIENT", PR_CAP_AMBIENT, 2, CAP_DAC_READ_SEARCH)


def restrict(rules: "list[list[str]]") -> int:
    """Allows only these paths, for good; returns the ABI that was used.

    Args:
        rules: `[kind, path]` with the kinds of RIGHTS, and `write` for everything. A path that is missing is left out.
    """
    version = landlock_abi()
    if not version:
        raise OSError("this kernel has no Landlock")
    handled = HANDLED[min(version, 5)]
    # ABI 4 adds TCP bind and connect; ABI 6 the scope of signals and of abstract unix sockets.
    attributes = struct.pack("=QQQ", handled, 3 if version >= 4 else 0, 3 if version >= 6 else 0)
    size = 8 if version < 4 else 16 if version < 6 else 24
    ruleset = libc.syscall(
        CREATE_RULESET, ctypes.c_char_p(attributes), ctypes.c_size_t(size), ctypes.c_uint32(0)
    )
    _call("landlock_create_ruleset", ruleset)
    one, none, syscall, own = (
        ctypes.c_int(1),
        ctypes.c_uint32(0),
        libc.syscall,
        ctypes.c_int(ruleset),
    )
    for kind, path in rules:
        try:
            fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        allowed = RIGHTS.get(kind, handled) & handled
        if not os.stat(fd).st_mode & 0o040000:
            allowed &= ON_FILES
        if allowed:
            rule = ctypes.c_char_p(struct.pack("=Qi", allowed, fd))
            _call(f"landlock_add_rule {path}", syscall(ADD_RULE, own, one, rule, none))
        os.close(fd)
    _prctl("PR_SET_NO_NEW_PRIVS", PR_SET_NO_NEW_PRIVS, 1)
    _call("landlock_restrict_self", syscall(RESTRICT_SELF, own, none))
    os.close(ruleset)
    return version


def filter_calls(program: bytes) -> None:
    """Puts a seccomp filter (an array of `struct sock_filter`) into force."""
    memory = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("@HP", len(program) // 8, ctypes.addressof(memory))
    _prctl("PR_SET_NO_NEW_PRIVS", PR_SET_NO_NEW_PRIVS, 1)
    _prctl(
        "PR_SET_SECCOMP", PR_SET_SECCOMP, 2, ctypes.cast(ctypes.c_char_p(header), ctypes.c_void_p)
    )
