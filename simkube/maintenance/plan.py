"""A plan: a tree of steps that a person can read, edit and keep in git. Here the tree; the file is `plan_file`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from simkube.maintenance.step import Step


@dataclass(frozen=True)
class Leaf:
    """A step in its place. `always`: it runs even when an earlier step of its block failed with "skip"."""

    step: Step
    always: bool = False


@dataclass(frozen=True)
class Block:
    """Steps and blocks that belong together. At most `parallel` of them run at a time: 1 is a sequence; more is a
    window that slides: as soon as one ends, the next begins. `otherwise` runs, in order, when something in the block
    failed with "abort" and all that ran beside it has ended: the way back; the plan then ends as failed."""

    name: str
    steps: tuple["Leaf | Block", ...]
    parallel: int = 1
    otherwise: tuple["Leaf | Block", ...] = ()


@dataclass(frozen=True)
class Plan:
    """What to do, which strategy and inputs made it (plain data), and what to look out for."""

    root: Block
    strategy: str = ""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def leaves(self) -> Iterator[tuple[str, Leaf]]:
        """Every step with its path, in order: the places in the tree, `otherwise` after a "!" ("0/2/1", "0/!0")."""
        return _walk(self.root, "")


def _walk(block: Block, path: str) -> Iterator[tuple[str, Leaf]]:
    for prefix, children in ((path, block.steps), (f"{path}!", block.otherwise)):
        for index, child in enumerate(children):
            if isinstance(child, Leaf):
                yield f"{prefix}{index}", child
            else:
                yield from _walk(child, f"{prefix}{index}/")
