"""The compiled part of this plugin: C, for float32 on CPUs, built at installation where a compiler is found."""

from __future__ import annotations

import ctypes
import functools
import sysconfig
from pathlib import Path

import torch
from torch import Tensor

from bridgetune.errors import WorkError

HERE = Path(__file__).parent
LIBRARY = HERE / f"_native{sysconfig.get_config_var('SHLIB_SUFFIX') or '.so'}"
LEFT_OUT = HERE / "_native.left_out.txt"
"""Why no library was built, in a line; written where the plugin is installed."""

ABI = 4


def problem() -> str:
    """Why the library cannot be used here, in a line; empty where it can."""
    try:
        library()
    except OSError as error:
        return str(error)
    return ""


@functools.cache
def library() -> ctypes.CDLL:
    """The library. Its functions take pointers, and the number of threads last.

    Raises:
        OSError: It is not there, does not load, or belongs to another version of this plugin.
    """
    if not LIBRARY.is_file():
        raise OSError(LEFT_OUT.read_text("utf-8").strip() if LEFT_OUT.is_file() else "this installation has no library")
    loaded = ctypes.CDLL(str(LIBRARY))
    if loaded.bridgetune_abi() != ABI:
        raise OSError(f"{LIBRARY.name} belongs to another version of this plugin; install the plugin again")
    return loaded


def call(function: str, *arguments: ctypes.Structure | Tensor | None) -> None:
    """Call a function of the library with as many threads as torch has.

    Args:
        function: Its name, without the prefix.
        arguments: Structures, contiguous float32 tensors on the CPU, or None for a null pointer.

    Raises:
        WorkError: It ran out of memory.
    """
    failed = getattr(library(), f"bridgetune_{function}")(
        *(ctypes.byref(x) if isinstance(x, ctypes.Structure) else pointer(x) for x in arguments),
        ctypes.c_int32(torch.get_num_threads()),
    )
    if failed:
        raise WorkError(f"out of memory in the native {function.replace('_', ' ')}; give it smaller images or batches")


def pointer(tensor: Tensor | None) -> ctypes.c_void_p:
    """Where a tensor's values begin; null for None.

    Raises:
        TypeError: They are not float32 on the CPU, and would be taken for what they are not.
    """
    if tensor is None:
        return ctypes.c_void_p(None)
    if tensor.dtype is not torch.float32 or not tensor.is_cpu:
        raise TypeError(f"native layers: got {tensor.dtype} on {tensor.device}, expected float32 on the CPU")
    return ctypes.c_void_p(tensor.data_ptr())
