"""The walls of a sandbox without bubblewrap, which a process puts around itself.

They are Landlock, seccomp and a change of user. This module runs inside the sandbox beside
`guest.py`, before any candidate code, so it uses only the standard library. It makes no decisions:
the allowed paths and the denied system calls are chosen outside, in `landlock` and `seccomp`.
"""

import ctypes
import os
import signal
import struct

# System calls; Landlock's numbers are the same on every architecture.
CREATE_RULESET = 444
ADD_RULE = 445
RESTRICT_SELF = 446

# Operations of prctl(2).
PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_KEEPCAPS = 8
PR_SET_SECCOMP = 22
PR_CAPBSET_DROP = 24
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47

SECCOMP_MODE_FILTER = 2
PR_CAP_AMBIENT_RAISE = 2
CAPABILITY_VERSION_3 = 0x20080522
CAP_DAC_READ_SEARCH = 2
MAX_CAPABILITY = 64
DIRECTORY_MODE = 0o040000

# Landlock's access rights on files and folders.
EXECUTE = 1
WRITE_FILE = 1 << 1
READ_FILE = 1 << 2
READ_DIR = 1 << 3
TRUNCATE = 1 << 14
IOCTL_DEV = 1 << 15
RIGHTS = {
    "read": EXECUTE | READ_FILE | READ_DIR,
    "list": READ_DIR,
    "device": READ_FILE | WRITE_FILE | IOCTL_DEV,
}
ON_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
# All rights that the kernel knows, by its Landlock ABI. What is not handled is not restricted.
HANDLED = {
    1: (1 << 13) - 1,
    2: (1 << 14) - 1,
    3: (1 << 15) - 1,
    4: (1 << 15) - 1,
    5: (1 << 16) - 1,
}

libc = ctypes.CDLL(None, use_errno=True)


def _check(name: str, result: int) -> int:
    """Returns the result of a call; raises OSError with its name when it is negative."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return result


def _prctl(name: str, *arguments: "int | ctypes.c_void_p") -> int:
    words = [ctypes.c_ulong(part) if isinstance(part, int) else part for part in arguments]
    # Some operations fail unless the arguments that they do not use are 0.
    words += [ctypes.c_ulong(0)] * (5 - len(words))
    return _check(name, libc.prctl(*words))


def find_landlock_abi() -> int:
    """Returns the kernel's Landlock ABI, 0 when it has none or has it switched off."""
    version_flag = ctypes.c_uint32(1)
    return max(0, int(libc.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), version_flag)))


def die_with_parent(parent: int) -> None:
    """Asks the kernel to kill this process when its parent dies."""
    _prctl("PR_SET_PDEATHSIG", PR_SET_PDEATHSIG, signal.SIGKILL)
    # The parent may have died before this call, and then no signal will come.
    if os.getppid() != parent:
        os._exit(1)


def wake_with_parent() -> None:
    """Asks the kernel to continue this process, if it is stopped, when its parent dies."""
    _prctl("PR_SET_PDEATHSIG", PR_SET_PDEATHSIG, signal.SIGCONT)


def adopt_orphans() -> None:
    """Makes every orphan below this process its child, also one that has left its session."""
    _prctl("PR_SET_CHILD_SUBREAPER", PR_SET_CHILD_SUBREAPER, 1)


def allow_own_proc() -> None:
    """Makes /proc/self readable again, which the kernel withholds after a change of user.

    CUDA and profilers read it.
    """
    _prctl("PR_SET_DUMPABLE", PR_SET_DUMPABLE, 1)


def switch_user(user: int, keep_search: bool) -> None:
    """Becomes another user and gives up every capability.

    Args:
        user: the new uid and gid.
        keep_search: keeps CAP_DAC_READ_SEARCH, for an interpreter below a folder that only root may
            enter. `restrict_paths` has to follow, so that Landlock still bounds what can be read.
    """
    # Out of the bounding set too, or a set-user-id program could bring a capability back.
    for capability in range(MAX_CAPABILITY):
        is_kept = keep_search and capability == CAP_DAC_READ_SEARCH
        if not is_kept:
            # Unchecked, because it fails past the last capability that this kernel knows.
            libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    if keep_search:
        _prctl("PR_SET_KEEPCAPS", PR_SET_KEEPCAPS, 1)
    # Groups first: without root's uid they can no longer be changed.
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    if keep_search:
        mask = 1 << CAP_DAC_READ_SEARCH
        header = struct.pack("=Ii", CAPABILITY_VERSION_3, 0)
        data = struct.pack("=6I", mask, mask, mask, 0, 0, 0)
        _check("capset", libc.capset(ctypes.c_char_p(header), ctypes.c_char_p(data)))
        # Ambient, so that programs that the candidate starts have it as well.
        _prctl("PR_CAP_AMBIENT", PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_READ_SEARCH)


def restrict_paths(rules: "list[list[str]]") -> int:
    """Restricts this process, and all that it starts, to these paths. It cannot be undone.

    Args:
        rules: `[kind, path]` pairs; a kind is a key of RIGHTS, or `write` for every right. A path
            that does not exist is left out.

    Returns:
        The Landlock ABI of the kernel.

    Raises:
        OSError: the kernel has no Landlock, or refused.
    """
    version = find_landlock_abi()
    if not version:
        raise OSError("this kernel has no Landlock")
    handled = HANDLED[min(version, 5)]
    ruleset = _create_ruleset(version, handled)
    for kind, path in rules:
        _allow(ruleset, RIGHTS.get(kind, handled) & handled, path)
    # Without it the kernel lets no unprivileged process restrict itself. It also makes
    # set-user-id programs run as their caller.
    _prctl("PR_SET_NO_NEW_PRIVS", PR_SET_NO_NEW_PRIVS, 1)
    _check("landlock_restrict_self", libc.syscall(RESTRICT_SELF, ruleset, ctypes.c_uint32(0)))
    os.close(ruleset)
    return version


def _create_ruleset(version: int, handled: int) -> int:
    # ABI 4 adds TCP bind and connect; ABI 6 the scope of signals and of abstract unix sockets.
    network = 3 if version >= 4 else 0
    scopes = 3 if version >= 6 else 0
    attributes = struct.pack("=QQQ", handled, network, scopes)
    # An older kernel refuses the fields that it does not know.
    size = len(attributes)
    if version < 4:
        size = 8
    elif version < 6:
        size = 16
    ruleset: int = libc.syscall(
        CREATE_RULESET, ctypes.c_char_p(attributes), ctypes.c_size_t(size), ctypes.c_uint32(0)
    )
    return _check("landlock_create_ruleset", ruleset)


def _allow(ruleset: int, rights: int, path: str) -> None:
    """Adds a rule for a path and everything below it."""
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    # The kernel refuses a rule that gives a file the rights of a folder.
    if not os.stat(fd).st_mode & DIRECTORY_MODE:
        rights &= ON_FILES
    if rights:
        path_beneath = ctypes.c_int(1)
        rule = ctypes.c_char_p(struct.pack("=Qi", rights, fd))
        result = libc.syscall(ADD_RULE, ruleset, path_beneath, rule, ctypes.c_uint32(0))
        _check(f"landlock_add_rule {path}", result)
    os.close(fd)


def install_filter(program: bytes) -> None:
    """Installs a seccomp filter, an array of `struct sock_filter`. It cannot be removed."""
    memory = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("@HP", len(program) // 8, ctypes.addressof(memory))
    # The kernel wants it before an unprivileged process may filter its calls.
    _prctl("PR_SET_NO_NEW_PRIVS", PR_SET_NO_NEW_PRIVS, 1)
    pointer = ctypes.cast(ctypes.c_char_p(header), ctypes.c_void_p)
    _prctl("PR_SET_SECCOMP", PR_SET_SECCOMP, SECCOMP_MODE_FILTER, pointer)
