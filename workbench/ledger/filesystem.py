"""What kind of file system a study lies on: SQLite's write-ahead log shares memory between processes, which no network file system does."""

from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")
NETWORK = {
    "9p", "afs", "beegfs", "ceph", "cifs", "coda", "drvfs", "gfs2", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2",
    "orangefs", "panfs", "prl_fs", "pvfs2", "smb3", "smbfs", "vboxsf", "virtiofs", "vmhgfs", "wekafs",
}  # fmt: skip


def network_type(path: Path) -> str:
    """The type of the network file system that a path lies on (`nfs4`, `fuse.sshfs`), empty for a local one.

    A file system in user space counts as one: which of them share memory cannot be told from outside.
    """
    kind = _type_at(path.resolve())
    return kind if kind in NETWORK or kind.startswith("fuse.") or kind == "fuse" else ""


def _type_at(path: Path) -> str:
    """The type of the mount that a path lies on; empty where the kernel does not tell."""
    try:
        lines = MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return ""
    found, depth = "", -1
    for line in lines:
        fields, _, source = line.partition(" - ")
        folder = Path(_plain(fields.split()[4]))
        # Of two mounts at one place, the later one is on top.
        if len(folder.parts) >= depth and path.is_relative_to(folder):
            found, depth = source.split()[0], len(folder.parts)
    return found


def _plain(text: str) -> str:
    """A path as it is; the kernel writes blanks and backslashes as three octal digits."""
    first, *rest = text.split("\\")
    return first + "".join(chr(int(part[:3], 8)) + part[3:] for part in rest)
