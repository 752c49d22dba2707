"""Sentences on students: how accurate they are, and whether they have more or fewer points than their teacher."""

from patternscope.report.contents import Contents, Students
from patternscope.report.formatting import BEYOND, compared, counted, listed, verdict
from patternscope.report.part import ReportPart, Said
from patternscope.report.tables import student_table
from patternscope.results.formatting import number


def student_sentences(students: Students) -> list[str]:
    """Return the report's findings on the students."""
    return [more_or_fewer(students), *[last_layer(students, name) for name in students.layers], accuracies(students)]


def more_or_fewer(students: Students) -> str:
    """Return in how many layers students have fewer or more reliable points than their teacher, beyond the noise.

    The paper finds fewer.
    """
    layers = [comparison for own in students.layers.values() for comparison in own]
    differences = [layer.difference.reliable for layer in layers if layer.difference is not None]
    clear = [difference.value or 0.0 for difference in differences if verdict(difference) == BEYOND]
    fewer, more = sum(value < 0 for value in clear), sum(value > 0 for value in clear)
    rest, other = len(differences) - fewer - more, len(layers) - len(differences)
    grids = f"; {other} with other grids are not compared" if other else ""
    return (
        f"Of {counted(len(differences), 'pair')} of a student and a layer, {fewer} {_have(fewer)} fewer reliable "
        f"points than the teacher and {more} {_have(more)} more, {BEYOND}; {rest} {'is' if rest == 1 else 'are'} "
        f"within it{grids}."
    )


def last_layer(students: Students, name: str) -> str:
    """Return how a student's last layer differs from its teacher's."""
    layer = students.layers[name][-1]
    if layer.difference is None:
        return f"The {name} student has another grid of regions in {layer.layer}."
    change, maps = layer.difference.reliable, "its own" if layer.maps == "own" else "the teacher's"
    return (
        f"In {layer.layer}, the {name} student has {compared(change)} reliable points per image than the teacher, "
        f"{verdict(change)} (with {maps} maps; its ratio is {number(layer.second.counts.ratio.value)}, the teacher's "
        f"{number(layer.first.counts.ratio.value)})."
    )


def accuracies(students: Students) -> str:
    """Return how accurate each network is."""
    own = [f"{number(accuracy, 3)} (the {name} student)" for name, accuracy in students.accuracy.items()]
    return f"Held-out accuracy: {number(students.teacher_accuracy, 3)} (the teacher), {listed(own)}."


def _have(count: int) -> str:
    return "has" if count == 1 else "have"


def _read(contents: Contents) -> Said | None:
    """Return the sentences and tables of a study."""
    students = contents.students
    return None if students is None else (student_sentences(students), [student_table(students)])


PART = ReportPart(
    "students",
    "Distilled students",
    50,
    _read,
    captions={
        "distilled_counts": "Knowledge points of the teacher and its students, and their differences.",
        "distilled_histograms": "How much the students' regional embeddings turn from the teacher's, and how much "
        "stronger they are.",
    },
    finding=3,
)
