"""The policy of ``pesan up`` among processes that are only pretended, on a clock that a test moves."""

from __future__ import annotations

import signal

from broker.up.policy import Policy, Say, Signal, Start
from broker.up.procfile import Job

DRAIN = 5.0
WATCHDOG = 30.0


class Stage:
    """Jobs named ``names``; whoever is started runs until a test ends it.

    ``running`` are numbers by the order of their start, ``signals`` what was sent and not looked at yet.
    """

    def __init__(self, *names: str, chance: float = 0.0) -> None:
        self.now = 1000.0
        self.policy = Policy([Job(name, f"run {name}") for name in names], DRAIN, WATCHDOG, lambda: chance)
        self.running: dict[int, str] = {}
        self.starts: list[tuple[float, str]] = []
        self.signals: list[tuple[str, int]] = []
        self.said: list[str] = []
        self._signalled: dict[int, list[int]] = {}
        self.policy.begin(self.now)
        self._look()

    def _look(self) -> None:
        effects, self.policy.effects = self.policy.effects, []
        for effect in effects:
            if isinstance(effect, Start):
                self.running[effect.number] = effect.job.name
                self.starts.append((self.now, effect.job.name))
            elif isinstance(effect, Signal):
                name = self.running[effect.number]
                self.signals.append((name, effect.signal))
                self._signalled.setdefault(effect.number, []).append(effect.signal)
            elif isinstance(effect, Say):
                self.said.append(effect.text)

    def numbers(self, name: str) -> list[int]:
        """The running processes of this name, the oldest first."""
        return [number for number, running in self.running.items() if running == name]

    def oldest(self, name: str) -> int:
        """The one that has run longest."""
        return self.numbers(name)[0]

    def newest(self, name: str) -> int:
        """The one that was started last."""
        return self.numbers(name)[-1]

    def serves(self, *names: str) -> None:
        """The newest process of each name says that it serves."""
        for name in names:
            self.policy.serves(self.now, self.newest(name))
            self._look()

    def lives(self, *numbers: int) -> None:
        """These processes give a sign of life."""
        for number in numbers:
            self.policy.lives(self.now, number)

    def ends(self, number: int, code: int = -signal.SIGKILL) -> None:
        """A process ends."""
        del self.running[number]
        self.policy.ended(self.now, number, code)
        self._look()

    def drains(self, name: str) -> None:
        """The process of this name that was told to stop has stopped."""
        told = [number for number in self.numbers(name) if signal.SIGTERM in self._signalled.get(number, [])]
        self.ends(told[0], 0)

    def passes(self, seconds: float) -> None:
        """Time passes, and the policy is woken as often as it asked to be."""
        end = self.now + seconds
        while self.policy.due() <= end:
            self.now = max(self.now, self.policy.due())
            self.policy.tick(self.now)
            self._look()
        self.now = end
        self.policy.tick(self.now)
        self._look()

    def skips(self) -> float:
        """Time passes until something is due; the seconds."""
        seconds = self.policy.due() - self.now
        self.passes(seconds)
        return seconds

    def reload(self) -> None:
        """SIGHUP."""
        self.policy.reload(self.now)
        self._look()

    def stop(self, code: int = 0) -> None:
        """SIGINT or SIGTERM."""
        self.policy.stop(self.now, code)
        self._look()

    def heard(self) -> list[tuple[str, int]]:
        """The signals sent since the last call."""
        signals, self.signals = self.signals, []
        return signals
