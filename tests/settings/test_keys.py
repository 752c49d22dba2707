"""What `patternscope settings` and the page of the reference say of every key."""

import importlib.util
import tomllib
from pathlib import Path

import pytest

from patternscope.cli import main
from patternscope.errors import InputError
from patternscope.settings.keys import find_keys, section_meanings, setting_keys
from patternscope.settings.study import StudySettings, make_settings

TOOL = Path(__file__).parents[2] / "docs" / "tools" / "settings.py"


def printed(capsys, *arguments: str) -> str:
    with pytest.raises(SystemExit) as end:
        main(["settings", *arguments])
    assert (end.value.code or 0) == 0
    return capsys.readouterr().out


def test_all_keys_are_printed_as_toml_of_the_defaults(capsys):
    out = printed(capsys)
    assert max(map(len, out.splitlines())) <= 80
    content = tomllib.loads(out)
    assert content["attack"]["epsilon"] == pytest.approx(8 / 255, rel=1e-3)  # the one default of more than four digits
    content["attack"]["epsilon"] = 8 / 255
    assert make_settings(content, "printed", Path()) == StudySettings()
    for key in setting_keys():
        assert key.meaning
        assert f"\n{key.name} = " in f"\n{out}" if key.default else f"\n# {key.name} = ..." in out
    assert set(section_meanings()) - {""} == {
        line[1:].partition("]")[0] for line in out.splitlines() if line[:1] == "["
    }


def test_a_section_or_a_key_is_printed_alone(capsys):
    out = printed(capsys, "images")
    assert out.startswith("[images]  # where images come from\nsource = ")
    assert printed(capsys, "[images]") == out
    assert printed(capsys, "images.resize").splitlines()[1] == 'resize = "crop"'
    assert [line for line in printed(capsys, "momentum").splitlines() if line[:1] == "["] == [
        f"[{section}]  # {meaning}"
        for section, meaning in section_meanings().items()
        if any((key.section, key.name) == (section, "momentum") for key in setting_keys())
    ]


@pytest.mark.parametrize(
    ("name", "nearest"), [("imges", "images"), ("resise", "resize"), ("images.resise", "images.resize"), ("", "images")]
)
def test_a_typo_is_answered_with_the_nearest_name(capsys, name, nearest):
    with pytest.raises(InputError, match="expected a section or a key") as raised:
        find_keys(name)
    assert nearest in str(raised.value)
    with pytest.raises(SystemExit) as end:
        main(["settings", name])
    out, err = capsys.readouterr()
    assert (end.value.code, out, err.count("\n")) == (2, "", 1)


def test_the_page_of_the_reference_is_up_to_date():
    spec = importlib.util.spec_from_file_location("settings_page", TOOL)
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    page = tool.PAGE.read_text(encoding="utf-8")
    assert page == tool.with_tables(page), "run: python docs/tools/settings.py"
    assert "| `tau` " in page
    assert tool.with_tables(page.replace("| `tau` ", "| `tua` ")) == page
