"""Is a file a scenario, or Kubernetes manifests? Told by its first keys: of a large one no more is read than needed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic.alias_generators import to_camel
from yaml.events import DocumentEndEvent, MappingStartEvent, NodeEvent, ScalarEvent, SequenceStartEvent

from simkube.kube.files import read_text
from simkube.scenario.scenario import Scenario

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_OF_OBJECTS = frozenset(("apiVersion", "kind", "metadata", "spec", "items"))
_OF_SCENARIOS = frozenset(field.alias or to_camel(name) for name, field in Scenario.model_fields.items())


def looks_like_scenario(path: Path) -> bool:
    """The file is a mapping, and its first key that belongs to one of the two belongs to a scenario; or none does.
    Raises `InputError` for what cannot be read."""
    if path.is_dir():
        return False
    key = None
    try:
        for key in _keys(read_text(path)):
            if key in _OF_OBJECTS or key in _OF_SCENARIOS:
                return key in _OF_SCENARIOS
    except yaml.YAMLError:
        pass  # whoever reads the file says what is wrong with it
    return key is not None


def _keys(text: str) -> Iterator[str]:
    """The keys of the mapping that a text's first document is."""
    depth, place = 0, 0  # how deep in collections; in the outermost mapping keys have even places
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, DocumentEndEvent):
            return
        if isinstance(event, NodeEvent):
            if depth == 1:
                if place % 2 == 0 and isinstance(event, ScalarEvent):
                    yield event.value
                place += 1
            if isinstance(event, MappingStartEvent | SequenceStartEvent):
                if depth == 0 and isinstance(event, SequenceStartEvent):
                    return
                depth += 1
        elif depth:
            depth -= 1  # the end of a mapping or sequence
