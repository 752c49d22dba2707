"""What `patternscope view` does: serve an atlas until Ctrl-C."""

import platform
import webbrowser
from pathlib import Path

import typer

from patternscope.atlas.server import PORT, AtlasServer
from patternscope.atlas.stage import store_of
from patternscope.errors import InputError
from patternscope.workflow.status import study_record_of

_LOOPBACK = {"127.0.0.1", "localhost"}


def serve(folder: Path, host: str, port: int | None, browser: bool) -> None:
    """Serve a study's atlas, say where, and return on Ctrl-C.

    Without a `port`, 8765 or, if that is taken, any free one. InputError as `AtlasServer`, and when the study
    has no atlas.
    """
    study_record_of(folder)
    with _server(store_of(folder), host, port) as server:
        listening = server.server_address[1]
        typer.echo(f"{server.address}    Ctrl-C ends it")
        if host in _LOOPBACK:
            typer.echo("From another machine: run this there, then open the same address.")
            typer.echo(f"    ssh -N -L {listening}:{host}:{listening} {platform.node()}")
        if browser:
            webbrowser.open(server.address)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            typer.echo("ended")


def _server(store: Path, host: str, port: int | None) -> AtlasServer:
    """A server at the port asked for, or at the usual one if it is free."""
    if port is not None:
        return AtlasServer(store, host, port)
    try:
        return AtlasServer(store, host, PORT)
    except InputError:
        return AtlasServer(store, host, 0)
