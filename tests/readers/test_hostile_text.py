"""Names that look like formulas, markup or commands of a terminal stay text; what only looks like a picture is none."""

import csv
import os

import pytest
from PIL import Image

from patternscope.cli import write_error
from patternscope.cli.printing import new_table, say, show
from patternscope.errors import InputError
from patternscope.figures.drawing.saving import numbered_ids
from patternscope.images import open_images
from patternscope.images.readers.decoding import UNREADABLE, load_picture
from patternscope.images.readers.files import why_not_opened
from patternscope.results.json_csv import write_rows
from patternscope.settings.study import make_settings
from patternscope.study.look import read_image

NAME = "=cmd|'/c calc'!A1"


def test_no_cell_of_a_table_begins_as_a_formula(tmp_path):
    write_rows(tmp_path / "t.csv", [{"class": name, "-x": -0.5, "n": -3} for name in (NAME, "+1", "-a", "@b", "cat")])
    rows = list(csv.DictReader((tmp_path / "t.csv").read_text().splitlines()))
    assert [row["class"] for row in rows] == [f"'{NAME}", "'+1", "'-a", "'@b", "cat"]
    assert (rows[0]["'-x"], rows[0]["n"]) == ("-0.5", "-3")


def test_no_name_steers_the_terminal(capsys):
    name = "cat\x1b[2J\x1b]0;owned\x07\x9b31m"
    say(name)
    write_error(name)
    table = new_table("class", "n")
    table.add_row(f"[red]{name}", "1")
    show(table)
    out, err = capsys.readouterr()
    assert not {"\x1b", "\x07", "\x9b"} & set(out + err)
    assert "cat?[2J" in out
    assert "[red]cat" in out


def test_a_pipe_is_no_picture_and_waits_for_nobody(tmp_path):
    for name in ("x.png", "x"):
        os.mkfifo(tmp_path / name)
        with pytest.raises(UNREADABLE, match="got a pipe or device"):
            load_picture(tmp_path / name)
    assert "no suffix" in why_not_opened(tmp_path / "x")


def test_postscript_runs_no_other_program(tmp_path, monkeypatch):
    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", lambda *_, **__: pytest.fail("Ghostscript ran"))
    path = tmp_path / "x.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n")
    with pytest.raises(UNREADABLE, match="cannot identify image file"):
        load_picture(path)


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(tmp_path):
    Image.new("1", (13_500, 13_500)).save(tmp_path / "x.png")
    assert (tmp_path / "x.png").stat().st_size < 100_000
    with pytest.raises(Image.DecompressionBombError):
        load_picture(tmp_path / "x.png")


@pytest.mark.parametrize(("limit", "kept"), [(None, 8), (1024, 8), (1023, 6)])
def test_the_limit_of_pixels_is_a_setting(tmp_path, limit, kept):
    pictures = tmp_path / "pictures"
    for number in range(8):
        (folder := pictures / "ab"[number % 2]).mkdir(parents=True, exist_ok=True)
        side = (32, 32) if number in (2, 5) else (16, 16)
        Image.new("L", side, 40 * number).save(folder / f"{number}{'' if number == 5 else '.png'}", "PNG")
    before = Image.MAX_IMAGE_PIXELS
    how = {} if limit is None else {"pixel_limit": limit}
    splits = open_images("folder", folder=pictures, image_size=16, **how)
    assert len(splits.train) + len(splits.test) == kept
    said = "more than 1023 pixels; images.pixel_limit raises the limit"
    assert splits.train.skipped == ((f"a/2.png: {said}", f"b/5: {said}") if kept == 6 else ())
    assert before == Image.MAX_IMAGE_PIXELS
    asked = make_settings({"images": how}, "x.toml", tmp_path).images
    if limit == 1023:
        with pytest.raises(InputError, match=said):
            read_image(pictures / "b/5", asked)
    else:
        assert read_image(pictures / "b/5", asked).shape == (3, 64, 64)


def test_ids_of_a_drawing_are_numbered_and_what_they_name_stays_named():
    def drawing(clip: str, marker: str) -> str:
        use = f'<use xlink:href="#{marker}" clip-path="url(#{clip})"/>'
        return f'<g id="figure_1"><path id="{marker}"/>{use}<clipPath id="{clip}"/><g id="text_2"/></g>'

    first = numbered_ids(drawing("p0123456789", "m9876543210"))
    assert first == numbered_ids(drawing("pabcdef0123", "m0000000000"))
    assert 'clip-path="url(#p1)"' in first
    assert '<clipPath id="p1"/>' in first
    assert 'id="text_2"' in first
