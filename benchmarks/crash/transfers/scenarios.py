"""Who is killed when, as a table, and one scenario's course.

*Moving*: blows fall while chunks are on their way, spread over the whole file. *Ending*: behind the last
chunk, spread over the time that sealing and finishing took without a blow (or, coming down, the last hash
and the file's name).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from benchmarks.crash.transfers.judge import Transfer
from benchmarks.crash.transfers.program import DOWNLOAD, UPLOAD
from benchmarks.crash.transfers.stage import CLIENT, PATIENCE, Stage

FILE_WORKER: Final = "file.1"
VICTIMS: Final = {
    "client": (CLIENT,),
    "broker": ("broker",),
    "file": (FILE_WORKER,),
    "all": (CLIENT, "broker", "auth.1", "messaging.1", "group.1", FILE_WORKER),
}
MIB: Final = 32
ROUNDS: Final = 6
CHAOS_MIB: Final = 96
CHAOS_BLOWS: Final = 12
OVER: Final = 0.7
"""Blows on an ending are spread over this share of what it took undisturbed until the program ended."""


class Scenario(NamedTuple):
    """One row of the matrix. ``play`` yields each transfer when it is done."""

    name: str
    play: Callable[[Stage, int, int], Iterator[Transfer]]
    """Of a stage, the size of a file in MiB, and how many blows."""
    supervised: bool = False
    file_workers: int = 1


def moving(way: str, *victims: str) -> Callable[[Stage, int, int], Iterator[Transfer]]:
    """A blow at a place of each of as many transfers as there are blows."""

    def play(stage: Stage, mib: int, rounds: int) -> Iterator[Transfer]:
        begin = _ways(stage, mib)[way]
        for number in range(rounds):
            one = begin(f"{way}{number}")
            share = (number + stage.random.random()) / rounds
            stage.start(one)
            _await_bytes(stage, one, int(share * one.size))
            stage.blow(one, victims)
            stage.finish(one)
            yield one

    return play


def ending(way: str, *victims: str) -> Callable[[Stage, int, int], Iterator[Transfer]]:
    """The same, behind the last chunk."""

    def play(stage: Stage, mib: int, rounds: int) -> Iterator[Transfer]:
        begin = _ways(stage, mib)[way]
        undisturbed = begin(f"{way}-undisturbed")
        stage.start(undisturbed)
        _await_bytes(stage, undisturbed, undisturbed.size)
        stage.finish(undisturbed)
        yield undisturbed
        for number in range(rounds):
            one = begin(f"{way}{number}")
            stage.start(one)
            _await_bytes(stage, one, one.size)
            time.sleep((number + stage.random.random()) / rounds * OVER * undisturbed.seconds)
            stage.blow(one, victims)
            stage.finish(one)
            yield one

    return play


def chaos(way: str) -> Callable[[Stage, int, int], Iterator[Transfer]]:
    """One larger file, and a blow on one or all again and again until it is there."""

    def play(stage: Stage, mib: int, rounds: int) -> Iterator[Transfer]:
        one = _ways(stage, mib * CHAOS_MIB // MIB)[way](way)
        stage.start(one)
        for _ in range(max(2, rounds * CHAOS_BLOWS // ROUNDS)):
            further = stage.random.random() * 2 * one.size / CHAOS_BLOWS
            _await_bytes(stage, one, stage.carried(one) + int(further))
            stage.blow(one, VICTIMS[stage.random.choice(sorted(VICTIMS))])
        stage.finish(one)
        yield one

    return play


def _ways(stage: Stage, mib: int) -> dict[str, Callable[[str], Transfer]]:
    """What makes a transfer of each way; downloads are all of one file."""
    sent: list[Transfer] = []

    def download(name: str) -> Transfer:
        if not sent:
            one = stage.upload("sent", mib)
            stage.start(one)
            stage.finish(one)
            sent.append(one)
        return stage.download(name, sent[0])

    return {UPLOAD: lambda name: stage.upload(name, mib), DOWNLOAD: download}


def _await_bytes(stage: Stage, one: Transfer, amount: int) -> None:
    """So many were seen on the line."""
    stage.until(lambda: stage.carried(one) >= amount, PATIENCE)


SCENARIOS: Final = (
    *(
        Scenario(f"{way}-{name}", moving(way, *who))
        for way in (UPLOAD, DOWNLOAD)
        for name, who in VICTIMS.items()
    ),
    *(Scenario(f"seal-{name}", ending(UPLOAD, *who)) for name, who in VICTIMS.items()),
    *(
        Scenario(f"save-{name}", ending(DOWNLOAD, *who))
        for name, who in VICTIMS.items()
        if name in ("client", "all")
    ),
    Scenario("one-of-two", moving(UPLOAD, FILE_WORKER), file_workers=2),
    Scenario("up-upload-file", moving(UPLOAD, FILE_WORKER), supervised=True),
    Scenario("up-upload-broker", moving(UPLOAD, "broker"), supervised=True),
    *(Scenario(f"chaos-{way}", chaos(way)) for way in (UPLOAD, DOWNLOAD)),
)
