"""What ``pesan up`` prints."""

from __future__ import annotations

import io
import os
import re

from broker.up.printer import Lines


def test_lines_stand_in_columns_but_for_the_one_that_tools_wait_for() -> None:
    output = io.StringIO()
    lines = Lines(output, ["broker.1", "messaging.1"])
    lines.line("broker.1", b"pesan ready pesan://127.0.0.1:7700?key=abc")
    lines.line("messaging.1", b"warm \xff")
    lines.say("broker.1 ended")
    printed = re.sub(r"\d\d:\d\d:\d\d", "TIME", output.getvalue())
    assert printed == (
        "pesan ready pesan://127.0.0.1:7700?key=abc\n"
        "TIME messaging.1 | warm \N{REPLACEMENT CHARACTER}\n"
        "TIME up          | broker.1 ended\n"
    )


def test_when_nobody_reads_any_more_the_server_goes_on() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as output:
        lines = Lines(output, ["broker.1"])
        lines.line("broker.1", b"pesan ready pesan://")
        lines.say("still here")
