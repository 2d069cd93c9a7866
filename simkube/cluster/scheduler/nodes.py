"""Arrays that follow the nodes: what each has, what is taken, what is left; one column a node.

Columns stand in the order in which the scheduler looks at nodes: zones take turns [backend/cache/node_tree.go]. A
node keeps its *slot* for life; its *position* (column) changes when nodes come and go.
"""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from simkube.cluster.nodes.zones import zone_of
from simkube.kube.objects import Node, NodeResources, Taint
from simkube.kube.template import Template

Floats: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]
Ints: TypeAlias = NDArray[np.intp]
Window: TypeAlias = slice | Ints
"""Some positions: a slice of the columns, or their numbers."""

TaintKey: TypeAlias = tuple[tuple[str, str, str], ...]

FREE, SLACK, USED, SIZE, BALANCE, ROWS = 0, 4, 6, 8, 10, 11
MAX_SCORE = 100
MANY_CHANGES = 100_000  # so many are remembered
ZERO, HALF, ONE, FIFTY, HUNDRED = (np.array(n) for n in (0.0, 0.5, 1.0, 50.0, 100.0))  # faster than Python's


def balanced(cpu: int, memory: int, size: NodeResources) -> int:
    """floor((1 - |f1 - f2| / 2) x 100), f1 and f2 the shares of cpu and memory that are taken, at most 1
    [plugins/noderesources/balanced_allocation.go `balancedResourceScore`]."""
    if not size.cpu or not size.memory:
        return MAX_SCORE
    a, b = cpu / size.cpu, memory / size.memory
    return int((1.0 - abs((a if a < 1.0 else 1.0) - (b if b < 1.0 else 1.0)) / 2) * MAX_SCORE)


def existing(cpu: Floats, memory: Floats) -> tuple[Floats, Floats]:
    """Where a node has one of the two only (the other is nan), that one stands for both; 0 where it has neither."""
    return (
        np.nan_to_num(np.where(np.isnan(cpu), memory, cpu)),
        np.nan_to_num(np.where(np.isnan(memory), cpu, memory)),
    )


class NodeInfo:
    """One node and what the pods assigned to it request. `scoring_*` count the stand-ins for missing requests."""

    __slots__ = (
        "balance",
        "cpu",
        "extended",
        "memory",
        "node",
        "overfull",
        "pods",
        "scoring_cpu",
        "scoring_memory",
        "slot",
        "storage",
    )

    def __init__(self, node: Node, slot: int) -> None:
        self.node = node
        self.slot = slot
        self.pods = self.cpu = self.memory = self.storage = 0
        self.scoring_cpu = self.scoring_memory = 0
        self.balance = 0  # score of BalancedAllocation as the node stands
        self.overfull = False  # more is requested of it than it has
        self.extended: dict[str, int] = {}

    @property
    def size(self) -> NodeResources:
        return self.node.status.allocatable


class Nodes:
    """The nodes by name, slot and position, and their arrays. Read arrays only after `arrange`."""

    def __init__(self) -> None:
        self.by_name: dict[str, NodeInfo] = {}
        self.infos: list[NodeInfo | None] = []  # by slot
        self.at: list[int] = []  # slot -> position
        self.count = 0
        self.order = 0  # changes when positions do
        self.changes: list[int] = []  # slots of nodes that have changed, since `order` did or longer
        self.cordoned = 0
        self.lacking = 0  # nodes without cpu or without memory
        self.overfull = 0  # nodes of which more is requested than they have
        self.taints: list[tuple[Taint, ...]] = [()]  # by class: nodes with the same taints share one
        self.extended: dict[str, Floats] = {}  # what is left of extended resources that someone asked for
        self._taint_classes: dict[TaintKey, int] = {(): 0}
        self._free_slots: list[int] = []
        self._zones: dict[str, int] = {}  # zone -> its number, in order of its first node
        self._next_zone = 0
        self._members: dict[int, int] = {}  # number of nodes of a zone
        self._zone = np.zeros(0, np.intp)  # by slot
        self._rank = np.zeros(0, np.intp)  # by slot: which node of its zone it is
        self._dirty = False
        self._table: Floats = np.zeros((ROWS, 0))
        self._schedulable: Bools = np.zeros(0, np.bool_)
        self._taint_class: Ints = np.zeros(0, np.intp)
        self._slots: Ints = np.zeros(0, np.intp)
        self._allocate(16)
        self._show()

    # -- which nodes there are ----------------------------------------------------------------------------------

    def add(self, node: Node) -> NodeInfo:
        """A new node stands last in its zone."""
        slot = self._free_slots.pop() if self._free_slots else len(self.infos)
        info = NodeInfo(node, slot)
        if slot == len(self.infos):
            self.infos.append(info)
            self.at.append(0)
            if slot >= len(self._zone):
                self._zone = np.concatenate((self._zone, np.full(slot + 16, -1)))
                self._rank = np.concatenate((self._rank, np.zeros(slot + 16, np.intp)))
        else:
            self.infos[slot] = info
        self.by_name[node.meta.name] = info
        if self.count == len(self._slots):
            self._allocate(2 * self.count)
        self.at[slot] = self.count
        self._slots[self.count] = slot
        self.count += 1
        self._show()
        self._place(slot, zone_of(node.meta.labels))
        self._note(node, 1)
        self._write_node(info)
        return info

    def remove(self, info: NodeInfo) -> None:
        """Nothing may be assigned to it any more."""
        node = info.node
        self._note(node, -1)
        self.overfull -= info.overfull
        self._displace(info.slot, zone_of(node.meta.labels))
        del self.by_name[node.meta.name]
        self.infos[info.slot] = None
        self._free_slots.append(info.slot)
        self._reorder(np.delete(np.arange(self.count), self.at[info.slot]), self.count - 1)

    def change(self, info: NodeInfo, node: Node) -> None:
        """The node's labels, taints, cordon or allocatable may have changed."""
        old = info.node
        if (
            old.meta is node.meta
            and old.taints is node.taints
            and old.unschedulable is node.unschedulable
            and old.status.allocatable is node.status.allocatable
        ):
            info.node = node  # its images changed, most often
            return
        old_zone, zone = zone_of(old.meta.labels), zone_of(node.meta.labels)
        if old_zone != zone:
            self._displace(info.slot, old_zone)
            self._place(info.slot, zone)
        self._note(old, -1)
        self._note(node, 1)
        info.node = node
        self._write_node(info)

    def arrange(self) -> None:
        """Bring the columns into order, if nodes came, went or moved."""
        if len(self.changes) > MANY_CHANGES:
            self.changes.clear()
            self.order += 1
        if not self._dirty:
            return
        self._dirty = False
        self._reorder(np.lexsort((self._zone[self.slots], self._rank[self.slots])), self.count)

    def info(self, position: int) -> NodeInfo:
        found = self.infos[int(self.slots[position])]
        assert found is not None
        return found

    # -- what is taken ------------------------------------------------------------------------------------------

    def account(self, info: NodeInfo, template: Template, pods: int) -> None:
        """`pods` more (negative: fewer) pods of the template are assigned to the node."""
        need, scoring = template.requests, template.nonzero_requests
        info.pods += pods
        info.cpu += pods * need.cpu
        info.memory += pods * need.memory
        info.storage += pods * need.ephemeral_storage
        info.scoring_cpu += pods * scoring.cpu
        info.scoring_memory += pods * scoring.memory
        if need.extended:
            for name, amount in need.extended.items():
                info.extended[name] = info.extended.get(name, 0) + pods * amount
                left = self.extended.get(name)
                if left is not None:
                    left[self.at[info.slot]] = self._extended_left(info, name)
        self._write(info)

    def extended_left(self, name: str) -> Floats:
        """What is left of an extended resource, by position; followed from the first question on."""
        left = self.extended.get(name)
        if left is None:
            left = self.extended[name] = np.zeros(len(self._slots))
            for info in self.by_name.values():
                left[self.at[info.slot]] = self._extended_left(info, name)
        return left[: self.count]

    @staticmethod
    def _extended_left(info: NodeInfo, name: str) -> int:
        return info.size.extended.get(name, 0) - info.extended.get(name, 0)

    # -- arrays -------------------------------------------------------------------------------------------------

    def _write(self, info: NodeInfo) -> None:
        size, at = info.node.status.allocatable, self.at[info.slot]
        cpu, memory = size.cpu, size.memory
        used_cpu, used_memory = info.cpu, info.memory
        free_cpu, free_memory, free_storage, free_pods, *others = self._rows
        slack_cpu, slack_memory, row_cpu, row_memory, balance = others
        free_cpu[at] = cpu - used_cpu
        free_memory[at] = memory - used_memory
        free_storage[at] = size.ephemeral_storage - info.storage
        free_pods[at] = size.pods - info.pods
        slack_cpu[at] = MAX_SCORE * (cpu - info.scoring_cpu)
        slack_memory[at] = MAX_SCORE * (memory - info.scoring_memory)
        row_cpu[at] = used_cpu
        row_memory[at] = used_memory
        self.changes.append(info.slot)
        overfull = used_cpu > cpu or used_memory > memory
        if overfull is not info.overfull:
            info.overfull = overfull
            self.overfull += 1 if overfull else -1
        info.balance = balanced(used_cpu, used_memory, size)
        balance[at] = info.balance

    def _write_node(self, info: NodeInfo) -> None:
        node, at = info.node, self.at[info.slot]
        size = info.size
        self.size[0][at], self.size[1][at] = size.cpu or np.nan, size.memory or np.nan
        self.schedulable[at] = not node.unschedulable
        self.taint_class[at] = self._class_of(node.taints)
        for name, left in self.extended.items():
            left[at] = self._extended_left(info, name)
        self._write(info)

    def _class_of(self, taints: tuple[Taint, ...]) -> int:
        key = tuple((taint.key, taint.value, taint.effect) for taint in taints)
        found = self._taint_classes.get(key)
        if found is None:
            found = self._taint_classes[key] = len(self.taints)
            self.taints.append(taints)
        return found

    def _note(self, node: Node, n: int) -> None:
        size = node.status.allocatable
        self.cordoned += n * node.unschedulable
        self.lacking += n * (not size.cpu or not size.memory)

    def _place(self, slot: int, zone: str) -> None:
        number = self._zones.get(zone)
        if number is None:
            number = self._zones[zone] = self._next_zone
            self._next_zone += 1
        rank = self._members.get(number, 0)
        self._members[number] = rank + 1
        self._zone[slot], self._rank[slot] = number, rank
        self._dirty = True

    def _displace(self, slot: int, zone: str) -> None:
        number = self._zones[zone]
        rank = self._rank
        rank[(self._zone == number) & (rank > rank[slot])] -= 1
        self._zone[slot] = -1
        self._members[number] -= 1
        if not self._members[number]:
            del self._zones[zone]
        self._dirty = True

    def _reorder(self, order: Ints, count: int) -> None:
        """Column i becomes what column order[i] was."""
        self._table[:, :count] = self._table[:, order]
        rows: tuple[NDArray[Any], ...] = (
            self._schedulable,
            self._taint_class,
            self._slots,
            *self.extended.values(),
        )
        for row in rows:
            row[:count] = row[order]
        self.count = count
        self._show()
        for position, slot in enumerate(self.slots.tolist()):
            self.at[slot] = position

    def _allocate(self, columns: int) -> None:
        old = self.count
        table, schedulable, taint_class, slots = (
            self._table,
            self._schedulable,
            self._taint_class,
            self._slots,
        )
        self._table = np.zeros((ROWS, columns))
        self._schedulable = np.zeros(columns, np.bool_)
        self._taint_class = np.zeros(columns, np.intp)
        self._slots = np.zeros(columns, np.intp)
        self._table[:, :old] = table
        self._schedulable[:old], self._taint_class[:old], self._slots[:old] = schedulable, taint_class, slots
        for name, left in self.extended.items():
            self.extended[name] = np.concatenate((left, np.zeros(columns - old)))
        self._rows = (*self._table[FREE:SIZE], self._table[BALANCE])

    def _show(self) -> None:
        """The arrays that others read are as long as there are nodes."""
        rows = tuple(self._table[:, : self.count])
        self.free = rows[FREE:SLACK]  # cpu, memory, ephemeral storage, pods
        self.slack = rows[SLACK:USED]  # 100 x (allocatable - scoring requests): cpu, memory
        self.used = rows[USED:SIZE]  # requests: cpu, memory
        self.size = rows[SIZE:BALANCE]  # allocatable: cpu, memory; nan where the node has none
        self.balance = rows[BALANCE]  # score of BalancedAllocation as the node stands
        self.schedulable: Bools = self._schedulable[: self.count]
        self.taint_class: Ints = self._taint_class[: self.count]
        self.slots: Ints = self._slots[: self.count]
        self.order += 1
