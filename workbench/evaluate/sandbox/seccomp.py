"""The system calls a candidate is denied, as a classic-BPF program; the same bytes serve bubblewrap and `prctl`.

What Landlock and namespaces leave open: sockets, tracing, namespaces and mounts, other processes' limits, clocks, the keyring,
System V memory, what says which pages of a file lie in the page cache, and the calls with the worst record as kernel attack
surface. A denied call answers EPERM, so that honest libraries fall back. `socketpair` stays: multiprocessing and asyncio need it.
"""

import platform
import struct

from workbench.errors import SandboxUnavailable

# name: (x86_64, aarch64); None where the architecture has no such call
DENIED: dict[str, tuple[int | None, int | None]] = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "pidfd_getfd": (438, 438),
    "kcmp": (312, 272), "process_madvise": (440, 440), "process_mrelease": (448, 448),
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432),
    "fspick": (433, 433), "mount_setattr": (442, 442), "open_by_handle_at": (304, 265), "name_to_handle_at": (303, 264),
    "fanotify_init": (300, 262), "quotactl": (179, 60), "quotactl_fd": (443, 443), "acct": (163, 89),
    "swapon": (167, 224), "swapoff": (168, 225), "sethostname": (170, 161), "setdomainname": (171, 162), "vhangup": (153, 58),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    "clock_settime": (227, 112), "clock_adjtime": (305, 266), "adjtimex": (159, 171), "settimeofday": (164, 170),
    "setpriority": (141, 140), "ioprio_set": (251, 30), "syslog": (103, 116), "reboot": (169, 142),
    "kexec_load": (246, 104), "kexec_file_load": (320, 294),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
    "iopl": (172, None), "ioperm": (173, None), "modify_ldt": (154, None),
    "shmget": (29, 194), "shmat": (30, 196), "shmctl": (31, 195), "shmdt": (67, 197),
    "semget": (64, 190), "semctl": (66, 191), "semop": (65, 193), "semtimedop": (220, 192),
    "msgget": (68, 186), "msgsnd": (69, 189), "msgrcv": (70, 188), "msgctl": (71, 187),
    "mq_open": (240, 180), "mq_unlink": (241, 181),
}  # fmt: skip
# Landlock does not keep who connects to a local socket inside. A network namespace and an own file system do: there local sockets are
# allowed, through which DataLoader's workers hand over tensors, and processes of a forkserver are started.
SOCKETS: dict[str, tuple[int, int]] = {
    "socket": (41, 198), "connect": (42, 203), "bind": (49, 200), "listen": (50, 201), "accept": (43, 202), "accept4": (288, 242),
}  # fmt: skip
# Only on the caller itself, whom these calls name by 0.
OWN_ONLY: dict[str, tuple[int, int]] = {
    "prlimit64": (302, 261), "sched_setaffinity": (203, 122), "sched_setscheduler": (144, 119), "sched_setparam": (142, 118),
    "sched_setattr": (314, 274), "migrate_pages": (256, 238), "move_pages": (279, 239),
}  # fmt: skip
# Where neither Landlock (before ABI 6) nor another user keeps signals inside.
SIGNALS: dict[str, tuple[int, int]] = {
    "kill": (62, 129), "tkill": (200, 130), "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240),
    "pidfd_send_signal": (424, 424),
}  # fmt: skip
# Modes, owners, times and attributes of files, which Landlock does not guard: a candidate that is our own user could take our
# files away from us, also those that it may only read. They seem to succeed: honest libraries copy modes and touch files.
WITHOUT_EFFECT: dict[str, tuple[int, int]] = {
    "chmod": (90, 53), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452), "chown": (92, 54), "fchown": (93, 55),
    "lchown": (94, 54), "fchownat": (260, 54), "utime": (132, 88), "utimes": (235, 88), "futimesat": (261, 88), "utimensat": (280, 88),
    "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7), "removexattr": (197, 14), "lremovexattr": (198, 15),
    "fremovexattr": (199, 16), "setxattrat": (463, 463), "removexattrat": (466, 466), "file_setattr": (469, 469),
}  # fmt: skip
# The page cache outlives a sandbox: which pages of a file that all may read lie in it is a memory that one could write and another
# read. Advice about it seems to succeed, as advice may; who asks about it learns that this kernel has no such call.
PAGE_ADVICE: dict[str, tuple[int, int]] = {"fadvise64": (221, 223)}
PAGE_QUERIES: dict[str, tuple[int, int]] = {"mincore": (27, 232), "cachestat": (451, 451)}
PREADV2, RWF_NOWAIT = (327, 286), 8  # that flag reads only what lies there
CLONE, CLONE3 = (56, 220), 435
AF_UNIX = 1
SIGACTION, SIGCHLD = (13, 134), 17
NAMESPACES = 0x7E020080  # mount, cgroup, uts, ipc, user, pid, net; and time
AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
X32_BIT = 0x40000000

LOAD, JUMP_EQ, JUMP_GE, JUMP_ANY, RETURN = (
    0x20,
    0x15,
    0x35,
    0x45,
    0x06,
)  # BPF_LD|W|ABS, JMP|JEQ|K, JMP|JGE|K, JMP|JSET|K, RET|K
NUMBER, ARCH, ARGUMENT_LOW = (
    0,
    4,
    16,
)  # offsets in struct seccomp_data; both architectures are little-endian
SECOND_LOW, SECOND_HIGH, SIXTH_LOW = 24, 28, 56
ALLOW, NOTHING = 0x7FFF0000, 0x00050000
EPERM, ENOSYS, EOPNOTSUPP = NOTHING | 1, NOTHING | 38, NOTHING | 95
Code = list[tuple[int, int, int, int]]


def program(
    signals: bool = True, machine: str = "", metadata: bool = True, sockets: bool = False
) -> bytes:
    """The filter for this machine, as an array of `struct sock_filter`.

    Args:
        signals: false denies every way to signal another process. metadata: false leaves modes, owners and times as they are.
        sockets: allows local ones.

    Raises:
        SandboxUnavailable: the architecture is not one of those above.
    """
    machine, column = _column(machine)
    denied = [numbers[column] for numbers in DENIED.values()]
    denied += [] if signals else [numbers[column] for numbers in SIGNALS.values()]
    denied += [] if sockets else [numbers[column] for numbers in SOCKETS.values()]
    code: Code = [
        (LOAD, 0, 0, ARCH), (JUMP_EQ, 1, 0, AUDIT_ARCH[machine]), (RETURN, 0, 0, EPERM),
        (LOAD, 0, 0, NUMBER), (JUMP_GE, 0, 1, X32_BIT), (RETURN, 0, 0, EPERM),
        (JUMP_EQ, 0, 1, CLONE3), (RETURN, 0, 0, ENOSYS),  # its flags lie in memory, out of a filter's reach; libc falls back to clone
    ]  # fmt: skip
    for number in denied:
        if number is not None:
            code += [(JUMP_EQ, 0, 1, number), (RETURN, 0, 0, EPERM)]
    ignored = PAGE_ADVICE if metadata else {**WITHOUT_EFFECT, **PAGE_ADVICE}
    for number in dict.fromkeys(numbers[column] for numbers in ignored.values()):
        code += [(JUMP_EQ, 0, 1, number), (RETURN, 0, 0, NOTHING)]
    for numbers in PAGE_QUERIES.values():
        code += [(JUMP_EQ, 0, 1, numbers[column]), (RETURN, 0, 0, ENOSYS)]
    code += [
        (JUMP_EQ, 0, 4, PREADV2[column]),
        (LOAD, 0, 0, SIXTH_LOW), (JUMP_ANY, 0, 1, RWF_NOWAIT), (RETURN, 0, 0, EOPNOTSUPP), (RETURN, 0, 0, ALLOW),
        (JUMP_EQ, 0, 4, CLONE[column]),
        (LOAD, 0, 0, ARGUMENT_LOW), (JUMP_ANY, 0, 1, NAMESPACES), (RETURN, 0, 0, EPERM), (RETURN, 0, 0, ALLOW),
    ]  # fmt: skip
    for numbers, first in [
        (SOCKETS["socket"], AF_UNIX),
        *((numbers, 0) for numbers in OWN_ONLY.values()),
    ]:
        code += [
            (JUMP_EQ, 0, 4, numbers[column]),
            (LOAD, 0, 0, ARGUMENT_LOW), (JUMP_EQ, 0, 1, first), (RETURN, 0, 0, ALLOW), (RETURN, 0, 0, EPERM),
        ]  # fmt: skip
    code.append((RETURN, 0, 0, ALLOW))
    return _packed(code)


def keeps_children(machine: str = "") -> bytes:
    """A filter beside `program`: nobody changes what SIGCHLD does, which is its default at the start.

    A process that ignores it, or says SA_NOCLDWAIT, has its children reaped by the kernel, which then adds their CPU time to nobody's.
    A change seems to succeed, for those who only want to hear of it sooner (torch's DataLoader with workers, which looks every few
    seconds too). Who has no other way to hear of it waits for ever (`wait` of dash, children of node), so this is only for where no
    control group counts. A filter cannot tell a handler from SIG_IGN, which lies in memory.

    Raises:
        SandboxUnavailable: as of `program`.
    """
    machine, column = _column(machine)
    return _packed([
        (LOAD, 0, 0, ARCH), (JUMP_EQ, 1, 0, AUDIT_ARCH[machine]), (RETURN, 0, 0, EPERM),
        (LOAD, 0, 0, NUMBER), (JUMP_EQ, 1, 0, SIGACTION[column]), (RETURN, 0, 0, ALLOW),
        (LOAD, 0, 0, ARGUMENT_LOW), (JUMP_EQ, 1, 0, SIGCHLD), (RETURN, 0, 0, ALLOW),
        (LOAD, 0, 0, SECOND_LOW), (JUMP_EQ, 0, 2, 0), (LOAD, 0, 0, SECOND_HIGH), (JUMP_EQ, 1, 0, 0),  # NULL only asks
        (RETURN, 0, 0, NOTHING), (RETURN, 0, 0, ALLOW),
    ])  # fmt: skip


def _column(machine: str) -> tuple[str, int]:
    machine = machine or platform.machine()
    if machine not in AUDIT_ARCH:
        raise SandboxUnavailable(
            f"no list of system calls for {machine}; only {', '.join(AUDIT_ARCH)} are known, else use --sandbox off"
        )
    return machine, list(AUDIT_ARCH).index(machine)


def _packed(code: Code) -> bytes:
    return b"".join(struct.pack("=HBBI", *line) for line in code)
