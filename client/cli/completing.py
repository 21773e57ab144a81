"""Scripts that let a shell complete commands, options, people and groups: completion."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from client.cli import output


@click.command(short_help="Print the script that lets a shell complete our commands.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script that lets a shell complete commands, options, people and groups.

    \b
    bash, in ~/.bashrc:   eval "$(pesan completion bash)"
    zsh, in ~/.zshrc:     eval "$(pesan completion zsh)"
    fish:                 pesan completion fish > ~/.config/fish/completions/pesan.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None
    program = kind(ctx.find_root().command, {}, "pesan", "_PESAN_COMPLETE")
    output.out(program.source_template % program.source_vars())
