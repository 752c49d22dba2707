"""The widget's view in a browser, beside a model that stands in for a kernel's."""

import shutil

import pytest

from atlas.pages import opened, served
from patternscope.atlas.page import WIDGET

PAGE = """<!doctype html><meta charset="utf-8">
<body data-jp-theme-light="true" style="--jp-layout-color0: white"><div id="here"></div>
<script type="module">
import widget from "./widget.js";
const values = { step: 3, layer: "conv_43", condition: "Training", selection: [], ...START };
const heard = {};
const call = (event, ...given) => (heard[event] ?? []).forEach((each) => each(...given));
window.model = {
  get: (name) => values[name],
  set(name, value) {
    if (JSON.stringify(values[name]) === JSON.stringify(value)) return;
    values[name] = value;
    call(`change:${name}`);
  },
  save_changes() {},
  on: (event, react) => (heard[event] ??= []).push(react),
  off: (event, react) => (heard[event] = heard[event].filter((each) => each !== react)),
  listeners: () => Object.values(heard).flat().length,
  async send({ id, key }) {
    await window.hold;
    const answer = await fetch(`store/${key}`);
    const bytes = answer.ok ? [new DataView(await answer.arrayBuffer())] : [];
    call("msg:custom", { type: "got", id, key, found: answer.ok }, bytes);
  },
};
const end = await widget.render({ model, el: document.getElementById("here") });
window.end = end;
document.body.dataset.done = "yes";
</script></body>"""


@pytest.fixture
def view(browser, store, tmp_path):
    """A function that opens a view whose model begins with some values."""
    shutil.copytree(store, tmp_path / "store")
    shutil.copy(WIDGET, tmp_path / "widget.js")
    with served(tmp_path) as address:

        def open_view(start: str = "{}"):
            (tmp_path / "index.html").write_text(PAGE.replace("START", start))
            return opened(browser, address, wait="body[data-done]")

        yield open_view


def shown_image(watched, wanted: str) -> str:
    picture = watched.page.locator(".board .picture").first
    return watched.settled(lambda: picture.get_attribute("data-image"), wanted)


def value_of_python(watched, name: str, wanted):
    return watched.settled(lambda: watched.page.evaluate("name => model.get(name)", name), wanted)


def set_by_python(watched, name: str, value) -> None:
    watched.page.evaluate("([name, value]) => model.set(name, value)", [name, value])


def test_a_selection_of_python_shows_its_image(view):
    with view("{ selection: [24 * 33 + 8] }") as watched:
        assert shown_image(watched, "33") == "33"
        set_by_python(watched, "selection", [24 * 20])
        assert shown_image(watched, "20") == "20"


def test_one_value_of_python_leaves_the_others(view):
    with view() as watched:
        page = watched.page
        # What a person chooses is being read, when Python sets something else.
        page.evaluate("() => { window.hold = new Promise((resolve) => (window.release = resolve)); }")
        page.get_by_role("combobox", name="Layer").select_option(label="conv_33")
        page.evaluate("model.set('selection', [24 * 7]); release()")
        assert shown_image(watched, "7") == "7"
        assert value_of_python(watched, "layer", "conv_33") == "conv_33"
        # Ids follow into a layer of another grid.
        set_by_python(watched, "layer", "conv_23")
        assert value_of_python(watched, "selection", [6 * 7]) == [6 * 7]
        assert shown_image(watched, "7") == "7"
        # Images that are chosen stay chosen at another step.
        page.get_by_role("combobox", name="Points").select_option("images")
        page.get_by_role("button", name="Select visible").click()
        set_by_python(watched, "step", 1)
        assert watched.settled(lambda: "60 selected" in page.inner_text(".status"), True)


def test_the_space_follows_the_notebooks_theme(view):
    with view() as watched:
        page = watched.page
        paper = "getComputedStyle(document.querySelector('.stage')).backgroundColor"
        light = page.evaluate(paper)
        page.evaluate("document.body.dataset.jpThemeLight = 'false'")
        assert watched.settled(lambda: page.evaluate(paper) != light, True)


def test_a_view_that_ends_leaves_nothing(view):
    with view() as watched:
        watched.page.evaluate("end()")
        assert watched.page.evaluate("[model.listeners(), document.getElementById('here').children.length]") == [0, 0]
