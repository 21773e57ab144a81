"""The json dialect, over real sockets: every row of its table, each with its errors."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta

import pytest

from client import Chat
from tests.gateway.conftest import PASSWORD, Town
from tests.gateway.json_peer import END, JsonPeer

TOKEN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NO_ACCESS = "User tidak memiliki akses ke grup ini"
STRANGER = "Session Tidak Ditemukan"
MALFORMED = "--Protocol Tidak Benar"


# --- register, auth, logout ---------------------------------------------------------------------


def test_who_has_registered_logs_in_and_gets_a_token_under_both_names(town: Town) -> None:
    name = town.name("ani")
    with JsonPeer(town) as peer:
        registered = peer.done(f"register {name} {PASSWORD}")
        assert registered.keys() == {"status", "data", "message", "realm_id"}
        reply = peer.done(f"auth {name} {PASSWORD}")
        assert reply.keys() == {"status", "data", "message", "realm_id", "token_id", "tokenid"}
        assert reply["realm_id"] == registered["realm_id"]
        assert TOKEN.fullmatch(reply["token_id"])
        assert reply["token_id"] == reply["tokenid"]


def test_a_name_is_registered_once(ani: JsonPeer) -> None:
    assert ani.refused(f"register {ani.name.upper()} {PASSWORD}") == "user telah terdaftar"


@pytest.mark.parametrize("name", ["x" * 33, "dua@tempat-lain", "#ops", "*", 'a"b', "{0}", "budi%s", "é"])
def test_what_is_no_name_is_not_registered(town: Town, name: str) -> None:
    with JsonPeer(town) as peer:
        assert peer.refused(f"register {name} {PASSWORD}").startswith("Nama tidak benar: ")
        assert peer.refused(f"auth {name} {PASSWORD}") == "user tidak ditemukan"


def test_a_password_that_is_too_short_or_too_long_is_refused_with_the_reason(town: Town) -> None:
    with JsonPeer(town) as peer:
        name = town.name("ani")
        assert peer.refused(f"register {name} pendek") == "Password minimal 8 karakter"
        assert peer.refused(f"register {name} {'x' * 1025}") == "Password terlalu panjang"


def test_nobody_gets_in_with_a_wrong_name_or_password(town: Town, ani: JsonPeer) -> None:
    with JsonPeer(town) as peer:
        assert peer.refused(f"auth {town.name('hantu')} {PASSWORD}") == "user tidak ditemukan"
        assert peer.refused(f"auth {ani.name} salah-sekali") == "password salah"
        assert peer.refused("inbox") == STRANGER


def test_a_name_may_say_that_it_is_of_this_realm(town: Town, ani: JsonPeer) -> None:
    with JsonPeer(town) as peer:
        peer.done(f"auth {ani.name}@{ani.realm} {PASSWORD}")
        assert peer.refused(f"auth {ani.name}@tempat-lain {PASSWORD}") == "user tidak ditemukan"


def test_logging_out_ends_the_session_and_the_token_and_leaves_the_connection(ani: JsonPeer) -> None:
    assert ani.done(f"logout {ani.token}").keys() == {"status", "data", "message"}
    assert ani.refused(f"inbox {ani.token}") == STRANGER
    assert ani.refused("inbox") == STRANGER
    assert ani.refused(f"logout {ani.token}") == STRANGER
    ani.done(f"auth {ani.name} {PASSWORD}")
    ani.done("logout")
    assert ani.refused("inbox") == STRANGER


def test_logging_in_again_ends_the_session_before(ani: JsonPeer) -> None:
    token = ani.done(f"auth {ani.name} {PASSWORD}")["token_id"]
    assert ani.refused(f"inbox {ani.token}") == STRANGER
    ani.done(f"inbox {token}")


# --- sendprivate, inbox -------------------------------------------------------------------------


def test_a_message_is_in_the_inbox_with_everything_there_is_to_say(ani: JsonPeer, budi: JsonPeer) -> None:
    before = datetime.now()
    assert ani.done(f"sendprivate {ani.token} {budi.name}  apa kabar?")["message"] == "Message Sent"
    (message,) = budi.done(f"inbox {budi.token}")["messages"]
    sent_at = message.pop("created_at")
    assert message == {
        "sender": ani.name,
        "sender_realm": ani.realm,
        "receiver": budi.name,
        "receiver_realm": ani.realm,
        "message": "apa kabar?",
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}", sent_at)
    second = timedelta(seconds=1)
    assert before - second < datetime.strptime(sent_at, "%Y-%m-%d %H:%M:%S.%f") < datetime.now() + second


def test_reading_does_not_consume(ani: JsonPeer, budi: JsonPeer) -> None:
    ani.done(f"sendprivate {budi.name} satu")
    assert budi.hears_of("inbox") == budi.hears_of("inbox") == [(ani.name, "satu")]


def test_the_inbox_has_what_others_said_by_time_and_with_a_sender_both_sides(
    town: Town, ani: JsonPeer, budi: JsonPeer
) -> None:
    with JsonPeer(town) as citra:
        citra.enters(town.name("citra"))
        ani.done(f"sendprivate {budi.name} satu")
        citra.done(f"sendprivate {budi.name} dua")
        budi.done(f"sendprivate {ani.name} tiga")
        ani.done(f"sendprivate {budi.name} empat")
    assert budi.hears_of("inbox") == [(ani.name, "satu"), (citra.name, "dua"), (ani.name, "empat")]
    both = [(ani.name, "satu"), (budi.name, "tiga"), (ani.name, "empat")]
    for line in (
        f"inbox {ani.name}",
        f"inbox {budi.token} {ani.name}@{ani.realm}",
        f"inboxbysender {ani.name}",
        f"inboxbysender {budi.token} {ani.name}",
    ):
        assert budi.hears_of(line) == both
    receivers = [message["receiver"] for message in budi.done(f"inbox {ani.name}")["messages"]]
    assert receivers == [budi.name, ani.name, budi.name]


def test_the_messages_of_nobody_are_an_empty_list(town: Town, ani: JsonPeer, budi: JsonPeer) -> None:
    assert ani.hears_of("inbox") == []
    assert ani.hears_of(f"inbox {budi.name}") == ani.hears_of(f"inboxbysender {budi.name}") == []
    for sender in (budi.name, town.name("hantu"), f"{budi.name}@tempat-lain", "#ops", "*"):
        assert ani.hears_of(f"inbox {ani.token} {sender}") == []
        assert ani.hears_of(f"inboxbysender {ani.token} {sender}") == []


@pytest.mark.parametrize("name", ["{0}@tempat-lain", "#{0}", "*", "{0}x" + "x" * 33, '"', "{{0}}"])
def test_a_message_to_nobody_is_refused(ani: JsonPeer, budi: JsonPeer, name: str) -> None:
    assert ani.refused(f"sendprivate {name.format(budi.name)} halo") == "User Tidak Ditemukan"
    assert ani.refused(f"sendprivate {ani.token} {name.format(budi.name)} halo") == "User Tidak Ditemukan"
    assert budi.hears_of("inbox") == []


def test_a_message_may_go_to_a_name_of_this_realm_and_to_oneself(ani: JsonPeer, budi: JsonPeer) -> None:
    ani.done(f"sendprivate {budi.name}@{ani.realm} halo")
    ani.done(f"sendprivate {ani.name} catatan")
    assert budi.hears_of("inbox") == [(ani.name, "halo")]
    assert ani.hears_of("inbox") == [(ani.name, "catatan")]


TEXTS = [
    '{"a": [1]}',
    'kata "kutip" dan \\',
    "é 漢字 🎉 \u2028",
    "dua  spasi",
    "b'YQ=='",
    "baris\nkedua",
    "%s {0}",
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_arrives_as_it_is_and_nothing_but_ascii_goes_out(
    ani: JsonPeer, budi: JsonPeer, text: str
) -> None:
    ani.done(f"sendprivate {budi.name}  {text}")
    budi.says(b"inbox\r\n")
    whole = budi.until(END)
    assert whole.isascii()
    assert [message["message"] for message in json.loads(whole)["messages"]] == [text]


# --- groups -------------------------------------------------------------------------------------


def test_a_group_is_made_joined_and_written_to(town: Town, ani: JsonPeer, budi: JsonPeer) -> None:
    group = town.name("ops")
    created = ani.done(f"creategroup {group}")
    assert created["groupname"] == group
    assert budi.done(f"joingroup {budi.token} {group}")["data"] == "User berhasil join group"
    assert ani.done(f"sendgroup {ani.token} {group}  selamat pagi")["data"] == "Message Sent"
    budi.done(f"sendgroup {group} pagi")
    (first, second) = ani.done(f"inboxgroup {ani.token} {group}")["messages"]
    first.pop("created_at")
    assert first == {
        "sender": ani.name,
        "sender_realm": ani.realm,
        "receiver_group": group,
        "receiver_realm": ani.realm,
        "message": "selamat pagi",
    }
    assert (second["sender"], second["message"]) == (budi.name, "pagi")
    assert budi.hears_of("inbox") == []


def test_who_joins_twice_has_joined(town: Town, ani: JsonPeer) -> None:
    group = town.name("ops")
    ani.done(f"creategroup {ani.token} {group}")
    assert ani.done(f"joingroup {group}")["data"] == "User berhasil join group"


def test_a_group_is_made_once(town: Town, ani: JsonPeer, budi: JsonPeer) -> None:
    group = town.name("ops")
    ani.done(f"creategroup {group}")
    assert budi.refused(f"creategroup {group}") == "group telah terdaftar"
    assert budi.refused("creategroup #x").startswith("Nama tidak benar: ")


def test_groups_of_other_realms_and_unknown_ones_are_not_found(
    town: Town, ani: JsonPeer, budi: JsonPeer
) -> None:
    group = town.name("ops")
    ani.done(f"creategroup {group}")
    for line in (town.name("hantu"), f"{group} tempat-lain", f"{group}@tempat-lain", f"#{group}", "*"):
        assert budi.refused(f"joingroup {line}") == "Group tidak ditemukan"
    budi.done(f"joingroup {group} {budi.realm}")


async def test_a_group_with_a_password_is_entered_through_another_door(town: Town, ani: JsonPeer) -> None:
    group = town.name("ops")
    async with Chat.connect(town.connection) as chat:
        citra = town.name("citra")
        await chat.register(citra, PASSWORD)
        await chat.login(citra, PASSWORD)
        await chat.create_group(group, "kunci")
    assert ani.refused(f"joingroup {group}") == "Group memakai password"


def test_only_members_write_and_read(town: Town, ani: JsonPeer, budi: JsonPeer) -> None:
    group = town.name("ops")
    ani.done(f"creategroup {group}")
    for name in (group, town.name("hantu"), f"#{group}", "*", budi.name):
        assert budi.refused(f"sendgroup {name} halo") == NO_ACCESS
        assert budi.refused(f"inboxgroup {budi.token} {name}") == NO_ACCESS
    budi.done(f"joingroup {group}")
    assert budi.refused(f"inboxgroup {group} tempat-lain") == NO_ACCESS
    assert budi.hears_of(f"inboxgroup {group} {budi.realm}") == []


def test_the_groups_of_a_user_are_listed_when_there_are_any(
    town: Town, ani: JsonPeer, budi: JsonPeer
) -> None:
    assert ani.refused(f"getallgroups {ani.token}") == "User tidak memiliki akses ke grup"
    groups = [town.name("ops"), town.name("lab")]
    for group in groups:
        budi.done(f"creategroup {group}")
        ani.done(f"joingroup {group}")
    assert ani.done("getallgroups")["groups"] == [
        {"username": ani.name, "groupname": group, "realm_id": ani.realm} for group in groups
    ]


def test_every_user_is_listed(ani: JsonPeer, budi: JsonPeer) -> None:
    for line in ("getallusers", f"getallusers {ani.token}"):
        assert {ani.name, budi.name} <= set(ani.done(line)["users"])


# --- what is wrong ------------------------------------------------------------------------------

SHORT = [
    *("register", "register ani", "auth", "auth ani", "sendprivate", "sendprivate budi", "creategroup"),
    *("joingroup", "sendgroup", "sendgroup ops", "inboxgroup", "inboxbysender", "sendfile", "sendfile budi"),
    *("sendfile budi YQ==", "sendgroupfile ops YQ==", "auth ani kata sandi"),
]


@pytest.mark.parametrize("line", SHORT)
def test_too_few_words_are_refused_whoever_says_them(town: Town, line: str) -> None:
    with JsonPeer(town) as peer:
        assert peer.refused(line) == MALFORMED
        peer.enters(town.name("ani"))
        assert peer.refused(line) == MALFORMED
        word, _, rest = line.partition(" ")
        if word not in ("auth", "register"):
            assert peer.refused(f"{word} {peer.token} {rest}") == MALFORMED


NEED_LOGIN = [
    *("sendprivate budi halo", "inbox", "inbox budi", "inboxbysender budi", "creategroup ops"),
    *("joingroup ops", "sendgroup ops halo", "inboxgroup ops", "sendfile budi YQ== a", "receivefile"),
    *("sendgroupfile ops YQ== a", "receivefile budi", "getallusers", "getallgroups", "logout"),
]


@pytest.mark.parametrize("line", NEED_LOGIN)
def test_strangers_and_unknown_tokens_find_no_session(town: Town, ani: JsonPeer, line: str) -> None:
    word, _, rest = line.partition(" ")
    unknown = f"{word} 01234567-89ab-cdef-0123-456789abcdef {rest}"
    with JsonPeer(town) as stranger:
        assert stranger.refused(line) == STRANGER
        assert stranger.refused(unknown) == STRANGER
    assert ani.refused(unknown) == STRANGER


@pytest.mark.parametrize(
    "line", ["", "halo", "AUTH ani x", "kata kata", "{0}", "inbox-budi", "sendprivatex a b"]
)
def test_what_is_no_command_is_said_to_be_none(town: Town, line: str) -> None:
    with JsonPeer(town) as peer:
        assert peer.refused(line) == "Maaf, command tidak benar"


@pytest.mark.parametrize("line", [b"\xff\xfe", b"auth \xff\xfe x", b"sendprivate budi \xc3(", b"\x80 halo"])
def test_what_is_not_utf_8_is_refused(ani: JsonPeer, line: bytes) -> None:
    ani.says(line + b" \r\n")
    assert ani.reply()["message"] == MALFORMED
