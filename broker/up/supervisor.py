"""The loop of ``pesan up``: signals, processes, their lines and the clock around the policy.

Decides nothing: what happens is told to ``broker.up.policy``, and what that says is done.
"""

from __future__ import annotations

import os
import select
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from typing import Final

from broker.up.changes import told
from broker.up.child import Child
from broker.up.notices import Notices
from broker.up.policy import FOREVER, Policy, Say, Signal, Start
from broker.up.printer import READY, Lines
from broker.up.procfile import Job, shell_line
from config.loading import SettingsError
from config.log import ServerLog
from config.readiness import VARIABLE, WATCHDOG, WATCHDOG_PID, Pulse, notify, say_ready
from config.settings import Settings

COULD_NOT_FORK: Final = 1
"""Exit code that the policy hears when the system would not even start a process."""

EXIT_CODES: Final = {signal.SIGTERM: 143, signal.SIGINT: 0, signal.SIGHUP: 0}
"""What we end with when told to stop by a signal. SIGHUP does that only when a terminal is closed."""


class Supervisor:
    """Runs the policy's processes until it has an outcome. ``read_settings`` may raise ``SettingsError``."""

    def __init__(
        self,
        policy: Policy,
        settings: Settings,
        read_settings: Callable[[], Settings],
        environment: Mapping[str, str],
        notices: Notices,
        lines: Lines,
        log: ServerLog,
    ) -> None:
        self._policy = policy
        self._settings = self._started_with = settings
        self._read_settings = read_settings
        # What systemd expects of us it does not expect of our processes.
        self._environment = {name: value for name, value in environment.items() if name != WATCHDOG_PID}
        self._pulse = Pulse(environment)
        self._environment[VARIABLE] = notices.address
        self._environment[WATCHDOG] = str(int(settings.watchdog_timeout * 1e6) or "")
        self._notices = notices
        self._lines = lines
        self._log = log
        self._children: dict[int, Child] = {}
        self._wakeup, self._alarm = os.pipe()
        os.set_blocking(self._wakeup, False)
        os.set_blocking(self._alarm, False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._wakeup, selectors.EVENT_READ, None)
        self._selector.register(notices, selectors.EVENT_READ, None)
        self._terminal = os.isatty(0)

    def run(self) -> int:
        """Start everything, keep it running, and return the exit code once everything has ended."""
        self._listen_to_signals()
        self._policy.begin(time.monotonic())
        self._carry_out()
        while self._policy.outcome is None:
            for key, _ in self._selector.select(self._patience()):
                if isinstance(key.data, Child):
                    self._read(key.data)
            for number in self._signals():
                self._signal(number)
            self._hear()
            self._reap()
            self._policy.tick(time.monotonic())
            self._carry_out()
            self._pulse.beat(time.monotonic())
        self._close()
        return self._policy.outcome

    def _patience(self) -> float | None:
        due = min(self._policy.due(), self._pulse.due)
        return None if due == FOREVER else max(0.0, due - time.monotonic())

    # --- signals --------------------------------------------------------------------------------

    def _listen_to_signals(self) -> None:
        """Every signal's number arrives through a pipe, in order; nothing happens in a handler."""
        signal.set_wakeup_fd(self._alarm, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, lambda number, frame: None)

    def _signals(self) -> bytes:
        try:
            return os.read(self._wakeup, 4096)
        except BlockingIOError:
            return b""

    def _signal(self, number: int) -> None:
        if number == signal.SIGHUP and not (self._terminal and _hung_up(0)):
            self._reload()
        elif number in EXIT_CODES:
            if not self._policy.stopping:
                notify("STOPPING=1")
                self._say("stopping; once more to force")
            self._policy.stop(time.monotonic(), EXIT_CODES[signal.Signals(number)])

    def _reload(self) -> None:
        """Replace workers, if the settings that they would read are good."""
        try:
            settings = self._read_settings()
        except SettingsError as error:
            self._say(f"nothing is replaced: {error}")
            return
        for sentence in told(self._started_with, self._settings, settings):
            self._say(sentence)
        self._settings = settings
        self._policy.reload(time.monotonic())

    # --- processes ------------------------------------------------------------------------------

    def _carry_out(self) -> None:
        """Do what the policy says, until it says no more."""
        while self._policy.effects:
            effects, self._policy.effects = self._policy.effects, []
            for effect in effects:
                if isinstance(effect, Start):
                    self._start(effect.number, effect.job)
                elif isinstance(effect, Signal):
                    self._send(effect)
                elif isinstance(effect, Say):
                    self._say(effect.text)

    def _start(self, number: int, job: Job) -> None:
        settings = self._settings
        memory = settings.broker_memory_mib if job.is_broker else settings.worker_memory_mib
        try:
            child = Child(job.name, shell_line(job.command), self._environment, memory)
        except (OSError, subprocess.SubprocessError) as error:
            self._say(f"{job.name}: {error}")
            self._policy.ended(time.monotonic(), number, COULD_NOT_FORK)
            return
        self._children[number] = child
        self._selector.register(child, selectors.EVENT_READ, child)
        self._lines.say(f"{job.name} started (pid {child.pid})")

    def _send(self, effect: Signal) -> None:
        child = self._children.get(effect.number)
        if child is not None:
            child.send(effect.signal)

    def _read(self, child: Child) -> None:
        lines, more = child.lines()
        self._print(child, lines)
        if not more:
            self._selector.unregister(child)

    def _print(self, child: Child, lines: list[bytes]) -> None:
        for line in lines:
            self._lines.line(child.name, line)
            if line.startswith(READY):
                say_ready()

    def _hear(self) -> None:
        """Who says that it serves, or lives."""
        numbers = {child.pid: number for number, child in self._children.items()}
        for notice in self._notices.heard():
            number = numbers.get(notice.pid, 0)
            if notice.lives:  # a program not ours may say that it serves, and never again anything
                self._policy.lives(time.monotonic(), number)
            if notice.serves:
                self._policy.serves(time.monotonic(), number)

    def _reap(self) -> None:
        """Who has ended; its last words come first."""
        for number, child in list(self._children.items()):
            code = child.exit_code()
            if code is None:
                continue
            del self._children[number]
            if child.fileno() in self._selector.get_map():
                self._print(child, child.last_lines())
                self._selector.unregister(child)
            child.close()
            self._policy.ended(time.monotonic(), number, code)

    def _say(self, text: str) -> None:
        """To the operator, and into the log for who looks later."""
        self._lines.say(text)
        self._log.info(text)

    def _close(self) -> None:
        signal.set_wakeup_fd(-1)
        self._selector.close()
        os.close(self._wakeup)
        os.close(self._alarm)


def _hung_up(terminal: int) -> bool:
    """Whether a terminal was closed, which tells whoever runs in it by a SIGHUP."""
    poll = select.poll()
    poll.register(terminal, 0)
    return any(event & (select.POLLHUP | select.POLLERR) for _, event in poll.poll(0))
