"""Test that the memory of password hashing is returned to the operating system."""

import subprocess
import sys

# In a process of its own: trimming would also return memory that earlier tests allocated.
HASHING = """
import asyncio
from pathlib import Path
from app.identity.passwords import memory
from app.identity.passwords.hashing import PasswordHasher

memory.IDLE_SECONDS = 0.2

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4 // 1024

async def main():
    hasher = PasswordHasher(memory_kib=16 * 1024, iterations=1, parallel=2)
    await hasher.warm_up()
    await asyncio.gather(*(hasher.hash("a quiet green bicycle") for _ in range(4)))
    busy = resident()
    while hasher._heap_trimmer._trim is not None and resident() > busy - 25:
        await asyncio.sleep(0.05)
    hasher.close()

asyncio.run(asyncio.wait_for(main(), 60))
"""


def test_two_threads_give_their_memory_back_when_nobody_logs_in() -> None:
    done = subprocess.run([sys.executable, "-c", HASHING], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
