"""docs/PROTOCOL.md held against the code: a change to either side alone fails here."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import GenericAlias
from typing import Any

import msgpack
import msgspec
import pytest
from msgspec import Struct, defstruct

from benchmarks.own_server import OwnServer
from broker.core import Core
from config.settings import RateLimits, Settings
from protocol import VERSION, limits
from protocol.bulk import BULK, BulkCommand
from protocol.commands import COMMANDS, SERVICES, Body, Command, Rate
from protocol.envelope import pack_request, unpack_body, unpack_reply
from protocol.errors import FAILURES
from protocol.events import EVENTS
from services.messaging.history import MOST_BYTES
from tests.protocol.document import FILE, Rows, converts, fields_of, parse, shapes_in

TEXT = FILE.read_text(encoding="utf-8")
PUBLIC = {name: row for name, row in COMMANDS.items() if not row.internal}
RETRY = {name: kind.retry.value for name, kind in FAILURES.items()}
LIMITS = {name: value for name, value in vars(limits).items() if name.isupper()}
PRINTED = ("ani: halo\n", "ani: foto.raw, 1200000 bytes\n")
"""By the programs in the appendices."""
ERRORS_OF_ANY = {"version", "unauthenticated", "rate_limited", "unavailable", "internal"}
"""Codes that are explained once for all commands."""


def differences(
    text: str,
    commands: Mapping[str, Command] = PUBLIC,
    events: Mapping[str, type[Body]] = EVENTS,
    retry: Mapping[str, str] = RETRY,
    numbers: Mapping[str, int] = LIMITS,
    bulk: Mapping[str, BulkCommand] = BULK,
) -> list[str]:
    """What the document and the code say differently; a sentence for each."""
    document = parse(text)
    found = Differences()
    found.compare("commands", list(document.commands), list(commands))
    found.compare("table of commands", _table(document.table), [_row(row) for row in commands.values()])
    found.compare("bulk commands", list(document.bulk), list(bulk))
    found.compare(
        "table of bulk commands", _table(document.bulk_table, 2), list(map(_bulk_row, bulk.values()))
    )
    shapes: dict[str, type[Struct]] = {}
    texts = {**document.commands, **document.bulk}
    rows: dict[str, Command | BulkCommand] = {**commands, **bulk}
    for name in texts.keys() & rows.keys():
        written, row = texts[name], rows[name]
        found.compare(f"request of {name}", written.request, fields_of(row.request))
        found.compare(f"reply of {name}", written.reply, fields_of(row.reply))
        shapes.update({shape.__name__: shape for shape in shapes_in(row.reply)})
    for kind in events.values():
        shapes.update({shape.__name__: shape for shape in shapes_in(kind)})
    found.compare("shapes", set(document.shapes), set(shapes))
    for name in document.shapes.keys() & shapes.keys():
        found.compare(f"shape {name}", document.shapes[name], fields_of(shapes[name]))
    found.compare("events", list(document.events), list(events))
    for name in document.events.keys() & events.keys():
        found.compare(f"event {name}", document.events[name], fields_of(events[name]))
    found.compare("error codes", {row[0]: row[1] for row in document.errors}, dict(retry))
    found.compare("order of error codes", [row[0] for row in document.errors], list(retry))
    found.compare("limits", {row[0]: row[1] for row in document.limits}, _texts(numbers))
    return found


class Differences(list[str]):
    """Sentences about what differs."""

    def compare(self, what: str, written: object, true: object) -> None:
        """Note it unless the two are the same, order of fields included."""
        if (
            isinstance(written, dict)
            and isinstance(true, dict)
            and "error" not in what
            and "limit" not in what
        ):
            written, true = list(written.items()), list(true.items())
        if written != true:
            self.append(f"{what}: the document has {written}, the code {true}")


def _table(rows: Rows, columns: int = 5) -> list[list[str]]:
    return [row[:columns] for row in rows]


def _bulk_row(row: BulkCommand) -> list[str]:
    return [row.name, row.payload]


def _row(row: Command) -> list[str]:
    said = {True: "yes", False: "no"}
    return [row.name, said[row.session], said[row.retry], str(row.limit), row.rate.value]


def _texts(numbers: Mapping[str, int]) -> dict[str, str]:
    return {name: str(number) for name, number in numbers.items()}


# --- the document is true -----------------------------------------------------------------------


def test_the_document_and_the_code_agree() -> None:
    assert not differences(TEXT)


def test_every_error_that_a_command_names_is_on_the_closed_list() -> None:
    document = parse(TEXT)
    fields = {"limit", "missing", "after", "message_max_bytes", "used", "to", "name", "path", "held", "size"}
    for name, command in {**document.commands, **document.bulk}.items():
        words = {word for word in command.errors if "." not in word} - fields
        assert words <= set(FAILURES), name
        assert not words & (ERRORS_OF_ANY - {"unauthenticated"}), name


def test_the_settings_that_a_client_meets_have_their_defaults() -> None:
    settings = Settings(home=Path("/nowhere"))
    for name, _, default, _ in parse(TEXT).settings:
        assert converts(default, getattr(settings, name)), name


def test_hello_tells_exactly_the_limits_that_the_document_names() -> None:
    core = Core(Settings(home=Path("/nowhere")), name=b"", version="0", first_handle=0, epoch=0)
    core.request(0.0, b"peer", pack_request(1, b"", "server.hello", b""))
    told = unpack_body(unpack_reply(core.replies[0][1]).body)["limits"]
    document = parse(TEXT)
    named = {told_as.strip("`"): default for _, told_as, default, _ in document.settings if told_as}
    assert told == {name: int(number) for name, number in named.items()} | {
        "request_bytes": limits.REQUEST_MAX_BYTES,
        "history_messages": limits.HISTORY_MAX_MESSAGES,
    }


def test_rate_limits_have_their_defaults() -> None:
    rates = RateLimits()
    rows = parse(TEXT).rates
    assert [row[0] for row in rows] == [rate.value for rate in Rate]
    for name, _, per_second, burst, _ in rows:
        assert converts(per_second, getattr(rates, f"{name}_rate"))
        assert converts(burst, getattr(rates, f"{name}_burst"))


def test_nothing_was_added_in_a_version_to_come() -> None:
    document = parse(TEXT)
    since = [row[5] for row in document.table] + [row[2] for row in document.bulk_table + document.errors]
    assert {int(version) for version in since} == {VERSION}


def test_the_services_and_the_cap_on_history_are_as_said() -> None:
    assert f"those of {', '.join(f'`{name}`' for name in SERVICES)} that" in TEXT
    assert f"pass {MOST_BYTES} bytes" in TEXT


def test_every_link_inside_the_document_leads_somewhere() -> None:
    headings = re.findall(r"^#+ (.+)$", TEXT, re.MULTILINE)
    anchors = {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    links = set(re.findall(r"\]\(#([^)]+)\)", TEXT))
    assert links and links <= anchors


def test_the_internal_commands_are_not_in_the_document() -> None:
    internal = COMMANDS.keys() - PUBLIC.keys()
    assert internal == {"presence.report", "message.deliver"}
    assert not any(name in TEXT for name in internal)


# --- and the comparison would notice ------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("| `device` | str ≤ 64, default", "| `gadget` | str ≤ 64, default"),
        ("| `duplicate` | bool | it was stored by an earlier try |\n", ""),
        ("| `id` | bin 16 | the message id |", "| `id` | bin | the message id |"),
        ("| `limit` | uint 1–1000, default 100 |", "| `limit` | uint 1–1000, default 50 |"),
        ("| `after` | uint, optional | a seq; messages behind", "| `after` | uint | a seq; messages behind"),
        ("| `joined_at` | uint | |\n", "| `joined_at` | uint | |\n| `left_at` | uint | |\n"),
        ("| `last_seen` | uint | when it was noticed |\n", ""),
        ("| `change` | str |", "| `change` | uint |"),
        ("### `typing`", "### `writing`"),
        ("### `user.get`", "### `user.find`"),
        ("| `busy` | later |", "| `busy` | never |"),
        ("| `conflict` | never | 1 |", "| `clash` | never | 1 |"),
        ("| `REPLY_MAX_BYTES` | 524288 |", "| `REPLY_MAX_BYTES` | 524289 |"),
        ("| `TOKEN_BYTES` | 16 | bytes of a token |\n", ""),
        ("| `group.leave` | yes | no |", "| `group.leave` | yes | yes |"),
        ("| `auth.login` | no | yes | 9216 | entry |", "| `auth.login` | no | yes | 9216 | call |"),
        ("| `message.send` | yes | yes | 130048 |", "| `message.send` | yes | yes | 131072 |"),
        ("| `folders` | [str], default [] |", "| `folders` | [str] |"),
        ("| `file` | FileInfo, optional |", "| `file` | FileInfo |"),
        ("| `ends_at` | uint | when it is swept", "| `ends_at` | str | when it is swept"),
        ("| `gone` | bool, default false |", "| `gone` | bool |"),
        ("| `chunk.get` | reply |", "| `chunk.get` | request |"),
        ("### `chunk.seal`", "### `chunk.close`"),
        ("| `offset` | uint | where they begin: any |\n", ""),
    ],
)
def test_a_change_to_the_document_alone_is_noticed(old: str, new: str) -> None:
    assert TEXT.count(old) >= 1
    assert differences(TEXT.replace(old, new, 1))


def more(struct: type[Struct]) -> Any:
    """The struct with one field more."""
    extra: list[Any] = [("novelty", int, 0)]
    return defstruct(struct.__name__, extra, bases=(struct,), frozen=True, kw_only=True)


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_a_field_added_to_a_request_or_reply_alone_is_noticed(name: str) -> None:
    row = PUBLIC[name]
    assert differences(TEXT, commands={**PUBLIC, name: row._replace(request=more(row.request))})
    assert differences(TEXT, commands={**PUBLIC, name: row._replace(reply=more(row.reply))})


@pytest.mark.parametrize("name", sorted(BULK))
def test_a_field_added_to_a_bulk_command_alone_is_noticed(name: str) -> None:
    row = BULK[name]
    assert differences(TEXT, bulk={**BULK, name: row._replace(request=more(row.request))})
    assert differences(TEXT, bulk={**BULK, name: row._replace(reply=more(row.reply))})


@pytest.mark.parametrize("kind", sorted(EVENTS))
def test_a_field_added_to_an_event_alone_is_noticed(kind: str) -> None:
    assert differences(TEXT, events={**EVENTS, kind: more(EVENTS[kind])})


def test_a_command_event_error_or_limit_added_to_the_code_alone_is_noticed() -> None:
    row = PUBLIC["user.get"]._replace(name="user.find")
    assert differences(TEXT, commands={**PUBLIC, "user.find": row})
    assert differences(TEXT, bulk={**BULK, "chunk.drop": BULK["chunk.seal"]._replace(name="chunk.drop")})
    assert differences(TEXT, events={**EVENTS, "wink": EVENTS["typing"]})
    assert differences(TEXT, retry={**RETRY, "teapot": "never"})
    assert differences(TEXT, numbers={**LIMITS, "TEA_MAX": 1})


def test_a_command_event_error_or_limit_taken_from_the_code_alone_is_noticed() -> None:
    tables = ((PUBLIC, "commands"), (BULK, "bulk"), (EVENTS, "events"), (RETRY, "retry"), (LIMITS, "numbers"))
    for whole, name in tables:
        lacking = dict(list(whole.items())[1:])
        assert differences(TEXT, **{name: lacking})


def test_a_field_added_to_a_shape_alone_is_noticed() -> None:
    row = PUBLIC["user.list"]
    users = more(msgspec.structs.fields(row.reply)[0].type.__args__[0])
    reply: Any = defstruct(
        "UsersReply", [("users", GenericAlias(list, (users,))), ("more", bool)], bases=(Body,)
    )
    assert differences(TEXT, commands={**PUBLIC, "user.list": row._replace(reply=reply)})


# --- the programs in the appendices -------------------------------------------------------------


def test_there_are_two_programs() -> None:
    assert len(parse(TEXT).programs) == len(PRINTED)


@pytest.mark.parametrize("number", range(len(PRINTED)))
def test_a_program_is_short_and_needs_pyzmq_and_msgpack_only(number: int) -> None:
    program = parse(TEXT).programs[number]
    assert len(program.splitlines()) < 60
    modules = set()
    for node in ast.walk(ast.parse(program)):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            modules.add(str(node.module))
    assert {module.split(".")[0] for module in modules} - set(sys.stdlib_module_names) == {"zmq", "msgpack"}


@pytest.mark.parametrize(("number", "printed"), list(enumerate(PRINTED)))
def test_a_program_runs_as_it_stands(tmp_path: Path, number: int, printed: str) -> None:
    file = tmp_path / "session.py"
    file.write_text(parse(TEXT).programs[number], encoding="utf-8")
    with OwnServer() as server:
        done = subprocess.run(
            [sys.executable, "-P", str(file), server.connection],
            cwd=tmp_path,
            env={"PATH": ""},
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert (done.returncode, done.stdout) == (0, printed), done.stderr


def test_the_grammar_is_that_of_the_frames() -> None:
    frame = pack_request(7, b"t" * 16, "message.send", b"\x80")
    assert msgpack.unpackb(frame) == [VERSION, 7, b"t" * 16, "message.send", b"\x80"]
    assert "request   = [ version, request-id, token, command, body, *1origin ]" in TEXT
    block = TEXT.split("## Grammar")[1].split("```")[1]
    assert 20 <= len([line for line in block.splitlines() if line.strip()]) <= 30
