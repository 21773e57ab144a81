"""Fetching: files of other realms that somebody here has opened, brought here piece by piece.

Belongs here: what is asked for and when, and what becomes of it. Not here: the pieces of one file
(``gathering``), making a blob of it (``depot``), what we give others (``serving``).

Theory of operation. Who opens a file whose bytes are in another realm marks it as wanted (the file service's
desk), and hears ``busy`` until they are here. For each realm this part looks for what is wanted, and gathers
it in an upload of the file's owner, as if they sent it here themselves: so what is held outlives the death of
either process, has room on the disk kept for it, and is swept when nobody goes on with it. When all is there
it is sealed, as every upload; only bytes with the hash that was announced become a file.

Pieces travel on the line on which messages do, and the next message waits behind those that are under way.
So there are few, and how large and how many depends on how soon the last ones came.
"""

from __future__ import annotations

import errno
import secrets
from functools import partial
from typing import Any, Final

from protocol import realms as language
from protocol.bulk import SealReply
from protocol.envelope import unpack_body
from protocol.errors import OK, Failure, Internal, Retry, TooLarge, failure
from protocol.limits import FILE_CHUNK_BYTES
from protocol.realms import FetchChunk, FetchReply
from services.file import staging
from services.file.bulk.desk import TOUCH_AFTER, TOUCHES
from services.file.bulk.sealing import DISK_FULL, NO_ROOM, WrongHash
from services.realm.gathering import Gathering, Piece
from services.realm.house import House, Peer
from services.realm.line import LOST, Answer
from services.storage import fetches, transfers, uploads
from services.storage.engine import StoreUnavailable, Transaction
from services.storage.fetches import CHUNK_BYTES, Fetch, Known
from services.storage.uploads import Upload

LOOK: Final = 0.25
"""Seconds at least between two looks for what is wanted."""
PIECES: Final = 4
"""Under way at once, of all files of a realm."""
CHUNKS: Final = FILE_CHUNK_BYTES // CHUNK_BYTES
"""Of the largest piece."""
SOON: Final = 0.6
LATE: Final = 1.5
"""Seconds: a piece that came sooner lets the next ones be larger and more, a later one smaller and fewer."""
QUIET: Final = 60.0
"""Seconds without any byte of a file, from a realm that is there, after which it cannot be had for now."""
AGAIN: Final = 5.0
"""Seconds after which what our own disk or database did not let us do is tried again."""
PAUSE_MOST: Final = 30.0


class Fetching:
    """What is fetched from one peer."""

    def __init__(self, house: House, peer: Peer) -> None:
        self._house = house
        self._peer = peer
        self._going: dict[int, Gathering] = {}
        """By file."""
        self._later: dict[int, float] = {}
        """Files of which something failed here, and when to try again."""
        self._flying = 0
        self._room = 1
        self._chunks = 1
        self._allowance = 0.0
        self._counted_at = house.now
        self._next_look = 0.0

    # --- turns ----------------------------------------------------------------------------------

    def turn(self) -> None:
        """Begin with what is wanted, and ask for what is missing."""
        if not self._peer.line.up:
            return
        if self._house.now >= self._next_look:
            self._next_look = self._house.now + LOOK
            self._look()
        self._ask()

    def changed(self, up: bool) -> None:
        """While the line is down nothing comes; what is held stays."""
        if not up:
            for going in list(self._going.values()):
                if not going.sealing:
                    self._drop(going)
            self._flying, self._room, self._chunks = 0, 1, 1

    def _look(self) -> None:
        most = self._house.settings.realm_fetches
        if len(self._going) >= most:
            return
        self._later = {file: at for file, at in self._later.items() if at > self._house.now}
        with self._house.store.read() as tx:
            wanted = fetches.wanted(tx, self._peer.realm.id, most + len(self._going) + len(self._later))
        for fetch in wanted:
            # Of the same bytes one is enough: the others then find them here.
            under_way = any(going.fetch.sha256 == fetch.sha256 for going in self._going.values())
            if fetch.file in self._later or under_way or len(self._going) >= most:
                continue
            try:
                self._begin(fetch)
            except OSError as error:
                self._trouble(fetch, error)

    def _trouble(self, fetch: Fetch, error: Exception) -> None:
        """Our own disk, storage or database does not do what it should: later, perhaps."""
        reason = getattr(error, "strerror", None) or type(error).__name__
        self._house.log.warning("a file cannot be fetched", realm=self._peer.name, reason=reason)
        self._later[fetch.file] = self._house.now + AGAIN

    # --- beginning ------------------------------------------------------------------------------

    def _begin(self, fetch: Fetch) -> None:
        house = self._house
        most = house.settings.realm_file_max_bytes
        if fetch.size > most:
            self._fail(fetch, TooLarge(f"Files of other realms are fetched up to {most} bytes."))
            return
        try:
            with house.store.write() as tx:
                known = fetches.known(tx, fetch)
                if known is not None and fetches.settle(tx, fetch, known):
                    return
                upload = self._upload(tx, fetch)
        except Failure as refusal:
            self._fail(fetch, refusal)
            return
        going = Gathering(house.settings, fetch._replace(upload=upload.id), upload, house.now)
        self._going[fetch.file] = going
        house.log.info("fetching a file", realm=self._peer.name, bytes=fetch.size)
        if going.complete:
            self._seal(going)

    def _upload(self, tx: Transaction, fetch: Fetch) -> transfers.Upload:
        """The upload in which it is gathered, begun if there is none. Raises ``TooLarge``."""
        found = transfers.upload_of(tx, fetch.owner_id, fetch.upload) if fetch.upload else None
        if found is not None:
            return found
        settings, now = self._house.settings, self._house.wall
        room = staging.free_bytes(settings) - settings.file_disk_reserve_bytes - uploads.awaited_bytes(tx)
        if fetch.size > room:
            raise TooLarge("The server's disk has no room for this file.")
        new = Upload(
            fetch.owner_id,
            secrets.token_bytes(16),
            fetch.size,
            CHUNK_BYTES,
            "",
            "",
            fetch.name,
            "",
            0,
            fetch.sha256,
            None,
            "",
            now,
            now,
        )
        fetches.begin(tx, fetch, new)
        begun = transfers.upload_of(tx, fetch.owner_id, new.id)
        assert begun is not None
        return begun

    # --- asking ---------------------------------------------------------------------------------

    def _ask(self) -> None:
        """Ask for as much as may be under way, of each file in its turn."""
        self._refill()
        idle = 0
        while self._flying < self._room and self._allowance > 0 and idle < len(self._going):
            file, going = next(iter(self._going.items()))
            del self._going[file]
            self._going[file] = going
            if going.over or not going.wants or going.not_before > self._house.now:
                idle += 1
                continue
            idle = 0
            piece = going.next(self._chunks)
            body = FetchChunk(going.fetch.there, piece.offset, piece.size)
            if not self._peer.ask("fetch", body, partial(self._came, going, piece, self._house.now)):
                going.again(piece)
                return
            self._flying += 1
            self._allowance -= piece.size

    def _refill(self) -> None:
        """So many bytes may be asked for: those of a second at most."""
        rate, now = self._house.settings.realm_fetch_bytes, self._house.now
        self._allowance = min(rate, self._allowance + rate * (now - self._counted_at))
        self._counted_at = now

    def _came(self, going: Gathering, piece: Piece, asked_at: float, answer: Answer) -> None:
        if answer is LOST:
            return  # ``changed`` has let go, or will
        self._flying = max(self._flying - 1, 0)
        if not going.over:
            try:
                if answer.status == OK:
                    self._pace(self._house.now - asked_at)
                    self._put(going, piece, answer.body)
                else:
                    self._refused(going, piece, answer)
            except (OSError, StoreUnavailable) as error:
                self._drop(going)
                if isinstance(error, OSError) and error.errno in NO_ROOM | {errno.ENOSPC}:
                    self._fail(going.fetch, TooLarge(DISK_FULL))
                else:
                    self._trouble(going.fetch, error)
        self._ask()

    def _pace(self, took: float) -> None:
        if took < SOON and self._chunks < CHUNKS:
            self._chunks = min(2 * self._chunks, CHUNKS)
        elif took < SOON:
            self._room = min(self._room + 1, PIECES)
        elif took > LATE and self._room > 1:
            self._room //= 2
        elif took > LATE:
            self._chunks = max(self._chunks // 2, 1)

    def _put(self, going: Gathering, piece: Piece, body: bytes) -> None:
        try:
            data = language.read_reply(FetchReply, body).data
        except ValueError:
            data = b""
        if len(data) != piece.size:
            self._drop(going)
            self._fail(going.fetch, self._not_the_file())
            return
        going.put(piece, data, self._house.now)
        wall = self._house.wall
        if wall - going.touched_at >= min(TOUCH_AFTER, self._house.settings.upload_keep * 1e6 / TOUCHES):
            going.touched_at = wall
            with self._house.store.write() as tx:
                transfers.touch(tx, going.upload.user_id, going.upload.id, wall)
        if going.complete:
            self._seal(going)

    def _refused(self, going: Gathering, piece: Piece, answer: Answer) -> None:
        """Not now, or not at all."""
        going.again(piece)
        try:
            refusal = failure(answer.status, unpack_body(answer.body))
        except Failure:
            refusal = Internal("It is no refusal that we understand.")
        if refusal.retry is Retry.LATER and self._house.now - going.heard_at < QUIET:
            pause = min(max(refusal.retry_after, LOOK), PAUSE_MOST)
            going.put_off(refusal, self._house.now, pause)
            return
        self._drop(going)
        self._fail(going.fetch, self._refusal(answer.status))

    def _refusal(self, status: str) -> Failure:
        """What who opens the file hears, in words of our own."""
        realm = self._peer.name
        if status == "not_found":
            return failure("not_found", {"message": f"The file is not in {realm} any more."})
        if status == "forbidden":
            return failure("forbidden", {"message": f"{realm} does not give us this file."})
        return failure("unavailable", {"message": f"{realm} cannot send this file at present."})

    def _not_the_file(self) -> Failure:
        said = f"What {self._peer.name} sent is not the file that was announced; it was thrown away."
        return failure("conflict", {"message": said})

    # --- the end --------------------------------------------------------------------------------

    def _seal(self, going: Gathering) -> None:
        going.sealing = True
        tally = going.let_go()
        self._house.depot.seal(going.upload.user_id, going.upload.id, tally, partial(self._sealed, going))

    def _sealed(self, going: Gathering, outcome: Any) -> None:
        if self._going.get(going.fetch.file) is going:
            del self._going[going.fetch.file]
        try:
            if isinstance(outcome, SealReply):
                self._settle(going, outcome)
            elif isinstance(outcome, WrongHash):
                self._fail(going.fetch, self._not_the_file())
            elif isinstance(outcome, TooLarge):
                self._fail(going.fetch, outcome)
            else:
                self._trouble(going.fetch, outcome)
        except StoreUnavailable as error:
            self._trouble(going.fetch, error)
        self._house.stir()

    def _settle(self, going: Gathering, sealed: SealReply) -> None:
        house, upload = self._house, going.upload
        with house.store.write() as tx:
            if not fetches.settle(tx, going.fetch, Known(sealed.sha256, sealed.type)):
                # The message has gone meanwhile: nobody will ask for these bytes.
                transfers.drop(tx, upload.user_id, upload.id, house.wall)
        house.log.info("a file was fetched", realm=self._peer.name, bytes=upload.size)

    def _drop(self, going: Gathering) -> None:
        """Go on with it some other time."""
        self._going.pop(going.fetch.file, None)
        going.let_go()

    def _fail(self, fetch: Fetch, refusal: Failure) -> None:
        """It cannot be had, for now; nothing is kept of it."""
        house = self._house
        house.log.info("a file was not fetched", realm=self._peer.name, outcome=refusal.code)
        if fetch.upload is not None:
            staging.remove(house.settings, fetch.owner_id, fetch.upload)
        with house.store.write() as tx:
            if fetch.upload is not None:
                transfers.drop(tx, fetch.owner_id, fetch.upload, house.wall)
            fetches.fail(tx, fetch.file, refusal.code, refusal.message, house.wall)
