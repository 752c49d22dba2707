"""Pages: what was measured replaces a section, what was not is kept and marked, once."""

from evidence import page
from evidence.page import EARLIER, PAGES, Page, kept_section


def test_a_kept_section_is_marked_once_and_ends_before_the_next():
    before = "# Page\n\n## One\n\nText.\n\n### Part\n\nMore.\n\n## Two\n\nOther.\n"
    kept = kept_section(before, "One")
    assert kept == f"## One\n\n{EARLIER}\n\nText.\n\n### Part\n\nMore."
    assert kept_section(f"# Page\n\n{kept}\n\n## Two\n", "One") == kept
    assert kept_section(before, "On") is None
    assert kept_section(before, "Three") is None


def test_measured_sections_replace_those_of_the_page(tmp_path, monkeypatch, capsys):
    docs, runs = tmp_path / "docs", tmp_path / "runs"
    docs.mkdir()
    (runs / "first").mkdir(parents=True)
    (runs / "first" / "section.md").write_text("## One\n\nNew.\n")
    (runs / "first" / "first.csv").write_text("a\n1\n")
    (docs / "page.md").write_text("# Old\n\n## One\n\nOld.\n\n## Two\n\nOld too.\n")
    monkeypatch.setattr(page, "DOCS", docs)
    monkeypatch.setattr(page, "RUNS", runs)
    monkeypatch.setattr(page, "PAGES", (Page("page.md", "# Head\n", {"first": "One", "second": "Two", "third": "3"}),))
    page.main()
    written = (docs / "page.md").read_text()
    assert written == f"# Head\n\n## One\n\nNew.\n\n## Two\n\n{EARLIER}\n\nOld too.\n"
    assert (docs / "evidence" / "first.csv").read_text() == "a\n1\n"
    assert "second: not measured here" in capsys.readouterr().out
    page.main()
    assert (docs / "page.md").read_text() == written


def test_each_claim_has_a_heading_of_its_own():
    headings = [heading for each in PAGES for heading in each.headings.values()]
    assert len(set(headings)) == len(headings)
    assert set(page.SECTIONS) == {claim for each in PAGES for claim in each.headings}
