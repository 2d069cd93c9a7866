"""How the endpoints of a service spread over its slices (behaviour 9) [endpointslice reconciler.go
`reconcileByPortMapping`, utils.go `getSliceToFill`]."""

from collections.abc import Mapping, Sequence

from simkube.kube.objects import Endpoint

Endpoints = tuple[Endpoint, ...]


class Contents:
    """What a slice holds: its `endpoints`, and the same `by_pod`, where they are changed before `close`."""

    __slots__ = ("by_pod", "endpoints")

    def __init__(self, endpoints: Endpoints = ()) -> None:
        self.endpoints = endpoints
        self.by_pod = {endpoint.pod: endpoint for endpoint in endpoints}

    def close(self) -> None:
        """Have `endpoints` follow `by_pod`."""
        self.endpoints = tuple(self.by_pod.values())


def arrange(slices: Sequence[Contents], changes: Mapping[str, Endpoint | None], room: int) -> list[Contents]:
    """Change the contents of a service's slices; returns them in their order, then those of new slices.

    `changes`: by pod name, its endpoint from now on, or None if it has none; endpoints of other pods stay. `room` is
    what a slice holds. The `endpoints` of a slice that does not change stay the same tuple; a slice that has become
    empty is to go.
    """
    changed: dict[Contents, None] = {}
    new: list[Endpoint] = []
    for pod, endpoint in changes.items():
        for contents in slices:
            before = contents.by_pod.get(pod)
            if before is None:
                continue
            if endpoint is None:
                del contents.by_pod[pod]
                changed[contents] = None
            elif before != endpoint:
                contents.by_pod[pod] = endpoint
                changed[contents] = None
            endpoint = None  # it has its place
        if endpoint is not None:
            new.append(endpoint)
    after = [*slices]
    if new:
        _place(new, after, changed, room)
    for contents in changed:
        contents.close()
    return after


def _place(new: list[Endpoint], after: list[Contents], changed: dict[Contents, None], room: int) -> None:
    """Put new endpoints where something is written anyway, the fullest first; then all that are left into one slice
    that has room for them, or else into slices that are empty or new."""
    moved = [contents for contents in after if contents in changed and contents.by_pod]
    still = [contents for contents in after if contents not in changed]
    for contents in sorted(moved, key=_fullness, reverse=True):
        new = _fill(contents, new, room)
    while new:
        fitting = [contents for contents in still if len(contents.by_pod) + len(new) <= room]
        if fitting and len(new) < room:
            target = max(fitting, key=_fullness)
        else:
            target = next((contents for contents in after if not contents.by_pod), Contents())
            if target not in after:
                after.append(target)
        new = _fill(target, new, room)
        changed[target] = None


def _fullness(contents: Contents) -> int:
    return len(contents.by_pod)


def _fill(contents: Contents, new: list[Endpoint], room: int) -> list[Endpoint]:
    """Put as many as there is room for; returns the rest."""
    free = max(0, room - len(contents.by_pod))
    contents.by_pod.update((endpoint.pod, endpoint) for endpoint in new[:free])
    return new[free:]
