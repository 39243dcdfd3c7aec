"""Gives the memory of hashing back to the system when nobody logs in."""

import asyncio
import ctypes

IDLE_SECONDS = 2.0
# Of mallopt(3): what it sets, and to what.
M_ARENA_MAX, ARENAS = -8, 1
M_MMAP_THRESHOLD, MMAP_THRESHOLD_BYTES = -3, 32 << 20
M_TRIM_THRESHOLD, TRIM_THRESHOLD_BYTES = -1, 512 << 20


class HeapTrimmer:
    """What the C library keeps of what was hashed with: 19 MiB a thread with the usual parameters.

    Kept under load, as fresh pages for every password make it a third more expensive; given back when the last one
    is `IDLE_SECONDS` old. Does nothing where the C library is not GNU's.
    """

    def __init__(self) -> None:
        """Set up the C library for the whole process; to be done before there are threads."""
        library = ctypes.CDLL(None)
        self._trim = getattr(library, "malloc_trim", None)
        self._timer: asyncio.TimerHandle | None = None
        if self._trim is not None:
            # Only what is free in the first arena can be given back; there it would be after every single password.
            for option, value in (
                (M_ARENA_MAX, ARENAS),
                (M_MMAP_THRESHOLD, MMAP_THRESHOLD_BYTES),
                (M_TRIM_THRESHOLD, TRIM_THRESHOLD_BYTES),
            ):
                library.mallopt(option, value)

    def cancel_trim(self) -> None:
        """A password is about to be hashed."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def schedule_trim(self) -> None:
        """No password is being hashed or waits for it; call it on the event loop."""
        self.cancel_trim()
        if self._trim is not None:
            self._timer = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._trim, 0)
