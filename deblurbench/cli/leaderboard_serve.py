"""`deblurbench leaderboard serve`."""

from __future__ import annotations

from pathlib import Path

import click

from deblurbench.cli import options


@click.command("serve")
@options.board
@click.option("--site", type=click.Path(path_type=Path), help="The folder of the site.  [default: BOARD/site]")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 for any that is free.")
@click.option("--host", default="127.0.0.1", show_default=True, help="0.0.0.0 shows it to other machines as well.")
@options.common
def command(board: Path, site: Path | None, port: int, host: str, quiet: bool) -> None:
    """Show the site of the board in a browser of this machine, until Ctrl-C.

    Example: deblurbench leaderboard serve --board leaderboard
    """
    from deblurbench.leaderboard.site.server import address, make_server

    with make_server(site or board / "site", host, port) as server:
        click.echo(address(server))
        if not quiet:
            click.echo("Ctrl-C ends it.", err=True)
        try:
            server.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:
            click.echo("", err=True)
