"""What the site adds to mkdocs: equations as MathML, settings and commands from the program, no foreign request."""

import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import typer.testing
from latex2mathml.converter import convert
from mkdocs.plugins import get_plugin_logger
from pydantic import BaseModel

from patternscope.cli.app import app
from patternscope.settings.study import StudySettings

log = get_plugin_logger("patternscope")
_MARK = re.compile(r"^<!-- (settings|command)(?: (\S+))? -->$", flags=re.MULTILINE)
_MEASURED = {"evidence.md", "defaults.md"}  # `make evidence` writes them
_TO_MEASURED = re.compile(r"\[([^\]]+)\]\((?:\.\./)?((?:evidence|defaults)(?:\.md)?)\)")
_LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src", "link": "href"}
_ELSEWHERE = re.compile(r"(?:https?:)?//")


def on_config(config: Any) -> Any:
    """Make fenced blocks of the language `math` equations; list the pages that are measured where they are there."""
    for section in config.nav:
        for title, pages in section.items():
            if title == "Background":
                pages[:] = [
                    each for each in pages if _MEASURED.isdisjoint(each.values()) or _there(config, each)
                ]
    fences = config.mdx_configs.setdefault("pymdownx.superfences", {})
    fences["custom_fences"] = [{"name": "math", "class": "math", "format": _equation}]
    return config


def on_page_markdown(markdown: str, config: Any, **_: Any) -> str:
    """Put tables of settings and texts of commands where a page asks for them; a link to no page becomes its text."""
    there = Path(config.docs_dir)
    markdown = _TO_MEASURED.sub(lambda link: link[0] if (there / link[2]).is_file() else link[1], markdown)
    return _MARK.sub(
        lambda mark: _settings(mark[2]) if mark[1] == "settings" else _command(mark[2]), markdown
    )


def on_post_page(output: str, page: Any, **_: Any) -> str:
    """Warn, which a strict build does not survive, of anything that a browser would fetch from elsewhere."""
    for tag, address in _loads(output):
        log.warning("%s: <%s> loads %s from another machine", page.file.src_path, tag, address)
    return output


def _there(config: Any, entry: dict[str, str]) -> bool:
    """Tell whether the page of an entry of the navigation has been written."""
    return all((Path(config.docs_dir) / page).is_file() for page in entry.values())


def _equation(source: str, language: str, css: str, options: Any, md: Any, **_: Any) -> str:
    """An equation a line, as MathML."""
    lines = [line for line in source.split("\n\n") if line.strip()]
    return "\n".join(f'<div class="{css}">{convert(line, display="block")}</div>' for line in lines)


def _settings(name: str | None) -> str:
    """The keys of a section, or the keys outside all sections."""
    asked: BaseModel = StudySettings() if name is None else getattr(StudySettings(), name)
    rows = ['<div class="settings" markdown>', "", "| key | default | meaning |", "|---|---|---|"]
    for key, field in type(asked).model_fields.items():
        value = getattr(asked, key)
        if not isinstance(value, BaseModel):
            rows.append(f"| `{key}` | {_toml(value)} | {field.description} |")
    return "\n".join([*rows, "", "</div>"])


def _toml(value: Any) -> str:
    """A default as one writes it in TOML; nothing for one that is found by the program."""
    if value is None or value in ((), {}):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, str):
        return f'`"{value}"`'
    if isinstance(value, tuple):
        return f"`[{', '.join(_toml(each).strip('`') for each in value)}]`"
    return f"`{value:.4g}`" if isinstance(value, float) else f"`{value}`"


def _command(name: str | None) -> str:
    """What `patternscope NAME --help` prints."""
    arguments = ["--help"] if name is None else [name, "--help"]
    result = typer.testing.CliRunner().invoke(app, arguments, prog_name="patternscope", terminal_width=84)
    return f"```text\n{result.output.rstrip()}\n```"


def _loads(html: str) -> list[tuple[str, str]]:
    """Tags with an address on another machine that a browser fetches by itself."""
    found: list[tuple[str, str]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            given = dict(attrs)
            address = unescape(given.get(_LOADED.get(tag, "")) or "")
            if given.get("rel") != "canonical" and _ELSEWHERE.match(address):
                found.append((tag, address))

    Reader().feed(html)
    return found
