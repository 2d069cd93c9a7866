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
    window that slides: as soon as one ends, the next begins. `otherwise` runs, in order, when one of them failed with
    "abort": the way back; the plan then ends as failed."""

    name: str
    steps: tuple["Leaf | Block", ...]
    parallel: int = 1
    otherwise: tuple["Leaf | Block", ...] = ()


@dataclass(frozen=True)
class Plan:
    """A plan says which strategy and inputs made it."""

    root: Block
    strategy: str = ""
    inputs: Mapping[str, Any] = field(default_factory=dict)

    def leaves(self) -> Iterator[tuple[str, Leaf]]:
        """Every step with its path ("0/2/1": places in the tree), in order."""

        def walk(block: Block, path: str) -> Iterator[tuple[str, Leaf]]:
            for index, child in enumerate((*block.steps, *block.otherwise)):
                here = f"{path}{index}"
                if isinstance(child, Leaf):
                    yield here, child
                else:
                    yield from walk(child, here + "/")

        yield from walk(self.root, "")
