"""What a child process does between fork and exec: die with its parent, and stop being root.

Linux only where it needs the kernel's help; elsewhere the supervisor's own clean-up has to do.
"""

import ctypes
import os
import pwd
import signal
import sys
from dataclasses import dataclass

_PR_SET_PDEATHSIG = 1
_PR_SET_KEEPCAPS = 8
_PR_SET_SECUREBITS = 28
_SECBIT_NO_SETUID_FIXUP = 1 << 2
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAP_DAC_OVERRIDE = 1
_CAPABILITY_VERSION_3 = 0x20080522

# Loaded at import: between fork and exec nothing should have to look for a library.
_libc = ctypes.CDLL(None, use_errno=True)


class _CapabilityHeader(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _CapabilityWords(ctypes.Structure):
    _fields_ = [("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32)]


@dataclass(frozen=True)
class Account:
    """The unprivileged user a process runs as."""

    name: str
    uid: int
    gid: int

    @classmethod
    def of(cls, name: str) -> "Account":
        """Look up the account called `name`; raises KeyError when this machine has none."""
        entry = pwd.getpwnam(name)
        return cls(name, entry.pw_uid, entry.pw_gid)


def die_with_parent(how: signal.Signals, parent: int | None = None) -> None:
    """Ask the kernel to send `how` to this process when its parent dies, even by SIGKILL.

    `parent` is its number, for a process that may have lost it before it got here.
    """
    if sys.platform != "linux":
        return
    parent = parent or os.getppid()
    _libc.prctl(_PR_SET_PDEATHSIG, int(how), 0, 0, 0)
    if os.getppid() != parent:  # it died before we asked
        os.kill(os.getpid(), how)


def become(account: Account) -> None:
    """Give up root for `account`, keeping only the right to pass through private folders.

    PostgreSQL refuses to run as root, yet a checkout often lies in a folder closed to others
    (root's home, one made by mktemp). Widening the permissions of folders that are not ours would
    be worse than leaving this one process the right to pass. Where the kernel does not grant it,
    the process is simply unprivileged.
    """
    if sys.platform == "linux":
        _libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
        # Or else access(2), with which PostgreSQL looks for its parts, ignores the right we keep.
        _libc.prctl(_PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
    os.setgroups([])
    os.setgid(account.gid)
    os.setuid(account.uid)
    if sys.platform == "linux":
        _keep_passage()


def _keep_passage() -> None:
    bit = 1 << _CAP_DAC_OVERRIDE
    words = (_CapabilityWords * 2)(_CapabilityWords(bit, bit, bit), _CapabilityWords(0, 0, 0))
    header = _CapabilityHeader(_CAPABILITY_VERSION_3, 0)
    if _libc.capset(ctypes.byref(header), words) == 0:
        _libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE, 0, 0)
        return
    # Not granted: hold no capability at all rather than whatever root left us.
    nothing = (_CapabilityWords * 2)()
    _libc.capset(ctypes.byref(header), nothing)
