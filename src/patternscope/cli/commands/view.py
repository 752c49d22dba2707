"""`patternscope view`."""

from typing import Annotated

import typer

from patternscope.cli.options import StudyFolder
from patternscope.errors import InputError

_LOOPBACK = "127.0.0.1"


def view(
    folder: StudyFolder,
    host: Annotated[str, typer.Option(help="Address to listen at; 0.0.0.0 for the whole network.")] = _LOOPBACK,
    port: Annotated[int | None, typer.Option(help="Port; by default 8765 or a free one.")] = None,
    browser: Annotated[bool, typer.Option(help="Open a browser.")] = True,
) -> None:
    """Show a study's atlas in the browser.

    Serves it to this machine only, until Ctrl-C, and prints how to open it from another machine.

    Examples: patternscope view runs/demo; patternscope view runs/demo --no-browser --port 9000
    """
    import platform
    import webbrowser

    from patternscope.atlas.server import PORT, AtlasServer
    from patternscope.atlas.stage import store_of
    from patternscope.results.study import read_record
    from patternscope.workflow.store import Store

    if Store(folder).read_study() is None:
        read_record(folder)  # raises for a folder that is no study; settings of another version do not matter here
    store = store_of(folder)
    try:
        server = AtlasServer(store, host, PORT if port is None else port)
    except InputError:
        if port is not None:
            raise
        server = AtlasServer(store, host, 0)
    with server:
        listening = server.server_address[1]
        typer.echo(f"{server.address}    stop with Ctrl-C")
        if server.outside_address is not None:
            typer.echo("warning: everybody on the network can see the study", err=True)
            typer.echo(f"From another machine: {server.outside_address}")
        elif server.is_private:
            typer.echo("From another machine: run this there, then open the same address.")
            typer.echo(f"    ssh -N -L {listening}:localhost:{listening} {platform.node()}")
        if browser:
            webbrowser.open(server.address)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            typer.echo("stopped")
