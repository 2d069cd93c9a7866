"""How the endpoints of a service spread over its slices (behaviour 9) [endpointslice reconciler.go
`reconcileByPortMapping`, utils.go `getSliceToFill`]."""

from collections.abc import Mapping, Sequence

from simkube.kube.objects import Endpoint

Endpoints = tuple[Endpoint, ...]


def arrange(
    slices: Sequence[Endpoints], changes: Mapping[str, Endpoint | None], room: int
) -> list[Endpoints]:
    """The contents of the slices after a change, in their order, then those of new slices.

    `changes`: by pod name, its endpoint from now on, or None if it has none; endpoints of other pods stay. `room` is
    what a slice holds. A slice that does not change comes back as it was; one that has become empty is to go.
    """
    waiting = dict(changes)
    contents = [_changed(endpoints, changes, waiting) for endpoints in slices]
    new = [endpoint for endpoint in waiting.values() if endpoint is not None]
    if not new:
        return contents
    moved = [i for i, endpoints in enumerate(slices) if contents[i] is not endpoints and contents[i]]
    for i in sorted(
        moved, key=lambda i: -len(contents[i])
    ):  # what is written anyway takes the first, fullest first
        contents[i], new = _fill(contents[i], new, room)
    still = [i for i, endpoints in enumerate(slices) if contents[i] is endpoints]
    while new:
        best = _closest_to_full(contents, still, len(new), room) if len(new) < room else None
        if best is not None:
            contents[best], new = _fill(contents[best], new, room)
            break
        filled, new = _fill((), new, room)
        emptied = next((i for i in range(len(slices)) if not contents[i]), None)
        if emptied is None:
            contents.append(filled)
        else:
            contents[emptied] = filled
    return contents


def _changed(
    endpoints: Endpoints, changes: Mapping[str, Endpoint | None], waiting: dict[str, Endpoint | None]
) -> Endpoints:
    """A slice's endpoints after the changes; what was placed is no longer waiting."""
    places = [i for i, endpoint in enumerate(endpoints) if endpoint.pod in changes]
    if not places:
        return endpoints
    after = list(endpoints)
    for i in reversed(places):
        changed = waiting.pop(endpoints[i].pod, None)
        if changed is None:
            del after[i]
        else:
            after[i] = changed
    result = tuple(after)
    return endpoints if result == endpoints else result


def _fill(endpoints: Endpoints, new: list[Endpoint], room: int) -> tuple[Endpoints, list[Endpoint]]:
    free = max(0, room - len(endpoints))
    return (*endpoints, *new[:free]), new[free:]


def _closest_to_full(contents: Sequence[Endpoints], among: Sequence[int], more: int, room: int) -> int | None:
    """The slice that all of the new ones fit into, leaving the least room."""
    fitting = [i for i in among if len(contents[i]) + more <= room]
    return max(fitting, key=lambda i: len(contents[i]), default=None)
