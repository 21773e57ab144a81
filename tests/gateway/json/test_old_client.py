"""Two programs as they were written for the json dialect, unmodified: all that they know of it is here."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.gateway.conftest import PASSWORD, Town

PIECE = 64


class Patient:
    """Reads piece by piece, decodes each, and keeps the token that it reads without a default."""

    def __init__(self, made: socket.socket) -> None:
        self.sock = made
        self.tokenid = ""

    def sendstring(self, string: str) -> dict[str, Any]:
        """What is answered; whatever goes wrong ends the connection."""
        try:
            self.sock.sendall(string.encode())
            received = ""
            while True:
                data = self.sock.recv(PIECE)
                if not data:
                    break
                received = f"{received}{data.decode()}"
                if received[-4:] == "\r\n\r\n":
                    return dict(json.loads(received))
        except (OSError, ValueError):
            pass
        self.sock.close()
        return {"status": "ERROR", "message": "Gagal"}

    def login(self, username: str, password: str) -> str:
        """``auth``"""
        result = self.sendstring(f"auth {username} {password} \r\n")
        if result["status"] == "OK":
            self.tokenid = result["tokenid"]
            return f"username {username} logged in, token {self.tokenid}"
        return f"Error, {result['message']}"

    def sendmessage(self, usernameto: str, message: str) -> str:
        """``sendprivate``"""
        result = self.sendstring(f"sendprivate {self.tokenid} {usernameto}  {message} \r\n")
        return (
            f"{result['message']} to {usernameto}"
            if result["status"] == "OK"
            else f"Error, {result['message']}"
        )

    def inbox(self) -> str:
        """``inbox``"""
        result = self.sendstring(f"inbox {self.tokenid} \r\n")
        return json.dumps(result["messages"]) if result["status"] == "OK" else f"Error, {result['message']}"

    def send_file(self, usernameto: str, path: Path) -> str:
        """``sendfile``"""
        content = base64.b64encode(path.read_bytes())
        result = self.sendstring(f"sendfile {self.tokenid} {usernameto} {content!r} {path} \r\n")
        return str(result["message"])

    def receive_files(self, folder: Path) -> list[str]:
        """``receivefile``, to a folder."""
        result = self.sendstring(f"receivefile {self.tokenid} \r\n")
        for file in result["content"]:
            encoded = file["file_content"]
            (folder / file["file_name"]).write_bytes(base64.b64decode(encoded[2:-1]))
        return [f"{file['sender']}@{file['sender_realm']}" for file in result["content"]]


class Hasty:
    """Reads once, and throws away what does not end as it should."""

    def __init__(self, made: socket.socket) -> None:
        self.sock = made

    def ask(self, line: str) -> Any:
        """``data`` of the reply; None when it was thrown away."""
        self.sock.sendall(line.encode() + b"\r\n")
        received = self.sock.recv(4096)
        return json.loads(received)["data"] if received.endswith(b"\r\n\r\n") else None


@contextmanager
def connected(town: Town) -> Iterator[socket.socket]:
    """A socket at the dialect's port."""
    with socket.create_connection(("127.0.0.1", town.port("json")), 20) as made:
        yield made


def test_a_client_that_reads_in_pieces_talks_and_sends_files(town: Town, tmp_path: Path) -> None:
    ani, budi = town.name("ani"), town.name("budi")
    there = tmp_path / "there"
    there.mkdir()
    photo = tmp_path / "foto.png"
    photo.write_bytes(bytes(range(256)) * 9)
    with connected(town) as one, connected(town) as two:
        of_ani, of_budi = Patient(one), Patient(two)
        for name in (ani, budi):
            assert of_ani.sendstring(f"register {name} {PASSWORD} \r\n")["status"] == "OK"
        assert of_ani.login(ani, "salah-sama-sekali") == "Error, password salah"
        assert of_ani.login(ani, PASSWORD) == f"username {ani} logged in, token {of_ani.tokenid}"
        of_budi.login(budi, PASSWORD)
        assert of_ani.sendmessage(budi, "漢字 " * 40) == f"Message Sent to {budi}"
        assert of_ani.sendmessage("nobody-here", "halo") == "Error, User Tidak Ditemukan"
        assert [message["message"] for message in json.loads(of_budi.inbox())] == [("漢字 " * 40).strip()]
        assert of_ani.send_file(budi, photo) == "File Sent"
        (sender,) = of_budi.receive_files(there)
        assert sender.startswith(f"{ani}@")
        assert (there / "foto.png").read_bytes() == photo.read_bytes()


def test_a_client_that_reads_once_misses_nothing(town: Town) -> None:
    ani = town.name("ani")
    with connected(town) as made:
        client = Hasty(made)
        assert client.ask(f"register {ani} {PASSWORD}") == "OK"
        assert client.ask(f"register {ani} {PASSWORD}") == "user telah terdaftar"
        assert client.ask("inbox") == "Session Tidak Ditemukan"
        assert client.ask(f"auth {ani} {PASSWORD}") == "OK"
        assert client.ask(f"sendprivate {ani} halo") == "Message Sent"
        for line in ("inbox", f"inboxbysender {ani}", "receivefile", "logout"):
            assert client.ask(line) == "OK"
        assert client.ask("apa") == "Maaf, command tidak benar"
