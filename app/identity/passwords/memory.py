"""Heap trimming: returns the memory of password hashing to the operating system when no hashing is going on."""

import asyncio
import ctypes

IDLE_SECONDS = 2.0
# Options of mallopt(3) and their values.
M_ARENA_MAX, ARENAS = -8, 1
M_MMAP_THRESHOLD, MMAP_THRESHOLD_BYTES = -3, 32 << 20
M_TRIM_THRESHOLD, TRIM_THRESHOLD_BYTES = -1, 512 << 20


class HeapTrimmer:
    """Controls the memory that the C library keeps after hashing: 19 MiB per thread with the default parameters.

    The memory is kept under load, since allocating fresh pages for every password makes hashing a third slower. It is
    returned `IDLE_SECONDS` after the last hash. Does nothing where the C library is not glibc.
    """

    def __init__(self) -> None:
        """Configure malloc for the whole process; call it before any thread is started."""
        library = ctypes.CDLL(None)
        self._trim = getattr(library, "malloc_trim", None)
        self._timer: asyncio.TimerHandle | None = None
        if self._trim is not None:
            # malloc_trim returns memory of the first arena only, so there must be one arena. The thresholds keep free
            # from returning the memory after every single password.
            for option, value in (
                (M_ARENA_MAX, ARENAS),
                (M_MMAP_THRESHOLD, MMAP_THRESHOLD_BYTES),
                (M_TRIM_THRESHOLD, TRIM_THRESHOLD_BYTES),
            ):
                library.mallopt(option, value)

    def cancel_trim(self) -> None:
        """Call it before a password is hashed."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def schedule_trim(self) -> None:
        """Call it on the event loop when no password is being hashed or waits for it."""
        self.cancel_trim()
        if self._trim is not None:
            self._timer = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._trim, 0)
