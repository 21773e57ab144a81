"""Somebody at a door of an older protocol: how a command is said there, and what an answer means.

Written from the dialects' tables, not from the gateway's code. Where a dialect has one sentence for two
refusals its code is both, with a bar between them. Not here: any expectation.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from tests.authorisation.doors import Outcome, Seat
from tests.gateway.peer import Peer

OK: Final = "ok"
LOGIN: Final = "unauthenticated"
CREDS: Final = "invalid_credentials"
NO: Final = "forbidden"
NONE: Final = "not_found"
CLASH: Final = "conflict"
EITHER: Final = f"{NO}|{NONE}"

CONTENT: Final = b"halo"
"""Of a file."""


class LineSeat(Seat):
    """One TCP connection, which may be replaced where the dialect ends it."""

    SENTENCES: ClassVar[Mapping[str, str]]
    """What is answered, as a code; ``{}`` is any name."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.peer = Peer(port)

    def login(self, name: str, password: str, device: str) -> Outcome:
        """See ``Seat``. Devices have no names here."""
        return self.do("auth.login", username=name, password=password)

    def meant(self, answer: str) -> Outcome:
        """What a sentence says."""
        for sentence, code in self.SENTENCES.items():
            if re.fullmatch(re.escape(sentence).replace(r"\{\}", r"\S+"), answer):
                return Outcome(code, {"answer": answer})
        return Outcome(f"nothing known: {answer!r}", {"answer": answer})

    def close(self) -> None:
        """See ``Seat``."""
        self.peer.close()


class BracketSeat(LineSeat):
    """Lines; those that were pushed begin with a date."""

    SENTENCES: ClassVar = {
        "[OK] sign up berhasil": OK,
        "[OK] login berhasil": OK,
        "[OK] Logout berhasil": OK,
        "[OK] pesan terkirim": OK,
        "[OK] Pesan terkirim": OK,
        "[OK] Join grup berhasil": OK,
        "[OK] Berhasil keluar dari grup": OK,
        "[OK] Grup berhasil dibuat": OK,
        "[OK] Tidak ada pesan baru": OK,
        "[OK] {} pesan baru": OK,
        # Joining once more is no fault to the system, and changes nothing.
        "[ERR] Anda telah bergabung dalam grup": OK,
        "[ERR] Anda belum login": LOGIN,
        "[ERR] Username sudah terpakai": CLASH,
        "[ERR] Nama grup sudah terpakai": CLASH,
        "[ERR] Username belum tersedia": CREDS,
        "[ERR] Password yang dimasukkan salah": CREDS,
        "[ERR] Password grup salah": CREDS,
        "[ERR] penerima tidak tersedia": NONE,
        "[ERR] Grup tidak tersedia": NONE,
        "[ERR] Nama grup tidak tersedia": NONE,
        "[ERR] Anda belum bergabung dalam grup": NO,
    }

    def do(self, command: str, **fields: Any) -> Outcome:
        """See ``Seat``."""
        self.peer.says(f"{_bracket(command, fields)}\n".encode())
        while re.match(r"\d{4}/\d\d/\d\d ", answer := self.peer.line().decode()):
            pass
        if command in ("user.whoami", "user.online") and answer[:1] != "[":
            if command == "user.online":
                self.peer.says(b"ENOUGH\n")
                self.peer.until(b"[ERR] Format message tidak sesuai\n")
            return Outcome(OK, {"answer": answer})
        return self.meant(answer)


def _bracket(command: str, fields: dict[str, Any]) -> str:
    match command:
        case "auth.register" | "auth.login":
            return f"{command[5:]} {fields['username']} {fields['password']}"
        case "auth.logout" | "user.whoami" | "user.online":
            return command[5:]
        case "conversation.list":
            return "CHECK"
        case "message.broadcast":
            return f"BROADCAST {fields['body']}"
        case "message.send":
            to, body = fields["to"], fields["body"]
            return f"CHATGROUP {to[1:]} {body}" if to[0] == "#" else f"SEND {to} {body}"
        case "group.create":
            return f"CREATEGROUP {fields['group']} sesame"
        case "group.join":
            return f"JOIN {fields['group']} {fields['password']}"
        case "group.leave":
            return f"LEAVE {fields['group']}"
    raise AssertionError(command)


class SignupSeat(LineSeat):
    """Strings with NUL behind them, as the old program sends and awaits them."""

    SENTENCES: ClassVar = {
        "Signup success": OK,
        "Login success": OK,
        "Logout success": OK,
        "Group {} created": OK,
        "Joining group {}": OK,
        "Leaving group {}": OK,
        "File sent": OK,
        "Try another username": CLASH,
        "Try another group name": CLASH,
        "Anda belum login!": LOGIN,
        "Invalid username and password": CREDS,
        "{} doesn't exist.": NONE,
        "Group {} doesn't exist": NONE,
        "Group {} needs a password: join it with another client": CREDS,
        "You are not member of {}": NO,
    }

    def do(self, command: str, **fields: Any) -> Outcome:
        """See ``Seat``."""
        answer = self._says(_signup(command, fields))
        if answer == "Message: ":
            answer = self._says(fields["body"])
        elif answer == "File location: ":
            self.peer.says(b"x.txt %d\n%b" % (len(CONTENT), CONTENT))
            answer = self._string()
        if answer[:2] == "0[" or (command == "message.history" and answer[:1] == "1"):
            self._string()
            return Outcome(OK, {"answer": answer})
        outcome = self.meant(answer)
        if command == "group.leave" and outcome.code == NO:
            return Outcome(EITHER, outcome.body)
        return outcome

    def _says(self, string: str) -> str:
        self.peer.says(f"{string}\0".encode())
        return self._string()

    def _string(self) -> str:
        """The next one, without the news behind it."""
        string = self.peer.until(b"\0")[:-1].decode()
        return re.sub(r"(New message\(s\) from \S+\n|lastread \d+\n)*\Z", "", string)


def _signup(command: str, fields: dict[str, Any]) -> str:
    match command:
        case "auth.register":
            return f"signup {fields['username']} {fields['password']}"
        case "auth.login":
            return f"login {fields['username']} {fields['password']}"
        case "auth.logout":
            return "logout"
        case "message.send":
            return f"message {fields['to'].removeprefix('#')}"
        case "message.history":
            return f"show {fields['with'].removeprefix('#')} 0"
        case "group.create" | "group.join" | "group.leave":
            return f"{command[6:]}_group {fields['group']}"
        case "file.begin":
            return f"sendfile {fields['to'].removeprefix('#')}"
    raise AssertionError(command)


class JsonSeat(LineSeat):
    """Objects. The token that a login gave goes with every command, also after it has ended."""

    SENTENCES: ClassVar = {
        "user telah terdaftar": CLASH,
        "group telah terdaftar": CLASH,
        "user tidak ditemukan": CREDS,
        "password salah": CREDS,
        "Group memakai password": CREDS,
        "Session Tidak Ditemukan": LOGIN,
        "User Tidak Ditemukan": NONE,
        "Group tidak ditemukan": NONE,
        "User tidak memiliki akses ke grup ini": EITHER,
    }

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self._token = ""

    def do(self, command: str, **fields: Any) -> Outcome:
        """See ``Seat``."""
        word, arguments = _json(command, fields)
        token = f"{self._token} " if command not in ("auth.register", "auth.login") else ""
        self.peer.says(f"{word} {token}{arguments} \r\n".encode())
        answer = json.loads(self.peer.until(b"\r\n\r\n"))
        assert answer["data"] == answer["message"]
        if answer["status"] == "OK":
            self._token = answer.get("token_id", self._token)
            return Outcome(OK, answer)
        outcome = self.meant(answer["data"])
        if word == "sendgroupfile" and outcome.code == NONE:
            return Outcome(EITHER, outcome.body)
        return outcome


def _json(command: str, fields: dict[str, Any]) -> tuple[str, str]:
    match command:
        case "auth.register" | "auth.login":
            word = "auth" if command == "auth.login" else "register"
            return word, f"{fields['username']} {fields['password']}"
        case "auth.logout":
            return "logout", ""
        case "user.list":
            return "getallusers", ""
        case "group.create" | "group.join":
            return f"{command[6:]}group", fields["group"]
    to = fields["with"] if command == "message.history" else fields["to"]
    group = to[0] == "#"
    match command:
        case "message.send":
            return "sendgroup" if group else "sendprivate", f"{to.removeprefix('#')}  {fields['body']}"
        case "message.history":
            return "inboxgroup" if group else "inboxbysender", to.removeprefix("#")
        case "file.begin":
            content = base64.b64encode(CONTENT).decode()
            word = "sendgroupfile" if group else "sendfile"
            return word, f"{to.removeprefix('#')} b'{content}' /tmp/x.txt"
    raise AssertionError(command)


class FtpSeat(LineSeat):
    """Lines, and bytes of files between them."""

    SENTENCES: ClassVar = {
        "[OK] username berhasil direkam": OK,
        "[OK] login berhasil": OK,
        "[OK] {} entri": OK,
        "[OK] file telah terupload": OK,
        "[OK] File {} telah dihapus": OK,
        "[ERR] anda belum terautentikasi": LOGIN,
        "[ERR] password salah": CREDS,
        "[ERR] username tidak ditemukan": CREDS,
        "[ERR] direktori tidak ada": NONE,
        "[ERR] file tidak ditemukan": NONE,
    }

    def do(self, command: str, **fields: Any) -> Outcome:
        """See ``Seat``."""
        match command:
            case "auth.login":
                self._says(f"USER {fields['username']}")
                return self.meant(self._says(f"PASS {fields['password']}"))
            case "auth.logout":
                self.peer.says(b"EXIT\n")
                self.peer.is_hung_up_on()
                self.peer.close()
                self.peer = Peer(self._port)
                return Outcome(OK, {})
            case "file.list":
                answer = self._says(f"LIST {fields['path']}")
                while answer[:1] != "[":
                    answer = self.peer.line().decode()
                return self.meant(answer)
            case "file.stat":
                answer = self._says(f"RETR {fields['path']}")
                if answer.startswith("[OK] "):
                    size = int(answer[5:])
                    assert len(self.peer.takes(size)) == size
                    return Outcome(OK, {"answer": answer})
                return self.meant(answer)
            case "file.begin":
                self.peer.says(b"PUT %b %d\n%b" % (fields["path"].encode(), len(CONTENT), CONTENT))
                return self.meant(self.peer.line().decode())
            case "file.delete":
                return self.meant(self._says(f"DEL {fields['path']}"))
        raise AssertionError(command)

    def _says(self, line: str) -> str:
        self.peer.says(f"{line}\n".encode())
        return self.peer.line().decode()
