"""The page of small studies: what it says is what the study found, it asks nobody, and it can be repeated."""

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
from easy_study import easy_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from patternscope.cli import main
from patternscope.errors import InputError
from patternscope.report import read_page, render, write_pdf
from patternscope.report.citing import PAPER
from patternscope.report.pictures import CAPTIONS
from patternscope.report.repeating import command, settings_toml
from patternscope.results.json_csv import read_json
from patternscope.settings.study import DEMO_FILE, load_settings, make_settings
from patternscope.study.run import run_study, saved_settings
from patternscope.study.stages import study_stages


class Reader(HTMLParser):
    """Collects addresses, places that are pointed at, and the text of a page."""

    def __init__(self, html):
        super().__init__()
        self.addresses, self.ids, self.text, self.open = [], set(), [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.addresses += [given[name] for name in ("src", "href", "action", "data") if given.get(name)]
        self.ids.add(given.get("id"))
        if tag not in {"meta", "link", "img"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.text.append(data)


def call(capsys, *arguments):
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return int(caught.value.code or 0), out, err


@pytest.fixture(scope="module")
def single(attacked_study, tmp_path_factory) -> Path:
    """One checkpoint, one layer, no attack, no students, fewer images than asked for."""
    folder = tmp_path_factory.mktemp("report") / "single"
    changes = {
        "attack": {"enabled": False},
        "images": {"samples_per_class": 12},  # there are ten
        "network": {"layers": ["conv_53"]},
        "training": {"checkpoints": 1},
    }
    asked = easy_settings(attacked_study.parent, **changes)
    run_study(folder, asked, study_stages(asked), device="cpu")
    return folder


def test_the_page_is_whole_and_asks_nobody(taught_study, capsys, tmp_path):
    file = tmp_path / "sent" / "page.html"
    code, out, err = call(capsys, "report", taught_study, "--out", file)
    assert (code, err) == (0, "")
    html = file.read_text(encoding="utf-8")
    page = Reader(html)
    assert page.open == []
    assert all(each.startswith(("data:", "#")) for each in page.addresses)
    assert {each[1:] for each in page.addresses if each.startswith("#")} <= page.ids
    assert "default-src 'none'" in html
    assert "<script" not in html
    assert not re.search(r"url\(|@import", html)
    # The figures that this study has drawn; the others are left out, and said.
    assert html.count("<img ") == 2
    assert "figure counts: not up to date, left out" in out
    assert "distilled_counts" in html
    assert file.read_text() == render(read_page(taught_study))


def test_what_is_said_is_what_was_found(attacked_study):
    page = read_page(attacked_study)
    text = " ".join(Reader(render(page)).text)
    about = read_json(attacked_study / "attack/attack.json")
    assert f"succeeded on {about['succeeded']} of {about['attacked']} correctly" in text
    for layer in ("conv_33", "conv_53"):
        found = read_json(attacked_study / f"knowledge/01/{layer}/knowledge.json")
        assert (
            f"{found['reliable']:.2f} ({found['reliable_low']:.2f} to {found['reliable_high']:.2f})" in text
        )
        turned = read_json(attacked_study / f"adversarial/{layer}/adversarial.json")
        assert f"{turned['orientation_change']:.2f} ({turned['orientation_change_low']:.2f} to" in text
    grown = read_json(attacked_study / "emergence/emergence.json")["layers"][-1]["growth"]
    assert f"{abs(grown['reliable']):.2f} (" in text
    versions = json.loads((attacked_study / "study.json").read_text())["versions"]
    assert all(version in text for version in versions.values())
    manifest = json.loads((attacked_study / "summary/manifest.json").read_text())
    assert manifest["files"]["summary.json"]["sha256"] == page.digest
    assert [part.key for part in page.parts] == ["depth", "training", "attack", "trust"]


def test_a_study_of_one_checkpoint_and_one_layer(single):
    page = read_page(single)
    assert [part.key for part in page.parts] == ["depth", "trust"]
    assert page.headlines[0].startswith("conv_53 has ")
    assert "1 layer, 1 checkpoint" in page.about
    assert page.parts[-1].sentences[0].startswith("Fewer held-out images than the 12 a class asked for")
    assert set(page.not_drawn) >= {"counts", "sample_embedding"}
    html = render(page)
    assert "<img" not in html
    assert "None" not in "".join(Reader(html).text)


def test_a_report_changes_nothing_in_the_study(single, capsys):
    before = {path: path.stat().st_mtime_ns for path in single.rglob("*") if path.is_file()}
    code, out, _ = call(capsys, "report", single)
    assert code == 0
    after = {path: path.stat().st_mtime_ns for path in single.rglob("*") if path.is_file()}
    assert after.keys() - before.keys() == {single / "report.html"}
    assert all(after[path] == before[path] for path in before)
    assert str(single / "report.html") in out
    assert "conv_53 has" in out


def test_what_cannot_be_reported_is_one_line(single, tmp_path, capsys):
    def refused(*arguments):
        code, out, err = call(capsys, "report", *arguments)
        assert (code, out) == (2, "")
        assert err.count("\n") == 1
        return err

    assert "no study here" in refused(tmp_path)
    assert "is a folder" in refused(single, "--out", tmp_path)
    broken = Path(shutil.copytree(single, tmp_path / "broken"))
    shutil.rmtree(broken / "summary")
    assert "not finished (summary is missing)" in refused(broken)
    (tmp_path / "file").write_text("")
    assert str(tmp_path / "file") in refused(single, "--out", tmp_path / "file" / "page.html")


def test_settings_read_back_as_they_were(attacked_study, taught_study, tmp_path):
    for study in (attacked_study, taught_study):
        asked, _ = saved_settings(study)
        for everything in (False, True):
            file = tmp_path / "study.toml"
            file.write_text(settings_toml(asked, everything=everything), encoding="utf-8")
            assert load_settings(file) == asked


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "seed": st.integers(0, 9),
            "attack": st.fixed_dictionaries(
                {},
                optional={
                    "enabled": st.booleans(),
                    "epsilon": st.floats(0.01, 0.5),
                    "target": st.text(max_size=5),
                },
            ),
            "distillation": st.fixed_dictionaries(
                {}, optional={"enabled": st.booleans(), "epochs": st.integers(1, 9)}
            ),
            "network": st.fixed_dictionaries(
                {},
                optional={
                    "grid": st.integers(1, 9),
                    "arguments": st.fixed_dictionaries({"widths": st.just([8, 9])}),
                },
            ),
            "images": st.fixed_dictionaries({"class_names": st.lists(st.text(max_size=4), max_size=3)}),
        },
    )
)
@settings(max_examples=60, deadline=None)
def test_any_settings_read_back_as_they_were(content):
    import tomllib

    asked = make_settings(content, "study.toml", Path("/somewhere"))
    for everything in (False, True):
        text = settings_toml(asked, everything=everything)
        assert make_settings(tomllib.loads(text), "again.toml", Path("/elsewhere")) == asked


def test_the_command_that_repeats_a_study(attacked_study):
    asked, axes = saved_settings(attacked_study)
    assert command(asked, axes) == "patternscope run study.toml --out again"
    demo = load_settings(DEMO_FILE)
    from patternscope.study.run import with_layers
    from patternscope.workflow.stages import Axes

    whole = Axes(8, demo.network.layers)
    assert command(with_layers(demo.with_all_parts(), whole), whole) == "patternscope demo --full --out again"


def test_the_paper_is_cited_as_in_the_readme():
    assert PAPER in (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def test_every_figure_of_a_study_has_a_caption():
    from patternscope.figures import figure_stages

    names = {
        stage.name.partition("/")[2] for stage in figure_stages(load_settings(DEMO_FILE).with_all_parts())
    }
    assert names <= CAPTIONS.keys()


def test_a_pdf_is_made_by_what_is_here(single, tmp_path, capsys):
    if not any(
        shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome", "weasyprint")
    ):
        pytest.skip("no converter to PDF is installed")
    code, _, err = call(capsys, "report", single, "--out", tmp_path / "page.html", "--pdf")
    assert (code, err) == (0, "")
    assert (tmp_path / "page.pdf").read_bytes()[:5] == b"%PDF-"
    assert {path.name for path in tmp_path.iterdir()} == {"page.html", "page.pdf"}


def test_without_a_converter_or_with_a_broken_one_it_is_said(tmp_path):
    with pytest.raises(
        InputError, match=r"pdf: none of chromium, .* is here; install one, or print the page"
    ):
        write_pdf("<p>", tmp_path / "page.pdf", find=lambda name: None)
    false = shutil.which("false")
    with pytest.raises(InputError, match=r"pdf: chromium failed \(exit code 1\)"):
        write_pdf("<p>", tmp_path / "page.pdf", find=lambda name: false)
    assert not list(tmp_path.iterdir())
