"""The labels of pods to come, by namespace, to ask whether a selector selects any of them."""

from collections import defaultdict
from collections.abc import Collection, Mapping

from simkube.kube.selector import Selector

Labels = Mapping[str, str]


class LabelSets:
    """A collection of label sets that is quick to search: by the rarest of the pairs that a selector names."""

    def __init__(self) -> None:
        self._all: dict[str, dict[frozenset[tuple[str, str]], Labels]] = defaultdict(dict)
        self._with: dict[tuple[str, str, str], list[Labels]] = defaultdict(list)

    def add(self, namespace: str, labels: Labels) -> None:
        """Pods with these labels will be in the namespace."""
        mark = frozenset(labels.items())
        if mark not in self._all[namespace]:
            self._all[namespace][mark] = labels
            for key, value in labels.items():
                self._with[namespace, key, value].append(labels)

    def inside(self, namespace: str) -> Collection[Labels]:
        """All different sets of the namespace."""
        return self._all[namespace].values() if namespace in self._all else ()

    def any(self, namespace: str, selector: Selector) -> bool:
        """The selector selects one of them."""
        candidates: Collection[Labels] = self.inside(namespace)
        for key, value in selector.equal:
            fewer = self._with.get((namespace, key, value), ())
            if len(fewer) <= len(candidates):
                candidates = fewer
        return any(selector.matches(labels) for labels in candidates)
