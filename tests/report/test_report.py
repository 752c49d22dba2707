"""The page of small studies: what it says is what the study found, it asks nobody, and it can be repeated."""

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
from easy_study import easy_settings

from patternscope.api.study_page import read_study_page, repeat_command
from patternscope.cli import main
from patternscope.errors import InputError
from patternscope.figures import figure_names
from patternscope.report import render, write_pdf
from patternscope.report.citing import PAPER
from patternscope.report.contents import Setup
from patternscope.report.page import read_page
from patternscope.report.pictures import Picture, Pictures, captions
from patternscope.results.attack import AttackAnalysisResult, AttackResult
from patternscope.results.emergence import EmergenceResult
from patternscope.results.study import open_results
from patternscope.settings.study import DEMO_FILE, load_settings
from patternscope.study.run import run_analysis, saved_settings, with_layers
from patternscope.workflow.stages import Axes


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
    run_analysis(folder, asked, device="cpu")
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
    # The figures that this study has drawn; the others are omitted, and listed.
    assert html.count("<img ") == 2
    assert "omitted, since not drawn or not up to date: " in out
    assert re.search(r"\bcounts\b", out.partition("omitted, since not drawn or not up to date: ")[2])
    assert "distilled_counts" in html
    assert file.read_text() == render(read_study_page(taught_study))


def test_what_is_said_is_what_was_found(attacked_study):
    page, results = read_study_page(attacked_study), open_results(attacked_study)
    text = " ".join(Reader(render(page)).text)
    attack = results.load(AttackResult)
    assert f"succeeded on {attack.succeeded_count} of {attack.attacked_count} correctly" in text
    for layer in ("conv_33", "conv_53"):
        reliable = results.knowledge(layer).counts.reliable
        assert f"{reliable.value:.2f} ({reliable.low:.2f}–{reliable.high:.2f})" in text
        turned = results.load(AttackAnalysisResult, layer=layer).orientation_change
        assert f"{turned.value:.2f} ({turned.low:.2f}–" in text
    grown = results.load(EmergenceResult).layers[-1].growth.reliable
    assert f"{abs(grown.value):.2f} (" in text
    versions = json.loads((attacked_study / "study.json").read_text())["versions"]
    assert all(version in text for version in versions.values())
    manifest = json.loads((attacked_study / "summary/manifest.json").read_text())
    assert manifest["files"]["summary.json"]["sha256"] == page.reproduction.digest
    assert page.reproduction.digest in text
    assert [part.key for part in page.parts] == ["evidence", "depth", "training", "ledger", "attack", "trust"]


def test_the_first_screen_has_three_findings_and_a_figure_and_nothing_is_said_twice(attacked_study):
    known = read_study_page(attacked_study)
    assert [finding.part for finding in known.findings] == ["evidence", "training", "attack"]
    said = [finding.sentence for finding in known.findings]
    said += [sentence for part in known.parts for sentence in part.sentences]
    assert len(said) == len(set(said))
    drawn = [
        Picture(name, part, f"Caption of {name}.", f"data:image/png;base64,{name}", 800, 300)
        for name, (part, _) in captions().items()
    ]
    setup = Setup("vgg16_slim", "squares", 12, 10)
    page = read_page(open_results(attacked_study), setup, known.reproduction, Pictures(drawn))
    assert page.hero is not None
    assert page.hero.name == "evidence"
    html = render(page)
    assert html.index(page.hero.caption) < html.index('<section id="evidence">')
    shown = [picture for part in page.parts for picture in (*part.pictures, *part.folded)]
    assert html.count("<img ") == 1 + len(shown)
    assert page.hero not in shown
    assert "<details>" in html
    assert "<details>" not in render(page, for_print=True)


def test_a_study_of_one_checkpoint_and_one_layer(single):
    page = read_study_page(single)
    assert [part.key for part in page.parts] == ["evidence", "depth", "trust"]
    assert [finding.part for finding in page.findings] == ["evidence", "depth"]
    assert page.findings[0].sentence.startswith(("On average, a region of conv_53 has ", "No layer has evidence"))
    assert "1 layer. A" in page.about
    assert "checkpoint" not in page.about
    assert page.parts[-1].sentences[0].startswith("Fewer held-out images exist than the 12 per class requested")
    assert set(page.omitted_figures) >= {"counts", "sample_embedding"}
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

    assert "expected the folder of `patternscope run`, got one without study.json" in refused(tmp_path)
    assert f"--out: expected a file that ends in .html, got '{tmp_path}'" in refused(single, "--out", tmp_path)
    assert "expected a file that ends in .html, got ''" in refused(single, "--out", "")
    (tmp_path / "folder.html").mkdir()
    assert f"got the folder {tmp_path / 'folder.html'}" in refused(single, "--out", tmp_path / "folder.html")
    known = (single / "study.json").read_bytes()
    refused(single, "--out", single / "study.json")  # a study without its settings could not be run again
    assert (single / "study.json").read_bytes() == known
    broken = Path(shutil.copytree(single, tmp_path / "broken"))
    shutil.rmtree(broken / "summary")
    assert "expected a finished study, got one whose summary is missing" in refused(broken)
    (tmp_path / "file").write_text("")
    assert str(tmp_path / "file") in refused(single, "--out", tmp_path / "file" / "page.html")


def test_the_command_that_repeats_a_study(attacked_study):
    asked, axes = saved_settings(attacked_study)
    assert repeat_command(asked, axes) == "patternscope run study.toml --out again"
    demo = load_settings(DEMO_FILE)
    axes = Axes(8, demo.network.layers)
    again = "patternscope demo --full --out again"
    assert repeat_command(with_layers(demo.with_all_parts(), axes), axes) == again


def test_the_paper_is_cited_as_in_the_documentation():
    assert PAPER in (Path(__file__).parents[2] / "docs/how-to/cite.md").read_text(encoding="utf-8")


def test_every_figure_of_a_study_has_a_caption():
    assert set(figure_names()) == captions().keys()


def test_a_pdf_is_made_by_what_is_here(single, tmp_path, capsys):
    if not any(shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome", "weasyprint")):
        pytest.skip("no converter to PDF is installed")
    code, _, err = call(capsys, "report", single, "--out", tmp_path / "page.html", "--pdf")
    assert (code, err) == (0, "")
    assert (tmp_path / "page.pdf").read_bytes()[:5] == b"%PDF-"
    assert {path.name for path in tmp_path.iterdir()} == {"page.html", "page.pdf"}


def test_without_a_converter_or_with_a_broken_one_it_is_said(tmp_path):
    with pytest.raises(
        InputError, match=r"pdf: expected one of chromium, .*, got none; install one, or print the page"
    ):
        write_pdf("<p>", tmp_path / "page.pdf", find=lambda name: None)
    false = shutil.which("false")
    with pytest.raises(InputError, match=r"pdf: chromium failed \(exit code 1\)"):
        write_pdf("<p>", tmp_path / "page.pdf", find=lambda name: false)
    assert not list(tmp_path.iterdir())
