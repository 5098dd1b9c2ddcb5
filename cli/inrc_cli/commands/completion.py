"""`inrc completion`."""

from __future__ import annotations

import click

_INSTALL = {
    "bash": "inrc completion bash > ~/.local/share/bash-completion/completions/inrc",
    "zsh": "inrc completion zsh > ~/.zfunc/_inrc, and ~/.zfunc in $fpath before compinit",
    "fish": "inrc completion fish > ~/.config/fish/completions/inrc.fish",
}


@click.command()
@click.argument("shell", type=click.Choice(tuple(_INSTALL)))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    Its last line says where to put it.
    """
    from click.shell_completion import get_completion_class

    complete = get_completion_class(shell)
    if complete is None:
        raise click.UsageError(f"click knows no completion for {shell}", ctx)
    script = complete(ctx.find_root().command, {}, "inrc", "_INRC_COMPLETE").source()
    # Last, because zsh wants its own directive on the first line.
    click.echo(f"{script.strip()}\n# to install: {_INSTALL[shell]}")
