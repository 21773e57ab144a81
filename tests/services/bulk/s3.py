"""A server that speaks S3, on a free port of this machine, with a bucket of its own for each test."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.request import Request, urlopen

from moto.server import ThreadedMotoServer

VARIABLES = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "us-east-1",
    "AWS_ALLOW_HTTP": "true",
    "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "false",
}


class S3:
    """``address`` is where it is; ``environment`` what a process needs to use it."""

    def __init__(self) -> None:
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._server.start()
        host, port = self._server.get_host_and_port()
        self.address = f"http://{host}:{port}"
        self.environment = {**VARIABLES, "AWS_ENDPOINT_URL": self.address}

    def bucket(self) -> str:
        """A new one."""
        name = f"files-{uuid.uuid4().hex}"
        with urlopen(Request(f"{self.address}/{name}", method="PUT"), timeout=10):
            pass
        return name

    def stop(self) -> None:
        """End it."""
        self._server.stop()


@contextmanager
def environment(variables: dict[str, str]) -> Iterator[None]:
    """These variables for a while; other ones of AWS are not seen."""
    before = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    for name in before:
        del os.environ[name]
    os.environ.update(variables)
    try:
        yield
    finally:
        for name in variables:
            del os.environ[name]
        os.environ.update(before)
