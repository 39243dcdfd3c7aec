"""The supervisor of `patron serve --processes N`: starts the processes, replaces those that die, ends them all.

    event                            what the supervisor does
    start                            starts N processes, which accept from the same socket
    all of them are ready            prints `ready`, once
    one ends before that             ends the others and exits with its code: the start has failed
    one ends later                   starts another in its place, at most one a second
    SIGTERM or SIGINT                sends SIGTERM to all, kills what is left after `KILL_SECONDS`, exits with 0
    the supervisor itself is killed  the processes read the end of a pipe that it held open, and end

The processes are started anew, not forked: random generators, locks and connections are each one's own.
"""

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

import structlog

from app.platform.settings import Settings

# A process exits by itself nine seconds after SIGTERM (`shutdown.py`).
KILL_SECONDS = 9.5
RESTART_SECONDS = 1.0
LOOK_SECONDS = 1.0
READY = b"."
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Inherited:
    """What a process has from its supervisor, as numbers of open files.

    `ready`: to write to when it serves. `lifeline`: ends when the supervisor does. The first of the processes, `number`
    0, runs the worker where `serve` runs one.
    """

    number: int
    ready: int
    lifeline: int
    listener: int

    @classmethod
    def parse(cls, arguments: Sequence[str]) -> "Inherited":
        """From the arguments that `arguments` made."""
        return cls(*(int(argument) for argument in arguments))

    def arguments(self) -> list[str]:
        """As arguments of the command line."""
        return [str(number) for number in (self.number, self.ready, self.lifeline, self.listener)]

    def announce(self) -> None:
        """Report that this process serves."""
        os.write(self.ready, READY)
        os.close(self.ready)


@dataclass(slots=True)
class _Place:
    """One of the N places: its process, and the pipe on which that reports that it is ready."""

    number: int
    process: subprocess.Popen[bytes]
    ready: int | None
    started_at: float


class Supervisor:
    """Runs `size` processes until a signal ends it."""

    def __init__(self, settings: Settings, listener: socket.socket, *, size: int, endpoint: str) -> None:
        """Start nothing yet. `listener` is bound; `endpoint` is printed when all serve."""
        self._settings = settings
        self._listener = listener
        self._size = size
        self._endpoint = endpoint
        self._places: dict[int, _Place] = {}
        self._lifeline = -1
        self._announced = False
        self._ended_by_signal = False
        self._stopping_at: float | None = None
        self._code = 0

    def run(self) -> int:
        """The exit code, when all processes have ended."""
        self._lifeline, held_open = os.pipe()
        try:
            with self._signals() as wakeups:
                for number in range(self._size):
                    self._places[number] = self._start(number)
                while self._places:
                    self._wait(wakeups)
                    self._announce_when_ready()
                    self._stop_when_asked()
                    self._replace_ended()
        finally:
            for place in self._places.values():
                place.process.kill()
            os.close(held_open)
            os.close(self._lifeline)
        return self._code

    def _start(self, number: int) -> _Place:
        ready, to_write = os.pipe()
        inherited = Inherited(number, to_write, self._lifeline, self._listener.fileno())
        listening = {"PATRON_HOST": self._settings.host, "PATRON_PORT": str(self._settings.port)}
        process = subprocess.Popen(  # noqa: S603 - this program itself
            [sys.executable, "-m", "app.server.cli.child", *inherited.arguments()],
            env={**os.environ, **listening},
            pass_fds=(to_write, self._lifeline, self._listener.fileno()),
        )
        os.close(to_write)
        return _Place(number, process, ready, monotonic())

    def _wait(self, wakeups: socket.socket) -> None:
        """Until a signal arrives or a process reports, and not longer than a second."""
        reports = {place.ready: place for place in self._places.values() if place.ready is not None}
        readable, _, _ = select.select([wakeups.fileno(), *reports], [], [], LOOK_SECONDS)
        for found in readable:
            if found == wakeups.fileno():
                wakeups.recv(4096)
            # At its end the pipe is readable too, and empty: then `_replace_ended` finds the process.
            elif os.read(found, 1) == READY:
                os.close(found)
                reports[found].ready = None

    def _announce_when_ready(self) -> None:
        if not self._announced and all(place.ready is None for place in self._places.values()):
            self._announced = True
            print(f"ready {self._endpoint}", flush=True)  # noqa: T201 - read by the process that started this one

    def _stop_when_asked(self) -> None:
        if self._ended_by_signal and self._stopping_at is None:
            self._stop()
        if self._stopping_at is not None and monotonic() > self._stopping_at + KILL_SECONDS:
            for place in self._places.values():
                place.process.kill()

    def _stop(self) -> None:
        self._stopping_at = monotonic()
        for place in self._places.values():
            place.process.terminate()

    def _replace_ended(self) -> None:
        for place in list(self._places.values()):
            code = place.process.poll()
            if code is None:
                continue
            if self._stopping_at is None and not self._announced:
                self._code = code if code > 0 else 1
                self._stop()
            if self._stopping_at is not None:
                self._remove(place)
            elif monotonic() >= place.started_at + RESTART_SECONDS:
                log.error("process_replaced", process=place.process.pid, code=code)
                self._remove(place)
                self._places[place.number] = self._start(place.number)

    def _remove(self, place: _Place) -> None:
        del self._places[place.number]
        if place.ready is not None:
            os.close(place.ready)

    @contextmanager
    def _signals(self) -> Iterator[socket.socket]:
        """A socket that becomes readable with every signal: those that end, and the one of an ended process."""
        wakeups, written = socket.socketpair()
        for end_of_pair in (wakeups, written):
            end_of_pair.settimeout(0)

        def end(*_: object) -> None:
            self._ended_by_signal = True

        handlers = {signal.SIGTERM: end, signal.SIGINT: end, signal.SIGCHLD: lambda *_: None}
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        descriptor = signal.set_wakeup_fd(written.fileno(), warn_on_full_buffer=False)
        try:
            yield wakeups
        finally:
            signal.set_wakeup_fd(descriptor)
            for number, handler in before.items():
                signal.signal(number, handler)
            wakeups.close()
            written.close()
