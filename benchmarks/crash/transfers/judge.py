"""Compares what was to be moved with what was. Pure: accounts and evidence in, counts and sentences out.

*corrupt*: bytes that are not the source's, anywhere; *lost*: moved, it was said, and not there; *doubled*:
two files or two messages of one upload; *left*: staging, an unfinished upload, bytes that nobody refers
to, a count that is off; *again*: more than one window went over the line a second time for one blow;
*forever*: never done.
"""

from __future__ import annotations

from msgspec import Struct, field

from benchmarks.crash.judge import DOUBLED, FOREVER, LOST, Verdict
from benchmarks.crash.transfers.evidence import Kept
from benchmarks.crash.transfers.program import DOWNLOAD
from protocol.limits import FILE_CHUNK_BYTES, FILE_WINDOW

CORRUPT, LEFT, AGAIN = "corrupt", "left", "again"
KINDS = (CORRUPT, LOST, DOUBLED, LEFT, AGAIN, FOREVER)
WINDOW_BYTES = FILE_WINDOW * FILE_CHUNK_BYTES
ENVELOPES = FILE_CHUNK_BYTES // 2
"""Bytes beside the chunks that a transfer may need on the line: envelopes, encryption, handshakes."""


class Transfer(Struct):
    """One file on its way: what was to be moved, what was done to it, and what came of it."""

    name: str
    way: str
    size: int
    sha256: str
    upload: str
    """Its upload id."""
    said: list[tuple[int, int, int]] = field(default_factory=list)
    """File, conversation and seq, each time that the library said that it is done."""
    done: bool = False
    carried: int = 0
    """Bytes that went over the line in its direction."""
    blows: int = 0
    phases: list[str] = field(default_factory=list)
    """Where each blow met it."""
    seconds: float = 0.0
    """From the last blow until it was done."""
    got: str = ""
    """What the bytes of a finished download hash to."""
    leftovers: list[str] = field(default_factory=list)
    """Names beside a finished download in its folder."""
    hindered: list[str] = field(default_factory=list)
    """Errors that the program met and tried again after."""

    @property
    def again(self) -> float:
        """Chunks' worth of bytes that went over the line beyond its own; envelopes are a small part."""
        return max(0.0, (self.carried - self.size) / FILE_CHUNK_BYTES)


def judge(transfers: list[Transfer], found: Kept) -> Verdict:
    """Everything that is to be proved."""
    verdict = Verdict(KINDS)
    for one in transfers:
        if not one.done:
            verdict.fault(FOREVER, f"{one.name} was never done; it met {one.hindered[-3:]}")
            continue
        if one.carried > one.size + one.blows * WINDOW_BYTES + ENVELOPES:
            verdict.fault(AGAIN, f"{one.name}: {one.again:.1f} chunks again after {one.blows} blows")
        if one.way == DOWNLOAD:
            _arrived(verdict, one)
        else:
            _kept(verdict, one, found)
    _left(verdict, found)
    return verdict


def _arrived(verdict: Verdict, one: Transfer) -> None:
    if one.got != one.sha256:
        verdict.fault(CORRUPT, f"{one.name}: {one.got or 'nothing'} arrived, not {one.sha256}")
    if one.leftovers:
        verdict.fault(LEFT, f"{one.name} left {one.leftovers}")


def _kept(verdict: Verdict, one: Transfer, found: Kept) -> None:
    """One file, one message, in the place that was acknowledged, and the right bytes behind it."""
    files, places = found.files.get(one.upload, []), found.messages.get(one.upload, [])
    for what, rows in (("files", files), ("messages", places)):
        if len(rows) > 1:
            verdict.fault(DOUBLED, f"{one.name} is {len(rows)} {what}", len(rows) - 1)
    if len(set(one.said)) > 1:
        verdict.fault(DOUBLED, f"{one.name} was acknowledged as {one.said}")
    for file, conversation, seq in one.said:
        known = (file, conversation, seq) in [(row.file, row.conversation, row.seq) for row in files]
        if not known or (conversation, seq) not in places:
            verdict.fault(LOST, f"{one.name}: acknowledged as {one.said}, there is {files} at {places}")
    for row in files:
        if row.sha256 != one.sha256 or found.bytes.get(row.sha256) != one.sha256:
            verdict.fault(
                CORRUPT, f"{one.name}: {row.sha256} hashes to {found.bytes.get(row.sha256)}, not {one.sha256}"
            )


def _left(verdict: Verdict, found: Kept) -> None:
    """Nothing is on its way any more, and all is referred to, there, and counted."""
    for upload in found.uploads:
        verdict.fault(LEFT, f"upload {upload} is not finished")
    for name in found.staging:
        verdict.fault(LEFT, f"staging holds {name}")
    for sha256, state in found.blobs.items():
        if state != "stored":
            verdict.fault(LEFT, f"{sha256} is {state}")
    for sha256 in found.bytes.keys() ^ found.blobs.keys():
        where = "the folder" if sha256 in found.bytes else "the table"
        verdict.fault(LEFT, f"{sha256} is in {where} alone")
    for user in found.counted.keys() | found.taken.keys():
        counted, taken = found.counted.get(user, (0, 0)), found.taken.get(user, (0, 0))
        if counted != taken:
            verdict.fault(LEFT, f"user {user} takes {taken}, counted are {counted}")
