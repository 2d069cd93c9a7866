"""Kubernetes versions: `v1.36.3`, `1.36`, `v1.29.4-gke.1043002`, `v1.37.0-rc.1`."""

import re
from dataclasses import dataclass, field
from functools import total_ordering

from simkube.kube.errors import BadValue, shown

_VERSION = re.compile(
    r"v?([0-9]{1,6})\.([0-9]{1,6})(?:\.([0-9]{1,6}))?(?:-([0-9A-Za-z.-]+))?(?:\+([0-9A-Za-z.-]+))?"
)


@total_ordering
@dataclass(frozen=True, slots=True)
class Version:
    """Ordered as semantic versions are: a pre-release before its release, the build (after +) does not count."""

    major: int
    minor: int
    patch: int = 0
    pre_release: str = ""
    build: str = field(default="", compare=False)

    @classmethod
    def parse(cls, text: "str | Version") -> "Version":
        """The version in `text`; without a patch it is .0. Raises `BadValue`."""
        if isinstance(text, Version):
            return text
        found = _VERSION.fullmatch(text) if isinstance(text, str) and len(text) <= 100 else None
        if found is None:
            raise BadValue(f"{shown(text)} is not a Kubernetes version", "write one such as v1.36.3")
        return cls(int(found[1]), int(found[2]), int(found[3] or 0), found[4] or "", found[5] or "")

    @property
    def minor_version(self) -> tuple[int, int]:
        """(major, minor), to compare minors: `version.minor_version >= (1, 32)`."""
        return (self.major, self.minor)

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Version):
            return NotImplemented
        return self._order() < other._order()

    def __str__(self) -> str:
        text = f"v{self.major}.{self.minor}.{self.patch}"
        if self.pre_release:
            text += f"-{self.pre_release}"
        return f"{text}+{self.build}" if self.build else text

    def _order(self) -> tuple[int, int, int, bool, list[tuple[bool, int, str]]]:
        parts = self.pre_release.split(".") if self.pre_release else []
        identifiers = [(not p.isdigit(), int(p) if p.isdigit() else 0, p) for p in parts]
        return (self.major, self.minor, self.patch, not parts, identifiers)
