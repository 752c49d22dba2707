"""Which layers to look at: the ends of a network's blocks and stages, spread over resolution and depth."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from patternscope.errors import InputError
from patternscope.networks.capture.layers import Layer

_LEAST_SIDE = 4
# Kinds that only pass on or move values: the layer before has the same information, or has it in the image's frame.
_INERT = re.compile("Identity|Drop|Pad|Permute|Pool|Flatten|Reshape|Rearrange|Shuffle|Upsample|Quant")
# Common names of the parts before and after the blocks, and of those with only class tokens.
_NO_STEP = re.compile(r"(?<![a-z])(stem|patch_?embed|downsample|merging|final|head|cls|class)", re.IGNORECASE)
_WORDS = re.compile("[A-Z]+(?![a-z])|[A-Z][a-z]+|[a-z]+")
_STEM_SHARE, _STEM_DEPTH = 0.03, 0.1
_DOMINANT = 0.5
_EARLY = 2  # layers with weights


@dataclass(frozen=True)
class _Node:
    """A call, the calls inside it, and the share of the network's convolution and linear layers that run in it."""

    layer: Layer
    children: tuple["_Node", ...] = ()
    own_work: float = 0.0
    work: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "work", self.own_work + sum(child.work for child in self.children))

    @property
    def is_block(self) -> bool:
        """Whether layers with weights run inside it."""
        return any(child.work > 0 for child in self.children)

    @property
    def is_chain(self) -> bool:
        """Whether its parts run one after another and its output is that of the last one."""
        return self.layer.kind == "Sequential" or (_returns_last(self) and self.children[-1].is_chain)


def suggest_layers(layers: Sequence[Layer], count: int = 4) -> list[str]:
    """Choose the ends of blocks and stages, spread over resolution and depth; first to last.

    A network's steps are the blocks that run one after another. From each grid of at least 4 x 4, the deepest `count`
    of them, the last step is taken; if there are fewer grids, steps inside them are added, evenly over depth. Never
    chosen are the stem before the blocks, a head of a single layer after them, and modules that only pass values on:
    identities, padding, permutations, pools. The first two layers with weights are chosen only if there are few others.
    Fewer than `count` are returned if a network has fewer steps.

    Raises:
        InputError: no layer has a region grid, or count < 1.

    >>> import torch
    >>> from patternscope.networks import build_network, list_layers
    >>> network = build_network("vgg16_slim", classes=10)
    >>> suggest_layers(list_layers(network, torch.zeros(3, 64, 64)))
    ['conv_22', 'conv_33', 'conv_43', 'conv_53']
    """
    if count < 1:
        raise InputError(f"count: expected at least 1, got {count}")
    if not any(layer.grid for layer in layers):
        raise InputError("layers: expected at least one with a region grid, got none")
    tree = _call_tree(layers)
    steps = _steps(tree, count) or [_Node(layer) for layer in layers if layer.grid]
    later = [step for step in steps if not _is_early(step, tree)]
    steps = later if len(later) >= count else steps
    chosen = _chosen([list(level) for _, level in groupby(steps, key=lambda step: step.layer.grid)], count)
    return [layer.alias or layer.name for layer in _outward(chosen, tree)]


def _call_tree(layers: Iterable[Layer]) -> list[_Node]:
    """Return the outermost calls, with those inside them, from the order in which calls finish.

    A call whose first tensor has no grid is the next one of its output that has.
    """
    open_calls: list[_Node] = []
    depth, parts = 0.0, []
    for layer in layers:
        if ":" in layer.name:
            parts.append(layer)
            continue
        inside = layer.name.partition("@")[0] + "."
        first = len(open_calls)
        while first and open_calls[first - 1].layer.name.startswith(inside):
            first -= 1
        shown = layer if layer.grid else next((part for part in parts if part.grid), layer)
        open_calls[first:] = [_Node(shown, tuple(open_calls[first:]), layer.depth - depth)]
        depth, parts = layer.depth, []
    return open_calls


def _steps(tree: Sequence[_Node], count: int) -> list[_Node]:
    """Return the steps of a network with a grid worth looking at, without stem and head; at least `count` if it can."""
    steps = _runs(tree)
    while (place := _place_to_open(steps, count)) is not None:
        steps[place : place + 1] = _runs(steps[place].children)
    return _worth_looking_at(steps)


def _place_to_open(steps: Sequence[_Node], count: int) -> int | None:
    """Return which step to replace by the steps inside it, None for none."""
    parts = {place: len(_with_grid(_runs(step.children))) for place, step in enumerate(steps)}
    dominant = [place for place in parts if steps[place].work > _DOMINANT and parts[place]]
    if dominant:
        return dominant[0]
    if len(_worth_looking_at(steps)) >= count:
        return None
    chains = [place for place in parts if steps[place].layer.grid and steps[place].is_chain and parts[place]]
    return max(chains, key=lambda place: (steps[place].work, place), default=None)


def _runs(calls: Iterable[_Node]) -> list[_Node]:
    """Return a step for each call with weights: a block itself, or a single layer with the activation after it."""
    runs: list[_Node] = []
    for call in calls:
        if call.work > 0:
            runs.append(call)
        elif runs and not runs[-1].is_block and call.layer.grid == runs[-1].layer.grid and _is_active(call):
            runs[-1] = _Node(call.layer, own_work=runs[-1].work)
    return runs


def _worth_looking_at(steps: Sequence[_Node]) -> list[_Node]:
    """Return steps with a grid of at least 4 x 4, else with any, without those before and after the blocks."""
    body = list(_without_stem(_with_grid(steps)))
    body = list(_without_stem(body[::-1]))[::-1]
    return [step for step in body if min(step.layer.grid or (0,)) >= _LEAST_SIDE] or body


def _without_stem(steps: Sequence[_Node]) -> Iterator[_Node]:
    """Yield the steps from the first block of some size on; all if a network has only single layers."""
    blocks = any(step.is_block for step in steps)
    begun, depth = not blocks, 0.0
    for step in steps:
        depth += step.work
        small = not step.is_block or (step.work < _STEM_SHARE and depth < _STEM_DEPTH)
        begun = begun or not small
        if begun:
            yield step


def _is_early(step: _Node, tree: Sequence[_Node]) -> bool:
    """Tell whether a step is a single one of the first layers, whose regions see only a few pixels."""
    least = min(node.own_work for node in _all_nodes(tree) if node.own_work > 0) if step.work > 0 else 0.0
    return not step.work > 1.5 * least and step.layer.depth < (_EARLY + 0.5) * least


def _with_grid(steps: Iterable[_Node]) -> list[_Node]:
    """Return the steps with a region grid that are not named as something else."""
    return [step for step in steps if step.layer.grid and _is_active(step) and not _NO_STEP.search(_own_name(step))]


def _is_active(call: _Node) -> bool:
    """Tell whether a call does more than pass values on or move them, as anything with weights does."""
    return call.work > 0 or _INERT.search(call.layer.kind) is None


def _own_name(step: _Node) -> str:
    """Return the author's words for a step: its kind, and its name without its parents and its number.

    The kind word by word, so that a SystemBlock is no stem; a kind that contains block, stage or layer is one.
    """
    path = [part for part in step.layer.name.split(".") if not part.isdigit()]
    words = _WORDS.findall(step.layer.kind)
    kind = [] if {"Block", "Stage", "Layer"} & set(words) else words
    return f"{'_'.join(kind)} {path[-1] if path else ''}"


def _chosen(levels: Sequence[Sequence[_Node]], count: int) -> list[_Node]:
    """Choose the last step of each of the deepest levels; more, evenly over depth, if there are few levels."""
    levels = levels[-count:]
    picks = [1] * len(levels)
    for _ in range(count - len(levels)):
        open_levels = [place for place, level in enumerate(levels) if len(level) > picks[place]]
        if not open_levels:
            break
        work = {place: sum(step.work for step in levels[place]) / (picks[place] + 1) for place in open_levels}
        picks[max(open_levels, key=lambda place: (work[place], place))] += 1
    return [step for level, pick in zip(levels, picks, strict=True) for step in _spread(level, pick)]


def _spread(level: Sequence[_Node], count: int) -> Iterator[_Node]:
    """Yield for each of the depths 1/count, 2/count ... 1 of a level the nearest step, each once and in order."""
    first = level[0].layer.depth - level[0].work
    span = level[-1].layer.depth - first
    start = 0
    for turn in range(1, count + 1):
        target = first + turn / count * span
        places = range(start, len(level) - (count - turn))
        place = min(places, key=lambda i: (abs(level[i].layer.depth - target), -i))
        yield level[place]
        start = place + 1


def _outward(chosen: Sequence[_Node], tree: Sequence[_Node]) -> list[Layer]:
    """Return the layers by their outermost names: a stage for its last block, but no parent of all the others."""
    around = {node.children[-1].layer.name: node for node in _all_nodes(tree) if _returns_last(node)}
    layers = []
    for step in chosen:
        layer = step.layer
        while (outer := around.get(layer.name)) is not None:
            inside = [other for other in chosen if other.layer.name.startswith(f"{outer.layer.name}.")]
            if len(inside) > 1 and outer.work > _DOMINANT:
                break
            layer = outer.layer
        layers.append(layer)
    return layers


def _all_nodes(tree: Iterable[_Node]) -> Iterator[_Node]:
    for node in tree:
        yield node
        yield from _all_nodes(node.children)


def _returns_last(node: _Node) -> bool:
    """Tell whether a call returns the same tensor as the last call inside it."""
    return bool(node.children) and not node.children[-1].layer.outermost
