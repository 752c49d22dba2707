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
  async send({ type, id, key }, _, buffers) {
    if (type === "look") return window.look(id, buffers, call);
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


LOOKED = {
    "predicted": 3,
    "probability": 0.75,
    "layers": [
        {
            "layer": layer,
            "grid": [4, 6],
            "most": 5,
            "bits": 1.5,
            "bits_of_predicted": bits,
            "points": 9,
            "probability": [0.02 * place for place in range(24)],
            "region": 23,
            "near": [
                {"image": 7, "region": 8, "label": 7, "distance": 0.5},
                {"image": None, "region": 1, "label": 2, "distance": 0.6},
            ],
            "patterns": [{"title": "ears", "regions": 12, "expected": 0.8}] if bits > 1 else None,
        }
        for layer, bits in (("conv_33", 0.25), ("conv_43", 1.25))
    ],
}
ANSWER = """([looked, error]) => {
  window.look = (id, buffers, call) => {
    window.given = Array.from(new Uint8Array(buffers[0]));
    if (error) return call("msg:custom", { type: "looked", id, error }, []);
    const canvas = document.createElement("canvas");
    canvas.toBlob(async (blob) => {
      const bytes = new DataView(await blob.arrayBuffer());
      call("msg:custom", { type: "looked", id, look: looked }, [bytes]);
    });
  };
}"""
DROP = """() => {
  const files = new DataTransfer();
  files.items.add(new File([Uint8Array.of(1, 2, 3)], "new.png", { type: "image/png" }));
  for (const kind of ["dragover", "drop"]) {
    const event = new DragEvent(kind, { dataTransfer: files, bubbles: true, cancelable: true });
    document.querySelector(".look-zone").dispatchEvent(event);
  }
}"""


def test_a_dropped_picture_goes_to_python_and_its_answer_is_shown(view):
    with view("{ looks: true }") as watched:
        page = watched.page
        page.evaluate(ANSWER, [LOOKED, None])
        page.evaluate(DROP)
        page.get_by_role("status").filter(has_text="new.png: the network predicts cat, p = 0.75.").wait_for()
        assert page.evaluate("given") == [1, 2, 3]
        # The deepest layer comes first.
        assert page.locator(".look-row h3").all_inner_texts() == ["conv_43", "conv_33"]
        first, second = page.locator(".look-row").all()
        for text in (
            "1.50 bits for dog",
            "1.25 bits for cat",
            "9 of 24 regions are points",
            "pattern ears: 12 regions",
        ):
            assert text in first.inner_text()
        assert "pattern" not in second.inner_text()
        assert first.locator(".patch").count() == 1
        first.locator(".patch").click()
        assert value_of_python(watched, "selection", [24 * 7 + 8]) == [24 * 7 + 8]
        assert shown_image(watched, "7") == "7"
        page.get_by_role("button", name="Close", exact=True).click()
        assert page.locator(".look-row").count() == 0


def test_a_picture_that_python_refuses_is_one_sentence(view):
    with view("{ looks: true }") as watched:
        watched.page.evaluate(ANSWER, [None, "image: expected a picture that Pillow can read, got bytes"])
        watched.page.get_by_label("A new picture").locator("input").set_input_files(
            {"name": "text.png", "mimeType": "image/png", "buffer": b"no picture"}
        )
        refused = watched.page.get_by_role("status").filter(has_text="text.png: image: expected a picture")
        refused.wait_for()
        assert bytes(watched.page.evaluate("given")) == b"no picture"
        assert watched.page.locator(".look-row").count() == 0


def test_pictures_are_taken_only_where_python_allows_it(view):
    with view() as watched:
        assert watched.page.locator(".look").count() == 0


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
