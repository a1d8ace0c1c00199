"""Takes the network away from this process and all that it starts, by a seccomp filter that it puts on itself.

A pod under the Pod Security Standard ``restricted`` can't make a network namespace without a network, and not every
cluster enforces NetworkPolicies.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from typing import NamedTuple

_PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _FILTER = 4, 38, 22, 2
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _KILL, _REFUSE = 0x7FFF0000, 0x80000000, 0x00050000 | errno.EACCES
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_AF_UNIX = 1
_X32 = 0x40000000


class _Machine(NamedTuple):
    architecture: int
    socket: int
    io_uring_setup: int = 425


_MACHINES = {"x86_64": _Machine(0xC000003E, 41), "aarch64": _Machine(0xC00000B7, 198)}


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def leave_the_network() -> None:
    """From now on only Unix sockets can be made, and no other process of the user may look into this one.

    Raises OSError if the kernel refuses it.
    """
    machine = _MACHINES.get(platform.machine())
    if machine is None:
        raise OSError(errno.ENOSYS, f"no filter is known for {platform.machine()}")
    program = b"".join(
        struct.pack("HBBI", *line)
        for line in (
            (_LOAD, 0, 0, _ARCHITECTURE),
            (_EQUAL, 1, 0, machine.architecture),
            (_RETURN, 0, 0, _KILL),  # another architecture's numbers mean other calls
            (_LOAD, 0, 0, _NUMBER),
            (_AT_LEAST, 5, 0, _X32),
            (_EQUAL, 4, 0, machine.io_uring_setup),
            (_EQUAL, 0, 2, machine.socket),
            (_LOAD, 0, 0, _FIRST_ARGUMENT),
            (_EQUAL, 0, 1, _AF_UNIX),
            (_RETURN, 0, 0, _ALLOW),
            (_RETURN, 0, 0, _REFUSE),
        )
    )
    library = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(program, len(program))
    filter_ = _Program(len(program) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    for arguments in (
        (_PR_SET_DUMPABLE, 0, 0, 0, 0),
        (_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
        (_PR_SET_SECCOMP, _FILTER, ctypes.byref(filter_), 0, 0),
    ):
        if library.prctl(*arguments):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
