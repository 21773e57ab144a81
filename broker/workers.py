"""Which workers are alive, what they can do, and how much each has in hand."""

from __future__ import annotations

from collections.abc import Iterator

from protocol.backend import Call


class Worker:
    """One worker process of one service."""

    __slots__ = ("batch", "bytes", "capacity", "id", "name", "open", "retiring", "seen", "service", "told")

    def __init__(self, routing_id: bytes, service: str, name: str, capacity: int, now: float) -> None:
        self.id = routing_id
        self.service = service
        self.name = name
        self.capacity = capacity
        self.seen = now
        self.open = 0
        """Calls in hand."""
        self.bytes = 0
        """Bytes of their bodies."""
        self.batch: list[Call] = []
        """Calls to hand over at the end of this turn."""
        self.told: list[bytes] = []
        """What it is to be told at the end of this turn, behind the calls."""
        self.retiring = False


class Workers:
    """Every live worker. A heartbeat is a registration; silence is death."""

    def __init__(self, timeout: float, capacity_bytes: int) -> None:
        self._timeout = timeout
        self._capacity_bytes = capacity_bytes
        self._by_id: dict[bytes, Worker] = {}
        self._by_service: dict[str, list[Worker]] = {}

    def __iter__(self) -> Iterator[Worker]:
        return iter(list(self._by_id.values()))

    def get(self, routing_id: bytes) -> Worker | None:
        """The worker behind this routing id, if it has ever said what it is."""
        return self._by_id.get(routing_id)

    def services(self) -> list[str]:
        """Services with a live worker, sorted."""
        return sorted(service for service, workers in self._by_service.items() if workers)

    def heard(self, routing_id: bytes, service: str, name: str, capacity: int, now: float) -> Worker:
        """A heartbeat. Capacity 0: it takes no more work."""
        worker = self._by_id.get(routing_id)
        if worker is None:
            worker = self._by_id[routing_id] = Worker(routing_id, service, name, capacity, now)
            self._by_service.setdefault(service, []).append(worker)
        worker.seen = now
        worker.capacity = capacity
        if not capacity and not worker.retiring:
            worker.retiring = True
            self._by_service[worker.service].remove(worker)
        return worker

    def gone(self, routing_id: bytes) -> Worker | None:
        """Forget a worker; returns it if it was known."""
        worker = self._by_id.pop(routing_id, None)
        if worker is not None and not worker.retiring:
            self._by_service[worker.service].remove(worker)
        return worker

    def silent(self, now: float) -> list[Worker]:
        """Workers not heard of for too long."""
        return [worker for worker in self._by_id.values() if now - worker.seen > self._timeout]

    def has(self, service: str) -> bool:
        """Whether anyone does this service."""
        return bool(self._by_service.get(service))

    def choose(self, service: str, size: int) -> Worker | None:
        """The least-loaded worker with room for ``size`` more bytes, or None."""
        best: Worker | None = None
        for worker in self._by_service.get(service, ()):
            if self.room(worker, size) and (best is None or worker.open < best.open):
                best = worker
        return best

    def tell(self, service: str, payload: bytes) -> None:
        """Tell a service's workers something in this turn; nothing (empty) is told only once."""
        for worker in self._by_service.get(service, ()):
            if payload or payload not in worker.told:
                worker.told.append(payload)

    def room(self, worker: Worker, size: int) -> bool:
        """Whether ``worker`` may be given one more call with a body of ``size`` bytes."""
        return worker.open < worker.capacity and worker.bytes + size <= self._capacity_bytes
