"""Every setting of the server, with its default, its unit and its bounds.

``config/pesan.sample.toml`` shows them all; a test holds it against this file. How they are read is
``loading``'s.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from config.hosts import bracketed, is_loopback

Port = Annotated[int, Meta(ge=1, le=65_500)]
Count = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(gt=0, le=1_000_000)]


class RateLimits(Struct, frozen=True, forbid_unknown_fields=True):
    """Token buckets: ``*_rate`` commands a second on average, ``*_burst`` at once."""

    hello_rate: Seconds = 200.0
    """``server.hello``, by network address."""
    hello_burst: Count = 2000
    entry_rate: Seconds = 5.0
    """Logins, registrations and password changes, by network address."""
    entry_burst: Count = 60
    resume_rate: Seconds = 1000.0
    """Resuming a session, by network address: thousands behind one, after a restart of the broker."""
    resume_burst: Count = 5000
    group_rate: Seconds = 20.0
    """Groups made and joined, by network address: most of them cost a hash, and accounts cost nothing."""
    group_burst: Count = 500
    ping_rate: Seconds = 5.0
    """Pings, by session."""
    ping_burst: Count = 100
    send_rate: Seconds = 200.0
    """Messages, by session."""
    send_burst: Count = 1000
    call_rate: Seconds = 100.0
    """Every other command, by session."""
    call_burst: Count = 500
    typing_rate: Seconds = 2.0
    """Typing notices, by session."""
    typing_burst: Count = 10
    peer_rate: Seconds = 500.0
    """Requests of another realm."""
    peer_burst: Count = 2000
    peer_item_rate: Seconds = 5000.0
    """Messages and the like of another realm, however many of them come in one request."""
    peer_item_burst: Count = 10_000
    peer_kib_rate: Seconds = 32_768.0
    """KiB of another realm's requests, and of the files that it fetches."""
    peer_kib_burst: Count = 131_072
    refusal_rate: Seconds = 2000.0
    """Refusals by the broker itself, by network address; beyond that, no answer."""
    refusal_burst: Count = 10_000


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """The server's settings. ``home`` is not in the file: it says where the file is."""

    home: Path
    """Data folder: database, keys, log, sockets between our own processes."""

    # Where to listen
    host: str = "127.0.0.1"
    """Address to bind."""
    advertise: str = ""
    """Host name in the connection string; the bound address when empty."""
    port_base: Port = 7700
    """Commands here, events, files, browsers, realms on the next ports, gateways from ten higher on."""
    curve: bool = True
    """Encrypt. May be off only on a loopback address."""

    # Who we are and where things are stored
    realm: str = ""
    """Name of this installation, ``[a-z0-9.-]{1,64}``; the host's name when empty."""
    database: str = ""
    """``postgresql://…``, or empty for SQLite in the data folder."""

    # Other realms
    realm_host: str = ""
    """Address to bind for other realms, on the fourth port behind ``port_base``; ``host`` when empty."""
    realm_advertise: str = ""
    """``HOST`` or ``HOST:PORT`` by which other realms reach us; they are told when it changes."""
    realm_answer_timeout: Seconds = 10.0
    """Seconds that another realm may take to answer; then it counts as away."""
    realm_quiet: Seconds = 5.0
    """Seconds without a request after which we say hello, to see whether it is still there."""
    realm_pause_most: Seconds = 30.0
    """Seconds of the longest pause before another try to reach one that is away."""
    realm_open_requests: Count = 64
    """Requests of another realm that wait to be done; beyond that, ``busy``."""
    realm_users: Count = 20_000
    """Users of one other realm who are known here; beyond that, nobody new of it may write or join."""
    realm_file_max_bytes: Count = 1_073_741_824
    """The largest file that is fetched from another realm, in bytes."""
    realm_fetches: Count = 4
    """Files fetched from one other realm at once."""
    realm_fetch_bytes: Annotated[int, Meta(ge=65_536)] = 16_777_216
    """Bytes a second of files that are fetched from one other realm."""

    realm_outbox_messages: Count = 100_000
    """Messages and the like that may wait for one other realm; then who writes there hears ``busy``."""
    realm_outbox_bytes: Count = 268_435_456
    """The same, in bytes of their texts and 128 for each."""
    realm_outbox_share: Annotated[int, Meta(ge=1, le=100)] = 10
    """Percent of both that one user may take up once more than half of either is taken."""

    # Accounts
    password_min_length: Annotated[int, Meta(ge=1, le=1024)] = 8
    """Characters."""
    password_memory_kib: Annotated[int, Meta(ge=8)] = 19_456
    """Argon2id: memory of one hash, KiB."""
    password_passes: Count = 2
    """Argon2id: passes over that memory."""
    password_nice: Annotated[int, Meta(ge=0, le=19)] = 10
    """How far hashing steps back behind everything else on this machine (``nice``)."""
    password_tries: Count = 5
    """Wrong passwords in a row from one source for one name; from then on each costs a pause."""
    password_tries_strangers: Count = 50
    """The same for all addresses together from which the owner of the name never came.

    Also for one address and the password of one group, whatever accounts try it.
    """
    password_pause: Seconds = 1.0
    """Seconds of the first pause; each further one is twice as long."""
    password_pause_most: Seconds = 300.0
    """Seconds of the longest one."""
    group_password_tries: Count = 50
    """Wrong passwords for one group, of all who are not in it together; from then on they are paced."""
    group_password_pace: Seconds = 10.0
    """Seconds after which all of them together have another try."""
    password_failures_remembered: Seconds = 86_400.0
    """Seconds after the last wrong password until they are forgotten."""
    password_failures_kept: Count = 100_000
    """Pairs of name and source for which wrong passwords are remembered."""
    sessions_per_user: Count = 100
    """Logging in beyond this ends the session that was silent longest."""

    # Messages
    message_max_bytes: Annotated[int, Meta(ge=1, le=98_304)] = 65_536
    """A message's text, UTF-8 bytes."""
    group_max_members: Count = 10_000
    """Members of one group."""

    # Files
    file_storage: str = ""
    """``s3://BUCKET/PREFIX``, or empty for ``files`` in the data folder."""
    file_max_bytes: Count = 4_294_967_296
    """One file, in bytes."""
    file_quota_bytes: Count = 17_179_869_184
    """All files and unfinished uploads of one user, in bytes."""
    files_per_user: Count = 100_000
    """Files and folders of one user."""
    uploads_per_user: Count = 20
    """Unfinished uploads of one user."""
    upload_keep: Seconds = 604_800.0
    """Seconds after its last chunk at which an unfinished upload is swept."""
    file_disk_reserve_bytes: Annotated[int, Meta(ge=0)] = 268_435_456
    """Bytes that uploads leave free on the disk."""
    transfer_nice: Annotated[int, Meta(ge=0, le=19)] = 10
    """How far moving chunks steps back behind everything else on this machine (``nice``)."""

    # Gateway for the older protocols
    gateway_host: str = "127.0.0.1"
    """Address to bind for them: passwords travel in clear there."""
    gateway_connections: Count = 10_000
    """TCP connections at once."""
    gateway_connections_per_address: Count = 2_500
    """The same from one network address."""
    gateway_sessions_per_trunk: Count = 500
    """Sessions that share one pair of sockets to the broker."""
    gateway_login_timeout: Seconds = 60.0
    """Seconds without a request after which who has not logged in is hung up on."""
    gateway_line_max_bytes: Annotated[int, Meta(ge=1024)] = 65_536
    """One request, in bytes."""
    gateway_file_line_max_bytes: Annotated[int, Meta(ge=1024)] = 12_582_912
    """One request of the JSON dialect that carries a file, in bytes."""
    gateway_file_lines_bytes: Count = 134_217_728
    """Bytes of such requests, and of replies with files or many messages, that the gateway holds at once."""
    gateway_transfers: Count = 32
    """Files that move through the gateway at once; further ones wait for ``gateway_request_timeout``."""
    gateway_unsized_file_bytes: Annotated[int, Meta(ge=1024)] = 4_194_304
    """One file whose size was not told before it came, in bytes."""
    gateway_content_timeout: Seconds = 60.0
    """Seconds that a visitor may let a file wait, in or out; each 4 KiB that move make up for one."""
    gateway_segment_pause: Seconds = 0.05
    """Seconds of silence after which what came without an end is a request."""
    gateway_output_bytes: Annotated[int, Meta(ge=65_536)] = 4_194_304
    """Bytes waiting for a visitor who does not read; beyond that they are hung up on."""
    gateway_output_bytes_of_all: Count = 268_435_456
    """The same for all of them together; beyond it who lets most wait is hung up on."""
    gateway_pushes: Count = 1_000
    """Lines that wait for the end of what a visitor is doing; further ones can be asked for."""
    gateway_messages_shown: Annotated[int, Meta(ge=1, le=100_000)] = 1_000
    """Messages of one conversation that one reply shows."""
    gateway_request_timeout: Seconds = 10.0
    """Seconds after which a visitor is told that the system did not answer."""
    gateway_away_timeout: Seconds = 3.0
    """Seconds that a visitor who says something waits for a system that is away, before they are told so."""
    gateway_write_timeout: Seconds = 60.0
    """Seconds that a visitor may take to read what is waiting for them."""

    # The window in browsers
    web_host: str = "127.0.0.1"
    """Address to bind for browsers, on the third port behind ``port_base``: they speak plain HTTP there."""
    web_names: str = ""
    """Host names by which browsers call it, with commas: those of a reverse proxy with TLS in front."""
    web_other_servers: bool = True
    """People may name another server, as long as ``web_host`` is loopback and ``web_names`` is empty."""
    web_tabs: Count = 200
    """Tabs that are open at once, or closed and not yet gone."""
    web_tabs_per_address: Count = 100
    """The same from one network address."""
    web_tab_timeout: Seconds = 120.0
    """Seconds after which a tab that is closed or cut off counts as gone, and its session ends."""
    web_spool_bytes: Count = 8_589_934_592
    """Files on their way from browsers, all together, in bytes; one tab has half of it. Others wait."""

    # Times
    session_timeout: Seconds = 30.0
    """Seconds of silence after which a session counts as offline."""
    worker_heartbeat: Seconds = 0.5
    """Seconds between a worker's heartbeats."""
    worker_timeout: Seconds = 3.0
    """Seconds of silence after which a worker counts as dead."""
    request_timeout: Seconds = 30.0
    """Seconds after which a request that a live worker never answered is given up."""
    drain_timeout: Seconds = 1.0
    """Seconds that a process which was told to stop gives to work in hand."""
    watchdog_timeout: Annotated[float, Meta(ge=0, le=1_000_000)] = 30.0
    """Seconds without a sign of life after which `pesan up` kills a process and starts it again; 0: never."""

    # Room
    batch_size: Annotated[int, Meta(ge=1, le=4096)] = 512
    """Frames that a loop takes in before it acts, and commands in one transaction."""
    worker_capacity: Count = 4096
    """Requests that one worker holds at once; beyond that, ``busy``."""
    slow_capacity: Count = 400
    """The same for a worker of a service that hashes passwords, so that nobody waits in vain."""
    slow_queue: Count = 200
    """Passwords that wait to be hashed in one worker; beyond that the source with most hears ``busy``."""
    worker_capacity_bytes: Count = 33_554_432
    """The same in bytes of bodies."""
    session_open_requests: Count = 256
    """Requests that one session may have open at once; beyond that, ``busy``."""
    connections: Count = 20_000
    """Client connections that the broker remembers; the longest silent is forgotten first."""
    sessions: Count = 100_000
    """Sessions that the broker remembers; a forgotten one resumes."""
    topics_per_connection: Count = 5_000
    """Subscriptions that one connection may have."""
    replies_queue: Count = 1_000
    """Replies waiting for one slow client; beyond that they are dropped."""
    replies_queue_bytes: Count = 16_777_216
    """The same in bytes of those that are large, from 1 KiB on."""
    replies_queue_bytes_of_all: Count = 536_870_912
    """Bytes of large replies waiting for all clients together; beyond it who waits for one gets no more."""
    events_queue: Count = 2_000
    """Events waiting for one slow client; beyond that they are dropped."""

    # Memory of a process that `pesan up` starts
    broker_memory_mib: Annotated[int, Meta(ge=0)] = 4096
    """MiB that the broker may allocate, beyond which it ends and is started again; 0: no limit."""
    worker_memory_mib: Annotated[int, Meta(ge=0)] = 1024
    """The same for every other process."""

    # Rate limits
    rate_limits: bool = True
    """Off only for load tests on a machine of your own; off, no wrong password costs a pause either."""
    rates: RateLimits = RateLimits()

    # Log
    log_max_bytes: Annotated[int, Meta(ge=4096)] = 67_108_864
    """Size at which the log is set aside."""
    log_keep: Annotated[int, Meta(ge=0)] = 5
    """How many logs set aside are kept."""

    @property
    def commands_address(self) -> str:
        """ZeroMQ address that clients send commands to."""
        return f"tcp://{self._bracketed}:{self.port_base}"

    @property
    def events_port(self) -> int:
        """Port of the events socket."""
        return self.port_base + 1

    @property
    def events_address(self) -> str:
        """ZeroMQ address that clients hear events from."""
        return f"tcp://{self._bracketed}:{self.events_port}"

    @property
    def bulk_port(self) -> int:
        """Port of the socket for chunks of files."""
        return self.port_base + 2

    @property
    def bulk_address(self) -> str:
        """ZeroMQ address that chunks of files go to and come from."""
        return f"tcp://{self._bracketed}:{self.bulk_port}"

    @property
    def web_port(self) -> int:
        """Port that browsers open."""
        return self.port_base + 3

    @property
    def web_loopback(self) -> bool:
        """Whether only this machine's browsers can reach it, or a proxy on it."""
        return is_loopback(self.web_host)

    @property
    def realm_port(self) -> int:
        """Port of the socket for other realms."""
        return self.port_base + 4

    @property
    def realm_bind(self) -> str:
        """ZeroMQ address that other realms connect to."""
        return f"tcp://{bracketed(self.realm_host.strip('[]') or self.host)}:{self.realm_port}"

    @property
    def realm_address(self) -> str:
        """``host:port`` at which others are told to reach us; empty unless ``realm_advertise`` is set."""
        host, colon, port = self.realm_advertise.rpartition(":")
        if colon and port.isdecimal() and (":" not in host or host.endswith("]")):
            return self.realm_advertise
        return f"{bracketed(self.realm_advertise)}:{self.realm_port}" if self.realm_advertise else ""

    @property
    def _bracketed(self) -> str:
        return bracketed(self.host)

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach us."""
        return is_loopback(self.host)
