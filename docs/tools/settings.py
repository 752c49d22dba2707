"""Write the tables of docs/reference/settings.md from the descriptions in the code.

python docs/tools/settings.py
"""

from itertools import groupby
from pathlib import Path

from patternscope.settings.keys import SettingKey, section_meanings, setting_keys

PAGE = Path(__file__).parents[1] / "reference" / "settings.md"
BEGIN, END = "<!-- settings: written by docs/tools/settings.py -->", "<!-- end of settings -->"


def with_tables(page: str) -> str:
    """Return the page with the tables of all sections between its two marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    meanings = section_meanings()
    tables = "\n".join(
        f"## {_heading(section)}\n\n{_sentence(meanings[section])}\n\n{_table(list(keys))}"
        for section, keys in groupby(setting_keys(), key=lambda key: key.section)
    )
    return f"{before}{BEGIN}\n\n{tables}\n{END}{after}"


def _heading(section: str) -> str:
    """Return the heading of a section."""
    return f"[{section}]" if section else "Outside all sections"


def _sentence(meaning: str) -> str:
    """Return what a section is, as a sentence."""
    return f"{meaning[0].upper()}{meaning[1:]}."


def _table(keys: list[SettingKey]) -> str:
    """Return a table in Markdown whose columns are aligned in the source, too."""
    rows = [
        (f"`{key.name}`", f"`{key.default}`" if key.default else "", key.meaning.replace("|", r"\|")) for key in keys
    ]
    names, defaults = (max(len(row[place]) for row in (("key", "default", ""), *rows)) for place in (0, 1))
    lines = [
        f"| {'key':{names}} | {'default':{defaults}} | meaning |",
        f"|{'-' * (names + 2)}|{'-' * (defaults + 2)}|---|",
    ]
    lines += [f"| {name:{names}} | {default:{defaults}} | {meaning} |" for name, default, meaning in rows]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
