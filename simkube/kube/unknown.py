"""Fields that Kubernetes does not know: misspelt, most of the time, and then without any effect."""

from collections.abc import Iterator

from simkube.kube.errors import KeyPath, nearest
from simkube.kube.invalid import Problem
from simkube.kube.model import KubeModel, kubernetes_name


def unknown_fields(model: KubeModel, at: KeyPath) -> Iterator[Problem]:
    """The fields of the model and what it holds that are not in the API (field lists of 1.37 and before)."""
    for name in model.model_extra or ():
        if name not in model.also_known:
            known = [*map(kubernetes_name, type(model).model_fields), *sorted(model.also_known)]
            message = "Kubernetes knows no such field here; it has no effect"
            yield Problem((*at, name), message, nearest(name, known))
    values = model.__dict__
    for attribute in type(model).model_fields:
        value = values[attribute]
        if isinstance(value, KubeModel):
            yield from unknown_fields(value, (*at, kubernetes_name(attribute)))
        elif type(value) is tuple:
            for index, item in enumerate(value):
                if not isinstance(item, KubeModel):
                    break
                yield from unknown_fields(item, (*at, kubernetes_name(attribute), index))
