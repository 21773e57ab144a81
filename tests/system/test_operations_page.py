"""What docs/OPERATIONS.md says is so: its commands are there, its table knows every file of a data folder."""

from __future__ import annotations

import re
from pathlib import Path

import click

from client.cli.program import pesan
from tests.system.supervised import Up

PAGE = (Path(__file__).parents[2] / "docs" / "OPERATIONS.md").read_text(encoding="utf-8")


def test_every_command_of_the_page_is_there() -> None:
    spans = re.findall(r"`([^`\n]+)`", PAGE) + re.findall(r"^    (.+)$", PAGE, re.MULTILINE)
    found = [
        match for span in spans for match in re.findall(r"(?:^| |bin/)pesan ((?:--?\S+ \S+ )*[a-z].*)", span)
    ]
    assert len(found) > 8
    context = click.Context(pesan)
    for line in found:
        words = re.sub(r"--?\S+ \d+ ", "", line).split()
        if words[0] == "ready":
            continue  # a line that is printed
        command = pesan.get_command(context, words[0])
        assert command is not None, line
        if isinstance(command, click.Group) and len(words) > 1:
            assert command.get_command(context, words[1]) is not None, line


def test_the_table_knows_every_file_of_a_data_folder(tmp_path: Path) -> None:
    with Up(tmp_path) as up:
        up.ready()
        files = {str(file.relative_to(up.home)) for file in up.home.rglob("*") if not file.is_dir()}
    table = PAGE.partition("## The data folder")[2].partition("\n## ")[0]
    assert {"server.key", "run/connection", "pesan.db", "pesan.db-wal"} <= files
    for file in files:
        named = file.removesuffix("-wal").removesuffix("-shm")
        assert f"`{named}`" in table, file


def test_a_message_of_the_store_s_damage_leads_to_a_section_that_is_there() -> None:
    assert "\n## Backup\n" in PAGE
    assert "(#backup)" in PAGE and "(#systemd)" in PAGE
