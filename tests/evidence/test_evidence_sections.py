"""What the sections on evidence say of rows whose answer is known."""

import pytest

from evidence.dimensions import section as dimensions
from evidence.objectives import section as objectives
from evidence.repeats import section as repeats
from evidence.sanity import section as sanity
from evidence.unfamiliar import section as unfamiliar

ABOUT = {"images": "pictograms", "network": "n"}


def told(layer, evidence, **more):
    """A row as `worth` and `readable` give it."""
    interval = {"evidence": evidence, "evidence_low": evidence - 0.1, "evidence_high": evidence + 0.1}
    counts = {
        name: 0.5
        for each in ("points", "reliable", "ratio", "on_object")
        for name in (each, f"{each}_low", f"{each}_high")
    }
    rest = {"readable": 1.0, "error_before": 0.2, "error": 0.02, "shared": 0.8, "seconds": 1.0, "deletion": 0.3}
    return {**ABOUT, "layer": layer, **interval, **counts, **rest, **more}


def test_shares_are_of_what_is_readable_and_places_count_from_the_end():
    rows = [told("a", 0.5), told("a", 0.25), told("b", 0.9, readable=0.01), told("c", 0.9)]
    found = objectives.with_share(rows)
    assert [row["share"] for row in found] == [0.5, 0.25, None, 0.9]
    assert [row["from_end"] for row in found] == [3, 3, 2, 1]


def test_objectives_are_judged_by_what_was_asked_for(tmp_path):
    rows = [
        told(layer, bits, objective=name, dimensions=e, seconds=seconds)
        for layer, bits in (("a", 0.61), ("b", 0.79))
        for name, e, seconds in (("paper", 3, 10.0), ("likelihood", 9, 2.0))
    ]
    objectives.write(tmp_path, rows)
    text = (tmp_path / "section.md").read_text()
    assert "In the last layer the default keeps 0.79 of what is readable (0.79 to 0.79); at least 0.8 in 0 of 1" in text
    assert (
        "In the layer before the default keeps 0.61 of what is readable (0.61 to 0.61); at least 0.6 in 1 of 1" in text
    )
    assert "A fit by the default takes 2.00 s, one by paper, e = 3 5.0 times as long" in text
    assert (tmp_path / "objectives.csv").exists()


def test_dimensions_say_what_auto_keeps(tmp_path):
    rows = [told(layer, 0.1 * e, dimensions=e, agreement=1.0) for layer in ("a", "b") for e in (2, 9)]
    many = [
        told("b", bits, dimensions=e, classes=50, agreement=1.0, accuracy=0.5) for e, bits in ((16, 0.9), (49, 1.0))
    ]
    dimensions.write(tmp_path / "dimensions", rows, many, (2, 50))
    text = (tmp_path / "dimensions" / "section.md").read_text()
    assert "In the last layer the map keeps of what is readable: 0.20 at e = 2, 0.90 at e = 9 (means)." in text
    assert "50 classes: 16 dimensions keep 0.90 of the evidence of 49" in text
    assert "Not run here: 2 classes." in text
    assert "50, b, 16 (auto)" in text
    assert (tmp_path / "dimensions" / "dimensions_figure.png").exists()


def test_repetitions_are_compared_over_divisions():
    rows = [
        told("a", 1.0, division=division, threads=threads, ratio=ratio, shared=shared, moved_by_seed=0.0)
        for division, threads, ratio, shared in ((0, 1, 0.5, 0.9), (0, 2, 0.501, 0.9), (1, 1, 0.53, 0.7))
    ]
    (found,) = repeats.summarised(rows)
    assert found["ratio_range"] == pytest.approx(0.03)
    assert found["ratio_threads"] == pytest.approx(0.001)
    assert found["shared"] == pytest.approx(0.8)
    assert found["shared_least"] == 0.7
    said = list(repeats._verdicts(repeats.with_places([found])))
    assert said[0].startswith("- In the last layer two halves share 0.80 to 0.80 of the points; at least 0.8 in 1 of 1")


def test_what_is_found_where_nothing_is_known_is_counted(tmp_path):
    def row(check, targets, bits, points):
        more = {"check": check, "targets": targets, "accuracy": 0.1, "points": points, "training_accuracy": 0.3}
        return told("a", bits, **more)

    rows = [
        row("as trained", "own", 1.0, 20.0),
        row("permuted targets", "permuted", 0.02, 0.0),
        row("permuted targets", "permuted", 0.005, 0.05),
        row("all", "trained", 0.03, 0.4),
        row("all", "own", 0.0, 0.0),
        row("trained on shuffled labels", "own", 0.0, 0.0),
    ]
    sanity.write(tmp_path, rows)
    text = (tmp_path / "section.md").read_text()
    assert (
        "With permuted targets: at most 0.01 bits and 0.1 points per image in 1 of 2 cases; the most is 0.020" in text
    )
    assert "The network fits 0.30 of the shuffled labels" in text
    assert (
        "With random weights from the top, by the network's own decision: at most 0.01 bits and 0.1 points per image "
        "in 1 of 1" in text
    )


def test_networks_from_several_seeds_are_averaged_with_their_spread(tmp_path):
    about = {"check": "as trained", "targets": "own", "accuracy": 0.9, "points": 20.0}
    sanity.write(tmp_path, [told("a", bits, seed=seed, **about) for seed, bits in enumerate((1.0, 2.0))])
    text = (tmp_path / "section.md").read_text()
    assert "| as trained, own | 0.90 | 1.500 ± 0.707 (20.00) |" in text
    assert "(2); in brackets the number of networks, each trained from another seed." in text


def test_an_unfamiliar_network_is_judged_by_its_controls():
    controls = {f"{name}{end}": 0.0 for name in ("permuted", "untrained") for end in ("", "_low", "_high", "_points")}
    rows = [told(layer, bits, accuracy=0.9, **controls) for layer, bits in (("a", 0.2), ("b", 0.1))]
    rows[0]["untrained"] = 0.05
    said = "\n".join(unfamiliar._verdicts(rows))
    assert "does not grow with every layer (0.20 in a, 0.10 in b bits per region)" in said
    assert "Permuted: at most 0.01 bits and 0.1 points per image in 2 of 2 layers" in said
    assert "Untrained: at most 0.01 bits and 0.1 points per image in 1 of 2 layers; the most is 0.050 bits" in said
