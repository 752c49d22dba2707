"""What the site adds to mkdocs: equations as MathML, tables from the program, no request to another machine."""

import re
from collections.abc import Mapping
from html import unescape
from html.parser import HTMLParser
from importlib import import_module
from inspect import Parameter, getdoc, signature
from pathlib import Path
from typing import Any

import typer.testing
from latex2mathml.converter import convert
from mkdocs.plugins import get_plugin_logger

from patternscope.cli.app import app
from patternscope.figures import figure_names, load_figure

log = get_plugin_logger("patternscope")
_SETTINGS = re.compile(r"^<!-- settings: [^>]*-->(.*?)^<!-- end of settings -->", flags=re.MULTILINE | re.DOTALL)
_MARK = re.compile(r"^<!-- (command|figures)(?: (\S+))? -->$", flags=re.MULTILINE)
_MEASURED = {"evidence.md", "defaults.md"}  # `make evidence` writes them
_TO_MEASURED = re.compile(r"\[([^\]]+)\]\((?:\.\./)?((?:evidence|defaults)(?:\.md)?)\)")
_LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src", "link": "href"}
_ELSEWHERE = re.compile(r"(?:https?:)?//")


def on_config(config: Any) -> Any:
    """Make fenced blocks of the language `math` equations; list the measured pages that exist."""
    for section in config.nav:
        for title, pages in section.items():
            if title == "Evidence":
                pages[:] = [page for page in pages if _MEASURED.isdisjoint(page.values()) or _exists(config, page)]
    fences = config.mdx_configs.setdefault("pymdownx.superfences", {})
    fences["custom_fences"] = [{"name": "math", "class": "math", "format": _equation}]
    return config


def on_page_markdown(markdown: str, config: Any, **_: Any) -> str:
    """Replace the marks of a page by tables and texts of the program; a link to a missing page becomes its text."""
    docs = Path(config.docs_dir)
    markdown = _TO_MEASURED.sub(lambda link: link[0] if (docs / link[2]).is_file() else link[1], markdown)
    markdown = _SETTINGS.sub(r'<div class="settings" markdown>\1</div>', markdown)
    return _MARK.sub(lambda mark: _CONTENT[mark[1]](mark[2]), markdown)


def on_post_page(output: str, page: Any, **_: Any) -> str:
    """Warn of anything that a browser would fetch from elsewhere; a warning ends a strict build."""
    for tag, address in _loads(output):
        log.warning("%s: <%s> loads %s from another machine", page.file.src_path, tag, address)
    return output


def _exists(config: Any, entry: dict[str, str]) -> bool:
    """Whether the page of an entry of the navigation exists."""
    return all((Path(config.docs_dir) / page).is_file() for page in entry.values())


def _equation(source: str, language: str, css: str, options: Any, md: Any, **_: Any) -> str:
    """Each equation as MathML; an empty line separates them."""
    lines = [line for line in source.split("\n\n") if line.strip()]
    return "\n".join(f'<div class="{css}">{convert(line, display="block")}</div>' for line in lines)


def _command(name: str | None) -> str:
    """What `patternscope NAME --help` prints."""
    arguments = ["--help"] if name is None else [name, "--help"]
    result = typer.testing.CliRunner().invoke(app, arguments, prog_name="patternscope", terminal_width=84)
    return f"```text\n{result.output.rstrip()}\n```"


def _figures(_: str | None) -> str:
    """A row per figure: its name, the arguments of its plot, and what it shows."""
    rows = ["| figure | arguments | content |", "|---|---|---|"]
    for name in figure_names():
        figure = load_figure(name)
        arguments = {**_arguments(figure.data), **_arguments(figure.draw)}
        shown = " ".join(f"`{argument}`" for argument in arguments)
        # The heading of the module, "Figure: ...", says what the figure shows.
        content = (getdoc(import_module(figure.data.__module__)) or "").partition("\n")[0]
        rows.append(f"| `{name}` | {shown} | {content.removeprefix('Figure: ').rstrip('.')} |")
    return "\n".join(rows)


def _arguments(function: Any) -> Mapping[str, Parameter]:
    """The arguments of a function after its first."""
    return dict(list(signature(function).parameters.items())[1:])


_CONTENT = {"command": _command, "figures": _figures}


def _loads(html: str) -> list[tuple[str, str]]:
    """Tags with an address on another machine that a browser fetches without being asked."""
    foreign: list[tuple[str, str]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            attributes = dict(attrs)
            address = unescape(attributes.get(_LOADED.get(tag, "")) or "")
            if attributes.get("rel") != "canonical" and _ELSEWHERE.match(address):
                foreign.append((tag, address))

    Reader().feed(html)
    return foreign
