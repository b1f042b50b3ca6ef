"""Listeners: where clients connect, until the service ends."""

import ctypes
import socket
import struct
import sys
from typing import Any

_RETURN = 0x06  # BPF_RET | BPF_K, see linux/bpf_common.h
_SO_ATTACH_FILTER = 26  # of asm-generic/socket.h; the socket module has no name for it


def take_no_more(listener: Any) -> None:
    """Have the kernel drop whoever wants to connect from now on, where that is Linux's.

    The kernel makes connections by itself. One that was made, and not accepted before the listener
    is closed, is reset, and the client cannot know what became of its request. One that is dropped
    is tried again by the client's kernel after a second, and refused.
    """
    if sys.platform != "linux":
        return
    nothing_of_it = struct.pack("HBBI", _RETURN, 0, 0, 0)
    program = ctypes.create_string_buffer(nothing_of_it)
    one_instruction = struct.pack("HL", 1, ctypes.addressof(program))
    listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, one_instruction)
