"""Store room: what kind of folder this is: on the network or not, the user's own or somebody else's, too."""

from __future__ import annotations

import os
import re
from pathlib import Path

_NETWORK = re.compile(r"^(nfs\d*|cifs|smb\d*|smbfs|afs|afpfs|lustre|gpfs|ceph|glusterfs|9p|beegfs|ncpfs|webdav|davfs2?|"
                      r"fuse\.(sshfs|s3fs|glusterfs|gcsfuse|rclone|juicefs|ceph.*|davfs2?))$")  # fmt: skip
_MOUNTS = Path("/proc/self/mounts")


def network_type(path: Path, mounts: Path = _MOUNTS) -> str | None:
    """Return the type of the network file system that ``path`` lies on, ``None`` for a local disk or where unknown.

    Only Linux says; elsewhere the answer is ``None``.
    """
    try:
        lines = mounts.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return None
    wanted = os.path.realpath(path)
    best, kind = "", ""
    for line in lines:
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), fields[1])
        inside = wanted == point or wanted.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, fields[2]
    return kind if _NETWORK.match(kind) else None


def private(path: Path) -> bool:
    """True where nobody but the user (and root) can put something into the folder or file ``path``.

    A folder that the user's own group may write to counts as private where the group has no other member, as is
    usual on Debian and Red Hat.
    """
    if not hasattr(os, "getuid"):
        return False
    try:
        status = path.stat()
    except OSError:
        return False
    if status.st_uid not in (os.getuid(), 0):
        return False
    if status.st_mode & 0o002:
        return False
    return not status.st_mode & 0o020 or _lonely_group(status.st_gid)


def _lonely_group(gid: int) -> bool:
    import grp
    import pwd

    try:
        me = pwd.getpwuid(os.getuid())
        group = grp.getgrgid(gid)
    except KeyError:
        return False
    return gid == me.pw_gid and group.gr_name == me.pw_name and set(group.gr_mem) <= {me.pw_name}
