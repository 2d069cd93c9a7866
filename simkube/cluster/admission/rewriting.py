"""Pods of one template stay pods of one template, whatever admission makes of it."""

from collections.abc import Callable
from weakref import WeakKeyDictionary

from simkube.kube.objects import Pod
from simkube.kube.template import Template


class Rewriting:
    """What `rewrite` makes of the template of a pod: worked out once for each, and forgotten with it."""

    def __init__(self, rewrite: Callable[[Pod], Template]) -> None:
        self._rewrite = rewrite
        self._known: WeakKeyDictionary[Template, Template | None] = (
            WeakKeyDictionary()
        )  # None: it stays as it is

    def __call__(self, pod: Pod) -> Template:
        template = pod.template
        known = self._known.get(template, template)
        if known is template:  # not known yet
            rewritten = self._rewrite(pod)
            known = self._known[template] = None if rewritten is template else rewritten
        return template if known is None else known

    def clear(self) -> None:
        self._known.clear()
