"""The system calls that a candidate is denied, as a program in classic BPF.

The same bytes serve bubblewrap and `prctl`. They close what Landlock and namespaces leave open:

- sockets, tracing, namespaces and mounts
- limits of other processes, clocks, the keyring, System V memory
- questions about which pages of a file are in the page cache
- the calls with the worst record as an attack surface of the kernel

A denied call fails with EPERM, so that honest libraries fall back. `socketpair` is allowed, because
multiprocessing and asyncio need it.
"""

import platform
import struct

from workbench.errors import SandboxUnavailable

# Each table maps a call's name to its numbers on (x86_64, aarch64). None: the architecture has no
# such call.
DENIED: dict[str, tuple[int | None, int | None]] = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438), "kcmp": (312, 272), "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39),
    "pivot_root": (155, 41), "chroot": (161, 51), "open_tree": (428, 428),
    "move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431),
    "fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442),
    "open_by_handle_at": (304, 265), "name_to_handle_at": (303, 264),
    "fanotify_init": (300, 262), "quotactl": (179, 60), "quotactl_fd": (443, 443),
    "acct": (163, 89), "swapon": (167, 224), "swapoff": (168, 225), "sethostname": (170, 161),
    "setdomainname": (171, 162), "vhangup": (153, 58),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    "clock_settime": (227, 112), "clock_adjtime": (305, 266), "adjtimex": (159, 171),
    "settimeofday": (164, 170),
    "setpriority": (141, 140), "ioprio_set": (251, 30), "syslog": (103, 116), "reboot": (169, 142),
    "kexec_load": (246, 104), "kexec_file_load": (320, 294),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
    "iopl": (172, None), "ioperm": (173, None), "modify_ldt": (154, None),
    "shmget": (29, 194), "shmat": (30, 196), "shmctl": (31, 195), "shmdt": (67, 197),
    "semget": (64, 190), "semctl": (66, 191), "semop": (65, 193), "semtimedop": (220, 192),
    "msgget": (68, 186), "msgsnd": (69, 189), "msgrcv": (70, 188), "msgctl": (71, 187),
    "mq_open": (240, 180), "mq_unlink": (241, 181),
}  # fmt: skip
# Landlock does not keep a candidate from connecting to a local socket outside. A new network
# namespace and a new file system do. With those, local sockets are allowed: DataLoader's workers
# hand over tensors through them, and a forkserver starts processes through them.
SOCKETS: dict[str, tuple[int, int]] = {
    "socket": (41, 198), "connect": (42, 203), "bind": (49, 200), "listen": (50, 201),
    "accept": (43, 202), "accept4": (288, 242),
}  # fmt: skip
# Allowed only on the caller itself, which these calls name by 0.
OWN_ONLY: dict[str, tuple[int, int]] = {
    "prlimit64": (302, 261), "sched_setaffinity": (203, 122), "sched_setscheduler": (144, 119),
    "sched_setparam": (142, 118), "sched_setattr": (314, 274), "migrate_pages": (256, 238),
    "move_pages": (279, 239),
}  # fmt: skip
# Denied where neither Landlock (before ABI 6) nor another user keeps signals inside.
SIGNALS: dict[str, tuple[int, int]] = {
    "kill": (62, 129), "tkill": (200, 130), "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240), "pidfd_send_signal": (424, 424),
}  # fmt: skip
# Landlock does not guard modes, owners, times and attributes of files. A candidate that runs as our
# own user could take our files away from us by their mode, even files that it may only read. These
# calls seem to succeed, because honest libraries copy modes and touch files.
WITHOUT_EFFECT: dict[str, tuple[int, int]] = {
    "chmod": (90, 53), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452),
    "chown": (92, 54), "fchown": (93, 55), "lchown": (94, 54), "fchownat": (260, 54),
    "utime": (132, 88), "utimes": (235, 88), "futimesat": (261, 88), "utimensat": (280, 88),
    "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7), "removexattr": (197, 14),
    "lremovexattr": (198, 15), "fremovexattr": (199, 16), "setxattrat": (463, 463),
    "removexattrat": (466, 466), "file_setattr": (469, 469),
}  # fmt: skip
# The page cache outlives a sandbox. Which pages of a public file are in it is a memory that one
# candidate could write and a later one read. Advice about it seems to succeed, as advice may. A
# question about it fails as if the kernel did not have the call.
PAGE_ADVICE: dict[str, tuple[int, int]] = {"fadvise64": (221, 223)}
PAGE_QUERIES: dict[str, tuple[int, int]] = {"mincore": (27, 232), "cachestat": (451, 451)}
PREADV2 = (327, 286)
RWF_NOWAIT = 8  # this flag reads only what is in the page cache
CLONE = (56, 220)
CLONE3 = 435
AF_UNIX = 1
SIGACTION = (13, 134)
SIGCHLD = 17
NAMESPACES = 0x7E020080  # clone's flags for mount, cgroup, uts, ipc, user, pid, net and time
AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
X32_BIT = 0x40000000

# Instructions of classic BPF.
LOAD = 0x20  # BPF_LD | BPF_W | BPF_ABS
JUMP_EQ = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
JUMP_GE = 0x35  # BPF_JMP | BPF_JGE | BPF_K
JUMP_ANY = 0x45  # BPF_JMP | BPF_JSET | BPF_K
RETURN = 0x06  # BPF_RET | BPF_K

# Offsets in struct seccomp_data. Both architectures are little-endian.
NUMBER = 0
ARCH = 4
ARGUMENT_LOW = 16
SECOND_LOW = 24
SECOND_HIGH = 28
SIXTH_LOW = 56

# What a filter returns: SECCOMP_RET_ALLOW, or SECCOMP_RET_ERRNO with a number.
ALLOW = 0x7FFF0000
NOTHING = 0x00050000  # the call does nothing and returns 0
EPERM = NOTHING | 1
ENOSYS = NOTHING | 38
EOPNOTSUPP = NOTHING | 95

# An instruction is (code, jump if true, jump if false, operand). A jump counts the instructions
# that it skips.
Code = list[tuple[int, int, int, int]]


def make_filter(
    signals: bool = True, machine: str = "", metadata: bool = True, sockets: bool = False
) -> bytes:
    """Returns the filter for this machine, as an array of `struct sock_filter`.

    Args:
        signals: whether other processes can be signalled.
        machine: architecture, as `platform.machine` names it; empty for this machine's.
        metadata: whether modes, owners and times of files can be changed.
        sockets: whether local sockets are allowed.

    Raises:
        SandboxUnavailable: the architecture is not in the tables above.
    """
    machine, column = _find_column(machine)
    code: Code = [
        # Numbers mean other calls on another architecture, and in x86_64's table for x32.
        (LOAD, 0, 0, ARCH), (JUMP_EQ, 1, 0, AUDIT_ARCH[machine]), (RETURN, 0, 0, EPERM),
        (LOAD, 0, 0, NUMBER), (JUMP_GE, 0, 1, X32_BIT), (RETURN, 0, 0, EPERM),
        # Its flags are in memory, which a filter cannot read. libc falls back to clone.
        (JUMP_EQ, 0, 1, CLONE3), (RETURN, 0, 0, ENOSYS),
    ]  # fmt: skip
    denied = [*DENIED.values()]
    if not signals:
        denied += SIGNALS.values()
    if not sockets:
        denied += SOCKETS.values()
    for numbers in denied:
        number = numbers[column]
        if number is not None:
            code += [(JUMP_EQ, 0, 1, number), (RETURN, 0, 0, EPERM)]
    ignored = PAGE_ADVICE if metadata else {**WITHOUT_EFFECT, **PAGE_ADVICE}
    for number in dict.fromkeys(numbers[column] for numbers in ignored.values()):
        code += [(JUMP_EQ, 0, 1, number), (RETURN, 0, 0, NOTHING)]
    for numbers in PAGE_QUERIES.values():
        code += [(JUMP_EQ, 0, 1, numbers[column]), (RETURN, 0, 0, ENOSYS)]
    # What follows decides by an argument. It loads over the call's number, so each part has to
    # return, and is skipped whole for another call.
    code += [
        (JUMP_EQ, 0, 4, PREADV2[column]),
        (LOAD, 0, 0, SIXTH_LOW), (JUMP_ANY, 0, 1, RWF_NOWAIT), (RETURN, 0, 0, EOPNOTSUPP),
        (RETURN, 0, 0, ALLOW),
        (JUMP_EQ, 0, 4, CLONE[column]),
        (LOAD, 0, 0, ARGUMENT_LOW), (JUMP_ANY, 0, 1, NAMESPACES), (RETURN, 0, 0, EPERM),
        (RETURN, 0, 0, ALLOW),
    ]  # fmt: skip
    code += _allow_only(SOCKETS["socket"][column], AF_UNIX)
    for numbers in OWN_ONLY.values():
        code += _allow_only(numbers[column], 0)
    code.append((RETURN, 0, 0, ALLOW))
    return _pack(code)


def _allow_only(number: int, first: int) -> Code:
    """Allows a call only with this first argument."""
    return [
        (JUMP_EQ, 0, 4, number),
        (LOAD, 0, 0, ARGUMENT_LOW),
        (JUMP_EQ, 0, 1, first),
        (RETURN, 0, 0, ALLOW),
        (RETURN, 0, 0, EPERM),
    ]


def make_sigchld_filter(machine: str = "") -> bytes:
    """Returns a filter, to be used beside `make_filter`, that lets no process change SIGCHLD.

    A process that ignores SIGCHLD, or sets SA_NOCLDWAIT, has the kernel reap its children. The
    kernel then adds their CPU time to no process. SIGCHLD has its default at the start, and with
    this filter it keeps it.

    A change seems to succeed, for programs that only want to hear sooner that a child has ended,
    such as torch's DataLoader, which also looks every few seconds. A program that has no other way
    to hear of it waits forever, such as dash in `wait`, and node. So this is only for where no
    control group counts. A filter cannot tell a handler from SIG_IGN, because that is in memory.

    Raises:
        SandboxUnavailable: the architecture is not in the tables above.
    """
    machine, column = _find_column(machine)
    return _pack([
        (LOAD, 0, 0, ARCH), (JUMP_EQ, 1, 0, AUDIT_ARCH[machine]), (RETURN, 0, 0, EPERM),
        (LOAD, 0, 0, NUMBER), (JUMP_EQ, 1, 0, SIGACTION[column]), (RETURN, 0, 0, ALLOW),
        (LOAD, 0, 0, ARGUMENT_LOW), (JUMP_EQ, 1, 0, SIGCHLD), (RETURN, 0, 0, ALLOW),
        # With NULL for the new action a process only asks for the present one.
        (LOAD, 0, 0, SECOND_LOW), (JUMP_EQ, 0, 2, 0),
        (LOAD, 0, 0, SECOND_HIGH), (JUMP_EQ, 1, 0, 0),
        (RETURN, 0, 0, NOTHING), (RETURN, 0, 0, ALLOW),
    ])  # fmt: skip


def _find_column(machine: str) -> tuple[str, int]:
    """Returns the architecture, and its place in the tables' tuples."""
    machine = machine or platform.machine()
    if machine not in AUDIT_ARCH:
        architectures = " and ".join(AUDIT_ARCH)
        raise SandboxUnavailable(
            f"the sandbox has no list of system calls for {machine}, only for {architectures}; "
            "trust the code and say --sandbox off"
        )
    return machine, list(AUDIT_ARCH).index(machine)


def _pack(code: Code) -> bytes:
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)
