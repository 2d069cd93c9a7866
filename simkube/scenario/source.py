"""Where a scenario is written, so that what is wrong with it is told with file, line and key."""

from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import BaseModel

from simkube.kube.errors import InputError, KeyPath
from simkube.kube.parse import parse, wrong

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Source:
    """The file as the user named it, and its text. Without a text (the scenario comes from elsewhere) `file` says where
    from, or is empty."""

    file: str = ""
    text: str = field(default="", repr=False)

    def parse(self, model: type[M], value: object, at: KeyPath = ()) -> M:
        """The model of what stands at the path `at`. Raises `InputError`."""
        return parse(model, value, file=self.file, text=self.text, at=at)

    def error(self, at: KeyPath, message: str, fix: str = "") -> InputError:
        """The error about the key at a path, written as in the file (camelCase)."""
        return wrong(message, fix, file=self.file, text=self.text, at=at)
