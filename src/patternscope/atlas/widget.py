"""The atlas in a notebook: an anywidget whose state is synchronised between Python and the page."""

import base64
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from patternscope.atlas.looking import look_answer
from patternscope.atlas.page import WIDGET
from patternscope.atlas.server import file_of
from patternscope.atlas.stage import store_of
from patternscope.errors import InputError, nearest
from patternscope.results.formatting import number
from patternscope.results.json_csv import read_json
from patternscope.results.look import Look
from patternscope.results.study import open_results

_FAILED = "The picture could not be analysed; the log of the notebook has the reason."


class Atlas(anywidget.AnyWidget):
    """A study's atlas in a notebook.

    `step` (index), `layer` and `condition` (names) and `selection` (point ids, ``image * regions + region``)
    can be set and observed; the view changes them, too. Bytes of the store are sent on request of the view. Where
    widgets cannot be shown, a table and a figure of the study replace it.

    Args:
        study: folder of a study with an atlas.
        look: called with the bytes of a picture that is dropped on the view, returns the study's analysis of it, such
            as `Study.look`, which runs the network. None: pictures are not accepted.

    Raises:
        InputError: no study, or one without an atlas; a step, layer or condition that it lacks.
    """

    _esm = WIDGET

    step = traitlets.Int(0).tag(sync=True)
    layer = traitlets.Unicode("").tag(sync=True)
    condition = traitlets.Unicode("").tag(sync=True)
    selection = traitlets.List(traitlets.Int()).tag(sync=True)
    looks = traitlets.Bool(False, read_only=True).tag(sync=True)

    def __init__(self, study: str | Path, *, look: Callable[[bytes], Look] | None = None, **view: Any) -> None:
        self.study = Path(study)
        self.look = look
        self.store = store_of(self.study)
        self.attributes = read_json(self.store / "zarr.json")["attributes"]
        first = self.attributes["conditions"][0]
        start = {
            "step": len(first["steps"]) - 1,
            "layer": self.attributes["layers"][-1]["name"],
            "condition": first["name"],
        }
        super().__init__(**{**start, **view})
        self.set_trait("looks", look is not None)
        self.on_msg(self._answer)

    @traitlets.validate("layer", "condition")
    def _check_name(self, proposal: Any) -> str:
        """Refuse a name that the study does not have."""
        kind, name = proposal["trait"].name, proposal["value"]
        names = [entry["name"] for entry in self.attributes[f"{kind}s"]]
        if name not in names:
            raise InputError(f"{kind}: expected one of the study, got {name!r}; {nearest(name, names)}")
        return name

    @traitlets.validate("step")
    def _check_step(self, proposal: Any) -> int:
        """Refuse a step that no condition has."""
        last = max(len(condition["steps"]) for condition in self.attributes["conditions"]) - 1
        if not 0 <= proposal["value"] <= last:
            raise InputError(f"step: expected 0 to {last}, got {proposal['value']}")
        return proposal["value"]

    def _answer(self, widget: Any, content: Any, buffers: Any) -> None:
        """Send the bytes of a requested key, or the analysis of a picture."""
        kind = content.get("type") if isinstance(content, dict) else None
        if kind == "get":
            self._send_file(content)
        elif kind == "look" and self.look is not None:
            self._send_look(self.look, content.get("id"), buffers)

    def _send_look(self, look: Callable[[bytes], Look], number: Any, buffers: Any) -> None:
        """Send the analysis of a picture; a waiting view always gets an answer."""
        try:
            answer, picture = look_answer(self.study, look, buffers)
        except Exception:
            self.send({"type": "looked", "id": number, "error": _FAILED}, [])
            raise
        self.send({"type": "looked", "id": number, **answer}, picture)

    def _send_file(self, content: dict[str, Any]) -> None:
        """Send the bytes of a key."""
        key = content.get("key")
        file = file_of(self.store, key) if isinstance(key, str) else None
        answer = {"type": "got", "id": content.get("id"), "key": key, "found": file is not None}
        self.send(answer, [] if file is None else [file.read_bytes()])

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """Return the widget, and a table and a figure as a fallback."""
        bundle = super()._repr_mimebundle_(**options)
        if bundle is None:
            return None
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        return {**data, "text/html": self._as_html()}, metadata

    def _as_html(self) -> str:
        """Knowledge points at the last checkpoint as a table, and the figure that shows them, if it is drawn."""
        results, rows = open_results(self.study), ""
        for layer in results.layers():
            counts = results.knowledge(layer).counts
            cells = f"<td>{number(counts.total.value)}</td><td>{number(counts.reliable.value)}</td>"
            rows += f"<tr><th>{escape(layer)}</th>{cells}</tr>"
        head = "<tr><th>layer</th><th>knowledge points per image</th><th>reliable</th></tr>"
        table = f"<p>{escape(self.attributes['title'])}</p><table>{head}{rows}</table>"
        figure = self.study / "figures/knowledge_points/knowledge_points.png"
        if not figure.is_file():
            return table
        content = base64.b64encode(figure.read_bytes()).decode()
        return f'{table}<img alt="knowledge points" style="max-width:100%" src="data:image/png;base64,{content}">'
