"""`saxpy`, computed by whatever this wheel was built for."""

import ctypes
from collections.abc import Sequence
from pathlib import Path

_library = ctypes.CDLL(str(Path(__file__).with_name("libsaxpy.so")))
_library.backend.restype = ctypes.c_char_p
_library.saxpy.restype = ctypes.c_char_p
_library.saxpy.argtypes = [ctypes.c_int, ctypes.c_float, ctypes.c_void_p, ctypes.c_void_p]


def backend() -> str:
    name: bytes = _library.backend()
    return name.decode()


def saxpy(factor: float, x: Sequence[float], y: Sequence[float]) -> list[float]:
    """Gives `factor * x + y`.

    Raises:
        RuntimeError: the device cannot compute; the message is its runtime's name of the error.
    """
    numbers = ctypes.c_float * len(y)
    result = numbers(*y)
    flaw: bytes | None = _library.saxpy(len(y), factor, numbers(*x), result)
    if flaw is not None:
        raise RuntimeError(flaw.decode())
    return list(result)
