"""Gives the memory of hashing back to the system when nobody logs in."""

import asyncio
import ctypes

QUIET_SECONDS = 2.0
# Of mallopt(3): what it sets, and to what.
ARENA_MAX, ONE_ARENA = -8, 1
MMAP_THRESHOLD, LARGEST = -3, 32 << 20
TRIM_THRESHOLD, PLENTY = -1, 512 << 20


class Memory:
    """What the C library keeps of what was hashed with: 19 MiB a thread with the usual parameters.

    Kept under load, as fresh pages for every password make it a third more expensive; given back when the last one
    is `QUIET_SECONDS` old. Does nothing where the C library is not GNU's.
    """

    def __init__(self) -> None:
        """Set up the C library for the whole process; to be done before there are threads."""
        library = ctypes.CDLL(None)
        self._trim = getattr(library, "malloc_trim", None)
        self._timer: asyncio.TimerHandle | None = None
        if self._trim is not None:
            # Only what is free in the first arena can be given back; there it would be after every single password.
            for option, value in ((ARENA_MAX, ONE_ARENA), (MMAP_THRESHOLD, LARGEST), (TRIM_THRESHOLD, PLENTY)):
                library.mallopt(option, value)

    def keep(self) -> None:
        """A password is about to be hashed."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def release_soon(self) -> None:
        """No password is being hashed or waits for it; call it on the event loop."""
        self.keep()
        if self._trim is not None:
            self._timer = asyncio.get_running_loop().call_later(QUIET_SECONDS, self._trim, 0)
