"""The success fraction s(t): belief's routes against truth's serving containers.

A client on node n sends each request to one of the endpoints in that node's proxy table, all alike. s(t) is the share
of requests, over client nodes and endpoints, that reach a container which answers; 0 where a table is empty. Clients
sit on every machine that is on. All proxies that can see the API share one table; one that cannot keeps the table it
had. Between a machine that is cut off altogether and the others no request passes.
"""

from collections.abc import Iterable, Mapping

Service = tuple[str, str]  # (namespace, name)


class Success:
    """s(t) of every service, kept up to date by small changes; each method returns the services it touched."""

    def __init__(self) -> None:
        self.routes: dict[Service, Mapping[str, None]] = {}  # the shared table: endpoints' pod UIDs
        self.left: list[str] = []  # who left the table of a service in the newest change of it, in its order
        self.came: list[str] = []  # who came into it
        self._users: dict[str, tuple[Service, ...]] = {}  # who routes to a pod
        self._alone: dict[Service, tuple[Service, ...]] = {}  # a service as the only one: most pods have one
        self._answering: dict[Service, int] = {}  # how many of the routed ones serve
        self.serving: dict[str, str] = {}  # pod UID -> node, of containers that answer
        self._clients: dict[str, None] = {}  # machines that are on
        self._frozen: dict[str, Mapping[Service, Mapping[str, None]]] = {}  # client node -> table it keeps
        self._cut: dict[str, None] = {}

    def fraction(self, service: Service) -> float:
        """s of one service now."""
        routed = self.routes.get(service) or {}
        if not self._frozen and not self._cut:
            return self._answering.get(service, 0) / len(routed) if routed else 0.0
        apart = [client for client in {**self._frozen, **self._cut} if client in self._clients]
        shared = max(len(self._clients) - len(apart), 0 if apart else 1)
        total = shared * self._reached(routed, "") if shared else 0.0
        for client in apart:
            table = self._frozen.get(client)
            total += self._reached(routed if table is None else table.get(service, {}), client)
        return total / (shared + len(apart))

    def _reached(self, routed: Mapping[str, None], client: str) -> float:
        if not routed:
            return 0.0
        cut = self._cut
        reached = 0
        for uid in routed:
            node = self.serving.get(uid)
            if node is not None and (node == client or (node not in cut and client not in cut)):
                reached += 1
        return reached / len(routed)

    # -- changes ------------------------------------------------------------------------------------------------

    def route(self, service: Service, uids: Iterable[str]) -> tuple[Service, ...]:
        """The shared table's endpoints of a service changed."""
        before = self.routes.get(service) or {}
        after = dict.fromkeys(uids)
        answering = self._answering.get(service, 0)
        self.left = _without(before, after)
        self.came = _without(after, before)
        for uid in self.left:
            others = tuple(user for user in self._users.pop(uid) if user != service)
            if others:
                self._users[uid] = others
            answering -= uid in self.serving
        alone = self._alone.setdefault(service, (service,))
        for uid in self.came:
            others = self._users.get(uid, ())
            self._users[uid] = (*others, service) if others else alone
            answering += uid in self.serving
        self.routes[service] = after
        self._answering[service] = answering
        return (service,)

    def serve(self, uid: str, node: str) -> Iterable[Service]:
        """A pod's container answers from now on."""
        users = self._users.get(uid, ())
        if uid not in self.serving:
            for service in users:
                self._answering[service] += 1
        self.serving[uid] = node
        return self._all() if self._frozen else users

    def silence(self, uid: str) -> Iterable[Service]:
        """A pod's container no longer answers."""
        users = self._users.get(uid, ())
        if self.serving.pop(uid, None) is not None:
            for service in users:
                self._answering[service] -= 1
        return self._all() if self._frozen else users

    def client_on(self, node: str) -> Iterable[Service]:
        self._clients[node] = None
        return self._all() if self._frozen or self._cut else ()

    def client_off(self, node: str) -> Iterable[Service]:
        self._clients.pop(node, None)
        return self._all() if self._frozen or self._cut else ()

    def power_off(self, node: str) -> Iterable[Service]:
        """The machine is off, and the table that it had is gone: until its proxy follows again it has none."""
        if node in self._frozen:
            self._frozen[node] = {}
        return self.client_off(node)

    def freeze(self, node: str) -> Iterable[Service]:
        """The node's proxy no longer follows: it keeps the table it has."""
        self._frozen.setdefault(node, dict(self.routes))
        return self._all()

    def follow(self, node: str) -> Iterable[Service]:
        self._frozen.pop(node, None)
        return self._all()

    def cut(self, node: str) -> Iterable[Service]:
        """No packet passes between this node and the others."""
        self._cut[node] = None
        return self._all()

    def join(self, node: str) -> Iterable[Service]:
        self._cut.pop(node, None)
        return self._all()

    def removed(self, node: str) -> Iterable[Service]:
        """The machine is no more: no client, and nothing cut off or frozen."""
        apart = bool(self._frozen or self._cut)
        for state in (self._clients, self._frozen, self._cut):
            state.pop(node, None)
        return self._all() if apart else ()

    def _all(self) -> tuple[Service, ...]:
        return tuple(self.routes)


def _without(table: Mapping[str, None], other: Mapping[str, None]) -> list[str]:
    """Who of a table is not in the other, in order."""
    only = table.keys() - other.keys()
    return [uid for uid in table if uid in only] if len(only) > 1 else list(only)
