"""One connection of a device to the broker: dialled, broken, noticed to be broken, dialled again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from tests.simulation.network import Pipe

if TYPE_CHECKING:
    from tests.simulation.device import Device


class Door(NamedTuple):
    """For who connects: where frames go in, and what to call when the connection is gone."""

    bring: Callable[[bytes], None]
    lost: Callable[[], None]


class Line:
    """One connection of a device, renewed as often as it breaks."""

    def __init__(
        self,
        device: Device,
        accept: Callable[[Pipe], Door],
        on_up: Callable[[Line], None],
        on_down: Callable[[float], None],
    ) -> None:
        self._device = device
        self._life = device.life
        self._accept = accept
        self._on_up = on_up
        self._on_down = on_down
        self._out: Pipe | None = None
        self._in: Pipe | None = None
        self._door: Door
        self._left: list[bytes] = []
        self._dialling = False
        self.up = False

    def dial(self) -> None:
        """Connect, now or when there is somebody to connect to. A second time does nothing."""
        if not self._dialling:
            self._dialling = True
            self._device.world.clock.after(self._device.world.rng.uniform(0.0, 0.02), self._try)

    def _try(self) -> None:
        device = self._device
        world = device.world
        if not device.alive or self._life != device.life or self.up:
            return
        if not world.broker.alive:
            world.clock.after(world.rng.uniform(0.1, 0.5), self._try)
            return
        self._in = Pipe(world.network, device.weather, lambda frame: device.received(self, frame))
        self._door = self._accept(self._in)
        self._out = Pipe(world.network, device.weather, self._door.bring)
        self.up = True
        left, self._left = self._left, []
        if world.rng.random() < 0.5:
            # libzmq keeps what it had not written yet and sends it over the new connection.
            self.send(left)
        self._on_up(self)
        device.changed()

    def send(self, frames: list[bytes]) -> None:
        """Send; while a break is not noticed, into the void."""
        if self._out is not None:
            for frame in frames:
                self._out.send(frame)

    def pour(self, frames: list[bytes]) -> None:
        """Deliver at once."""
        if self.up:
            for frame in frames:
                self._door.bring(frame)

    def hung_up(self, pipe: Pipe) -> None:
        """The broker has ended the connection that ``pipe`` belongs to."""
        if pipe is self._in:
            self.cut(self._device.world.rng.uniform(0.0, 0.05))

    def cut(self, noticed_after: float) -> None:
        """Break. The device notices later and dials again."""
        if not self.up:
            return
        self.up = False
        self._close()
        self._device.world.clock.after(noticed_after, self._noticed)

    def _close(self) -> None:
        assert self._in is not None and self._out is not None
        self._left = self._out.close()
        self._in.close()
        world = self._device.world
        world.clock.after(world.rng.uniform(0.0, 0.3), self._door.lost)

    def _noticed(self) -> None:
        device = self._device
        if not device.alive or self._life != device.life:
            return
        self._out = self._in = None
        self._on_down(device.world.clock.now)
        device.changed()
        device.world.clock.after(device.world.rng.uniform(0.1, 0.5), self._try)

    def drop(self) -> None:
        """The process is dead."""
        if self.up:
            self.up = False
            self._close()
