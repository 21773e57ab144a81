"""A member by docs/PROTOCOL.md alone: ``PESAN_PASSWORD=… raw_member.py 'pesan://…' ani ops`` posts stdin."""

import base64
import os
import sys
import time
from typing import Any

import msgpack
import zmq

place, key, user, group = *sys.argv[1].removeprefix("pesan://").split("?key="), sys.argv[2], "#" + sys.argv[3]
commands, events = map(zmq.Context[zmq.Socket[bytes]]().socket, (zmq.DEALER, zmq.SUB))
for socket in (commands, events):
    (socket.curve_publickey, socket.curve_secretkey), socket.linger, socket.sndhwm = zmq.curve_keypair(), 0, 0
    socket.curve_serverkey = base64.urlsafe_b64decode(key + "=")
    socket.reconnect_ivl, socket.reconnect_ivl_max = 100 + os.urandom(1)[0], 5000  # each its own
token, line, cursors, seen, stdin = b"", b"\n", dict[int, int](), (set[bytes](), 0), os.fdopen(0, "rb", 0)


def _ask(command: str, *fine: str, wait: float = 5, **fields: object) -> Any:
    commands.send(msgpack.packb([1, number := time.time_ns(), token, command, msgpack.packb(fields)]))
    replies = map(msgpack.unpackb, iter(lambda: commands.poll(int(wait * 1000)) and commands.recv(), 0))
    answer = ((status, msgpack.unpackb(body or b"\x80")) for _, n, status, body, *_ in replies if n == number)
    status, body = next(answer, ("unavailable", dict[str, Any]()))
    resumed = status == "unauthenticated" and _ask("auth.resume", token=token)
    if resumed or status in ("busy", "rate_limited", "unavailable"):  # again, and longer each time
        time.sleep(body.get("retry_after", 0.1) * wait / 5 * (1 + os.urandom(1)[0] / 255))
        return _ask(command, *fine, wait=min(wait * 1.5, 30), **fields)
    return body if status in ("ok", *fine) else sys.exit(f"{command}: {status}: {body['message']}")


commands.connect(f"tcp://{place}")
_ask("auth.register", "conflict", username=user, password=os.environ["PESAN_PASSWORD"])
token = _ask("auth.login", username=user, password=os.environ["PESAN_PASSWORD"])["token"]
ready = _ask("group.create", "conflict", group=group) and _ask("group.join", group=group)
events.connect(f"tcp://{place.rpartition(':')[0]}:{_ask('server.hello')['events_port']}")
while line or ready:  # an event only says that it is time to look; no line: stdin has ended
    rooms = {row["conversation"]: row for row in _ask("conversation.list")["conversations"]}
    topics = {_ask("user.whoami")["topic"], *(row["topic"] for row in rooms.values())} - {b""}
    if seen != (seen := (topics, _ask("session.ping")["events_epoch"])):
        for topic in topics:
            events.unsubscribe(topic)
            events.subscribe(topic)
        for fence in (b"u" + os.urandom(15), b"u" + os.urandom(15)):
            events.subscribe(fence)
            seen = seen if all(iter(lambda: events.poll(3000) and events.recv()[:16], fence)) else (set(), 0)
            events.unsubscribe(fence)
        continue  # and look again: what was said meanwhile is found there
    if not cursors and (cursors := {room: row["last_seq"] for room, row in rooms.items()}):
        print("listening", flush=True)
    for room, row in rooms.items():
        while cursors.setdefault(room, row["read_seq"] * (row["kind"] != "direct")) < row["last_seq"]:
            for message in _ask("message.history", conversation=room, after=cursors[room])["messages"]:
                print(f"[{row['name']}] {message['from']}: {message['body']}", flush=True)
                cursors[room] = message["seq"]
    ready = zmq.select([events, 0] if line else [events], [], [], 10 if line else 2)[0]
    list(iter(lambda: events.poll(0) and events.recv(), 0))
    if 0 in ready and (line := stdin.readline()):
        _ask("message.send", "invalid", to=group, body=line.decode().rstrip(), id=os.urandom(16))
