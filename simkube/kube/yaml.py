"""YAML as kubectl reads it, safely: no tags that build objects, bounded depth and aliases, lines for errors.

kubectl reads YAML 1.1 through sigs.k8s.io/yaml, that is yaml.v2 turned into JSON [go.yaml.in/yaml/v2
resolve.go, decode.go]: `yes`, `on` and `y` are booleans, `0755` is octal, `1e3` is a number, `1:30` and dates
are text, keys become text, `<<` merges, and 2.0 is the same as 2. Built from the parser's events in one pass,
without a tree of nodes.
"""

from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)

from simkube.kube.errors import InputError, KeyPath, key_text, shown
from simkube.kube.scalars import resolve

MAX_DEPTH = 100  # levels of nesting in one document
MAX_ALIASED = 100_000  # values that aliases may add to one document (a "billion laughs" adds billions)

TEMPLATE_FIX = "render it first, e.g. with `helm template`"

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True)
class Document:
    """One document: its value, first line, number in the file (from 0), and the first lines of its `items`."""

    value: Any
    line: int
    number: int
    item_lines: tuple[int, ...] = ()


def read_documents(text: str, file: str) -> Iterator[Document]:
    """The documents of a YAML text that hold something. Raises `InputError` with the line that is wrong."""
    reader = _Reader(text, file)
    try:
        yield from reader.documents()
    except InputError as error:
        raise _with_key(error, reader) from None
    except yaml.MarkedYAMLError as error:
        raise _broken(error, text, file) from None
    except yaml.YAMLError as error:
        raise InputError(f"broken YAML: {str(error).splitlines()[0]}", file=file) from None


def line_of(text: str, document: int, path: KeyPath) -> int:
    """The line of the key at `path` in a document, or of its nearest ancestor; 0 if there is no such document."""
    reader = _Reader(text, "", follow=document)
    try:
        for found in reader.documents():
            if found.number == document:
                break
    except (yaml.YAMLError, InputError):
        pass  # what was read up to there is what is known
    while path not in reader.lines and path:
        path = path[:-1]
    return reader.lines.get(path, 0)


@dataclass
class _Reader:
    """Builds values from events. With `follow` it notes the lines of all paths of that document."""

    text: str
    file: str
    follow: int = -1
    number: int = 0  # of the document that is being read
    lines: dict[KeyPath, int] = field(default_factory=dict)
    anchors: dict[str, tuple[Any, int]] = field(default_factory=dict)
    size: int = 0  # values built in this document, aliases expanded
    aliased: int = 0
    item_lines: list[int] = field(default_factory=list)
    in_items: bool = False  # below the key `items` of the document itself
    path: KeyPath | None = None  # of what is being read, when lines are noted

    def documents(self) -> Iterator[Document]:
        loader = _LOADER(self.text)
        self.event = loader.get_event
        while True:
            event = self.event()
            kind = type(event)
            if kind is StreamEndEvent:
                return
            if kind is not DocumentStartEvent:
                continue
            event = self.event()
            self.anchors, self.size, self.aliased, self.item_lines = {}, 0, 0, []
            self.path = () if self.number == self.follow else None
            line = event.start_mark.line + 1
            if self.path is not None:
                self.lines[()] = line
            value = self.value(event, 0)
            if value is not None:
                yield Document(value, line, self.number, tuple(self.item_lines))
            self.number += 1

    def value(self, event: Any, depth: int) -> Any:
        kind = type(event)
        self.size += 1
        if kind is ScalarEvent:
            result = self.scalar(event)
        elif kind is AliasEvent:
            return self.alias(event)
        elif depth >= MAX_DEPTH:
            raise self.error(event, f"nested deeper than {MAX_DEPTH} levels", "flatten it")
        else:
            before = self.size
            result = self.mapping(depth) if kind is MappingStartEvent else self.sequence(depth)
            if event.anchor is not None:
                self.anchors[event.anchor] = (result, self.size - before + 1)
            return result
        if event.anchor is not None:
            self.anchors[event.anchor] = (result, 1)
        return result

    def scalar(self, event: Any) -> Any:
        tag = event.tag
        if tag is None:
            value = resolve(event.value) if event.implicit[0] else event.value
        elif tag in ("!", f"{_TAG}str"):
            return event.value
        else:
            value = self.tagged(event, tag)
        if isinstance(value, float) and value - value != 0:
            raise self.error(
                event, f"{shown(event.value)} is not a number that Kubernetes can read", "write a finite one"
            )
        return value

    def tagged(self, event: Any, tag: str) -> Any:
        text = event.value
        if tag == f"{_TAG}binary":
            try:
                return b64decode("".join(text.split()), validate=True).decode()
            except ValueError:
                raise self.error(
                    event, "!!binary holds no base64 of UTF-8 text", "write plain text"
                ) from None
        types = {"int": int, "float": int | float, "bool": bool, "null": type(None)}
        wanted = types.get(tag.removeprefix(_TAG))
        if wanted is None:
            return text
        value = resolve(text)
        if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
            raise self.error(
                event, f"{shown(text)} is not what its tag !!{tag.removeprefix(_TAG)} says", "drop the tag"
            )
        return value

    def alias(self, event: Any) -> Any:
        known = self.anchors.get(event.anchor)
        if known is None:
            raise self.error(
                event, f"*{event.anchor} has no anchor before it", f"define &{event.anchor} first"
            )
        value, size = known
        self.size += size - 1
        self.aliased += size
        if self.aliased > MAX_ALIASED:
            raise self.error(
                event, f"aliases expand to more than {MAX_ALIASED} values", "write the values out"
            )
        return value

    def sequence(self, depth: int) -> list[Any]:
        result: list[Any] = []
        path = self.path
        while True:
            event = self.event()
            if type(event) is SequenceEndEvent:
                self.path = path
                return result
            if path is not None:
                self.path = (*path, len(result))
                self.lines[self.path] = event.start_mark.line + 1
            if depth == 1 and self.in_items:
                self.item_lines.append(event.start_mark.line + 1)
            result.append(self.value(event, depth + 1))

    def mapping(self, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        merged: set[str] = set()
        path = self.path
        while True:
            event = self.event()
            if type(event) is MappingEndEvent:
                self.path = path
                return result
            if type(event) is ScalarEvent and event.value == "<<" and event.tag is None and event.implicit[0]:
                self.path = None
                merged.update(self.merge(event, result, depth))
                continue
            key = self.key(event)
            if key in result and key not in merged:
                raise self.twice(event, key, path)
            merged.discard(key)
            if path is not None:
                self.path = (*path, key)
                self.lines[self.path] = event.start_mark.line + 1
            if depth == 0:
                self.in_items = key == "items"
            result[key] = self.value(self.event(), depth + 1)

    def key(self, event: Any) -> str:
        if type(event) is AliasEvent:
            value = self.alias(event)
        elif type(event) is ScalarEvent:
            value = self.scalar(event)
            if event.anchor is not None:
                self.anchors[event.anchor] = (value, 1)
        elif "{{" in self.text.splitlines()[event.start_mark.line]:
            raise self.error(event, "a template, not YAML: {{ }} is not filled in", TEMPLATE_FIX)
        else:
            raise self.error(
                event, "a mapping or a list cannot be a key", "write text, in quotes if it has [ or {"
            )
        if isinstance(value, str):
            return value
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int | float):
            return str(value)
        raise self.error(event, f"{shown(value)} cannot be a key", "write a text")

    def merge(self, event: Any, into: dict[str, Any], depth: int) -> list[str]:
        """Apply `<<`; the keys it gave. Earlier mappings win; all win over keys before `<<`, as in yaml.v2."""
        value = self.value(self.event(), depth + 1)
        parts = value if isinstance(value, list) else [value]
        keys: list[str] = []
        for part in reversed(parts):
            if not isinstance(part, dict):
                raise self.error(event, "<< merges only mappings", "give it the alias of a mapping")
            into.update(part)
            keys.extend(part)
        return keys

    def twice(self, event: Any, key: str, path: KeyPath | None) -> InputError:
        self.path = None if path is None else (*path, key)
        first = self.lines.get(self.path) if self.path else None
        where = f", first in line {first}" if first else ""
        return self.error(
            event, f"key {shown(key)} is given twice in one mapping{where}", "remove one of them"
        )

    def error(self, event: Any, message: str, fix: str) -> InputError:
        key = key_text(self.path) if self.path else ""
        return InputError(message, file=self.file, line=event.start_mark.line + 1, key=key, fix=fix)


def _with_key(error: InputError, reader: _Reader) -> InputError:
    """The same error with the path of the key, found by reading the document again with an eye on the lines."""
    try:
        for _ in _Reader(reader.text, reader.file, follow=reader.number).documents():
            pass
    except InputError as again:
        return again
    return error


def _broken(error: yaml.MarkedYAMLError, text: str, file: str) -> InputError:
    lines = text.splitlines()
    last = error.problem_mark.line if error.problem_mark else 0
    first = min(error.context_mark.line, last) if error.context_mark else last
    for number in range(first, min(last + 1, len(lines))):
        if "{{" in lines[number]:
            message = "a template, not YAML: {{ }} is not filled in"
            return InputError(message, file=file, line=number + 1, fix=TEMPLATE_FIX)
    written = lines[last] if last < len(lines) else ""
    problem = error.problem or "it cannot be read"
    if error.context:
        problem = f"{problem} {error.context}"
    fix = "check the indentation and the quotes there and on the line before"
    if "\t" in written[: len(written) - len(written.lstrip())]:
        fix = "indent with blanks, not with tabs"
    return InputError(f"broken YAML: {problem}", file=file, line=last + 1, fix=fix)
