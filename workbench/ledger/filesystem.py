"""What kind of file system a study lies on.

SQLite's write-ahead log needs memory that processes share. No network file system offers that.
"""

from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")
NETWORK_TYPES = {
    "9p", "afs", "beegfs", "ceph", "cifs", "coda", "drvfs", "gfs2", "glusterfs", "gpfs", "lustre",
    "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs", "panfs", "prl_fs", "pvfs2", "smb3", "smbfs",
    "vboxsf", "virtiofs", "vmhgfs", "wekafs",
}  # fmt: skip


def find_network_type(path: Path) -> str:
    """Returns the type of the network file system below a path, such as `nfs4`; empty if local.

    A file system in user space, such as `fuse.sshfs`, counts as one: no one can tell from outside
    whether it shares memory.
    """
    kind = find_type(path)
    is_in_user_space = kind == "fuse" or kind.startswith("fuse.")
    return kind if kind in NETWORK_TYPES or is_in_user_space else ""


def find_type(path: Path) -> str:
    """Returns the type of the file system below a path; empty if the kernel does not say."""
    try:
        lines = MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return ""
    path = path.resolve()
    kind = ""
    depth = -1
    for line in lines:
        mount, _, source = line.partition(" - ")
        mount_point = Path(_unescape(mount.split()[4]))
        # The deepest mount holds the path. Of two at one place, the later one is on top.
        if len(mount_point.parts) >= depth and path.is_relative_to(mount_point):
            kind = source.split()[0]
            depth = len(mount_point.parts)
    return kind


def _unescape(text: str) -> str:
    """Decodes a path; the kernel writes blanks and backslashes as three octal digits."""
    first, *escaped = text.split("\\")
    return first + "".join(chr(int(part[:3], 8)) + part[3:] for part in escaped)
