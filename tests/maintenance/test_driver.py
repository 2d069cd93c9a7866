"""The driver: order, window, skip, abort, the way back, and taking up a killed run."""

from math import inf
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simkube.maintenance.acts import Cordon
from simkube.maintenance.plan import Block, Leaf, Plan
from simkube.maintenance.step import (
    Answer,
    Decision,
    Do,
    Done,
    Failed,
    Journal,
    Note,
    View,
    WaitUntil,
    next_look,
)
from tests.maintenance.world import DiskLog, FakeWorld, Killed, Told, one


class Nap(NamedTuple):
    """Does one act, then takes its time, then ends."""

    name: str
    takes: float = 1.0
    ends: str = "done"  # "done", "skip", "abort"

    @property
    def title(self) -> str:
        return self.name

    needs = waits = ""

    def next(self, view: View, journal: Journal, now: float) -> Decision:
        entry = journal.last("cordon", self.name)
        if entry is None or entry.answer is None:
            return Do((Note("seen", [1]), Cordon(self.name)))
        assert journal.noted("seen") == [1]
        if now < journal.started + self.takes:
            return WaitUntil(journal.started + self.takes)
        return Done(f"{self.name} slept") if self.ends == "done" else Failed(f"{self.name} woke", self.ends)


class NapWorld(FakeWorld):
    def _cordon(self, act: Cordon, unschedulable: bool = True) -> None:
        return None


def block(*steps: Any, parallel: int = 1, otherwise: tuple[Any, ...] = (), name: str = "b") -> Block:
    def leaves(children: tuple[Any, ...]) -> tuple[Leaf | Block, ...]:
        return tuple(child if isinstance(child, Leaf | Block) else Leaf(child) for child in children)

    return Block(name, leaves(steps), parallel, leaves(otherwise))


def begun(world: FakeWorld) -> dict[str, float]:
    return {act.target: time for time, act in world.acts}


def results(driver: Any) -> dict[str, str]:
    return {path: outcome.result for path, outcome in sorted(driver.log.outcomes.items())}


def test_a_sequence_begins_each_step_when_the_one_before_has_ended() -> None:
    world = NapWorld()
    driver = world.run(one(Nap("a", 2), Nap("b", 3), Nap("c", 1)))
    assert begun(world) == {"a": 0, "b": 2, "c": 5}
    assert world.time == 6
    assert driver.finished and not driver.aborted and driver.next_wake == inf


def test_a_window_slides_as_soon_as_one_ends_the_next_begins() -> None:
    world = NapWorld()
    world.run(Plan(block(Nap("a", 5), Nap("b", 1), Nap("c", 1), Nap("d", 1), parallel=2)))
    assert begun(world) == {"a": 0, "b": 0, "c": 1, "d": 2}
    assert world.time == 5


def test_blocks_in_a_window_are_sequences_beside_each_other() -> None:
    world = NapWorld()
    plan = Plan(
        block(block(Nap("a", 1), Nap("b", 1)), block(Nap("c", 5), Nap("d", 1)), Nap("e", 1), parallel=2)
    )
    world.run(plan)
    assert begun(world) == {"a": 0, "c": 0, "b": 1, "e": 2, "d": 5}


def test_skip_leaves_out_the_rest_of_the_block_but_for_its_always_steps() -> None:
    world = NapWorld()
    node = block(Nap("drain", 1, "skip"), Nap("reboot"), Leaf(Nap("uncordon"), always=True))
    driver = world.run(Plan(block(node, block(Nap("next")))))
    assert list(begun(world)) == ["drain", "uncordon", "next"]
    assert results(driver) == {"0/0": "failed", "0/1": "skipped", "0/2": "done", "1/0": "done"}
    assert driver.failures == ["drain: drain woke"]
    assert driver.finished and driver.aborted == ""


def test_skip_leaves_out_whole_blocks_too() -> None:
    world = NapWorld()
    driver = world.run(Plan(block(Nap("a", 1, "skip"), block(Nap("b"), block(Nap("c"))), Nap("d"))))
    assert results(driver) == {"0": "failed", "1/0": "skipped", "1/1/0": "skipped", "2": "skipped"}


def test_abort_begins_nothing_more_and_undoes_nothing() -> None:
    world = NapWorld()
    node = block(Nap("drain", 1, "abort"), Nap("reboot"), Leaf(Nap("uncordon"), always=True))
    driver = world.run(Plan(block(node, block(Nap("next")))))
    assert list(begun(world)) == ["drain"]
    assert driver.finished and driver.aborted == "drain: drain woke"
    assert results(driver) == {"0/0": "failed"}


def test_abort_lets_what_runs_beside_it_come_to_its_end() -> None:
    world = NapWorld()
    bad = block(Nap("a", 2, "abort"), Nap("a2"))
    driver = world.run(Plan(block(bad, block(Nap("b", 3), Nap("b2", 1)), block(Nap("c")), parallel=2)))
    assert begun(world) == {"a": 0, "b": 0, "b2": 3}
    assert driver.finished and world.time == 4


def test_otherwise_is_the_way_back_from_the_innermost_block_outwards() -> None:
    world = NapWorld()
    inner = block(Nap("a", 1, "abort"), Nap("a2"), otherwise=(Nap("back1", 2), Nap("back2")))
    driver = world.run(Plan(block(inner, Nap("never"), otherwise=(block(Nap("home")),))))
    assert begun(world) == {"a": 0, "back1": 1, "back2": 3, "home": 4}
    assert driver.aborted == "a: a woke"
    assert results(driver) == {"0/0": "failed", "0/!0": "done", "0/!1": "done", "!0/0": "done"}


def test_otherwise_waits_for_what_runs_beside_the_failure() -> None:
    world = NapWorld()
    world.run(Plan(block(Nap("a", 1, "abort"), Nap("b", 4), parallel=2, otherwise=(Nap("back"),))))
    assert begun(world) == {"a": 0, "b": 0, "back": 4}


def test_otherwise_is_not_for_skipped_steps() -> None:
    world = NapWorld()
    world.run(Plan(block(Nap("a", 1, "skip"), otherwise=(Nap("back"),))))
    assert list(begun(world)) == ["a"]


def test_a_way_back_that_fails_ends_and_says_so() -> None:
    world = NapWorld()
    driver = world.run(Plan(block(Nap("a", 1, "abort"), otherwise=(Nap("b", 1, "abort"), Nap("c")))))
    assert list(begun(world)) == ["a", "b"]
    assert driver.failures == ["a: a woke", "b: b woke"] and driver.finished


def test_an_empty_plan_is_finished_at_once() -> None:
    driver = NapWorld().run(Plan(block(block(), block(parallel=3))))
    assert driver.finished


def test_paths_of_leaves_are_those_of_outcomes() -> None:
    world = NapWorld()
    inner = block(Nap("a", 1, "abort"), otherwise=(block(Nap("b")), Nap("c")))
    plan = Plan(block(inner, otherwise=(Nap("d"),)))
    driver = world.run(plan)
    assert [path for path, _ in plan.leaves()] == ["0/0", "0/!0/0", "0/!1", "!0"]
    assert set(driver.log.outcomes) == {path for path, _ in plan.leaves()}


def test_told_hears_of_beginning_notes_acts_and_outcomes() -> None:
    told = Told()
    NapWorld().run(one(Nap("a")), told=told)
    kinds = [type(what).__name__ for _, what, _ in told.all]
    assert kinds == ["NoneType", "Note", "Cordon", "Outcome"]
    assert told.all[2][2] == Answer()


def test_a_step_that_waits_for_the_past_is_an_error_and_no_endless_loop() -> None:
    class Bad(Nap):
        def next(self, view: View, journal: Journal, now: float) -> Decision:
            return WaitUntil(now)

    with pytest.raises(RuntimeError, match="bad: waits until"):
        NapWorld().run(one(Bad("bad")))


class Looker(NamedTuple):
    """Counts how often it is asked, while it looks every second from 0.25 on whether the node is cordoned."""

    asked: list[float]
    every: float = 1.0
    title = needs = waits = ""

    def next(self, view: View, journal: Journal, now: float) -> Decision:
        self.asked.append(now)
        node = view.node("w1")
        if node is not None and node.unschedulable:
            return Done()
        return WaitUntil(inf, "w1", "", 0.25, self.every)


def test_who_looks_every_second_is_asked_once_a_second_at_most() -> None:
    world = FakeWorld()
    world.node("w1")
    asked: list[float] = []
    for time in (2.3, 2.4, 2.5, 7.25):
        world.at(time, lambda: world.changed("w1"))
    world.at(9.0, lambda: world.set_node("w1", unschedulable=True))
    driver = world.run(one(Looker(asked)))
    assert asked == [0.0, 3.25, 7.25, 9.25]
    assert driver.finished


def test_without_every_a_change_is_seen_at_once() -> None:
    world = FakeWorld()
    world.node("w1")
    asked: list[float] = []
    world.at(2.3, lambda: world.changed("w1"))
    world.at(3.0, lambda: world.changed("other"))
    world.at(9.0, lambda: world.set_node("w1", unschedulable=True))
    world.run(one(Looker(asked, 0.0)))
    assert asked == [0.0, 2.3, 9.0]


@given(st.floats(0, 1e8), st.integers(0, 10_000), st.sampled_from([1.0, 5.0, 0.1]))
def test_the_next_look_is_stable_at_any_time_of_a_long_run(since: float, looks: int, every: float) -> None:
    time = since + looks * every
    assert next_look(since, time, every) == time


# -- killed and taken up -------------------------------------------------------------------------------------

ENDS = st.sampled_from(["done", "done", "done", "skip", "abort"])
LEAVES = st.builds(lambda takes, ends, always: (takes, ends, always), st.integers(0, 4), ENDS, st.booleans())
TREES = st.recursive(
    LEAVES,
    lambda inner: st.tuples(st.lists(inner, max_size=4), st.integers(1, 3), st.lists(inner, max_size=2)),
    max_leaves=12,
)


def build(tree: Any, name: str) -> Leaf | Block:
    if isinstance(tree[0], list):
        steps, parallel, otherwise = tree
        return Block(
            name,
            tuple(build(child, f"{name}{i}") for i, child in enumerate(steps)),
            parallel,
            tuple(build(child, f"{name}x{i}") for i, child in enumerate(otherwise)),
        )
    takes, ends, always = tree
    return Leaf(Nap(name, takes, ends), always)


@settings(max_examples=100)
@given(TREES)
def test_killed_at_any_boundary_a_run_ends_as_if_it_had_not_been(tree: Any) -> None:
    plan = Plan(Block("root", (build(tree, "n"),)))
    log = DiskLog()
    whole = NapWorld()
    driver = whole.run(plan, log)
    assert driver.finished
    for line in range(len(log.lines)):
        for after in (False, True):
            world = NapWorld()
            dying = DiskLog(line, after)
            with pytest.raises(Killed):
                world.run(plan, dying)
            again = world.run(plan, dying.read_back())
            assert again.finished
            assert again.log.outcomes == driver.log.outcomes
            assert again.aborted == driver.aborted
            assert again.failures == driver.failures
            assert begun(world).keys() == begun(whole).keys()
            assert world.time == whole.time


@given(TREES, st.data())
def test_killed_again_and_again_it_ends_the_same(tree: Any, data: st.DataObject) -> None:
    plan = Plan(Block("root", (build(tree, "n"),)))
    log = DiskLog()
    driver = NapWorld().run(plan, log)
    world, again = NapWorld(), DiskLog()
    for _ in range(4):
        again = again.read_back()
        again.dies_at = len(again.lines) + data.draw(st.integers(0, 3))
        again.after = data.draw(st.booleans())
        try:
            world.run(plan, again)
            break
        except Killed:
            world.time += data.draw(st.sampled_from([0.0, 0.5, 10.0]))
    final = world.run(plan, again.read_back())
    assert final.finished and bool(final.aborted) == bool(driver.aborted)
    assert {p: o.result for p, o in final.log.outcomes.items() if o.then == ""}.keys() <= {
        p for p, _ in plan.leaves()
    }


@given(TREES)
def test_no_window_holds_more_than_it_may_and_sequences_keep_their_order(tree: Any) -> None:
    root = Block("root", (build(tree, "n"),))
    told: list[tuple[str, str]] = []

    def tell(path: str, leaf: Leaf, what: Any, answer: Any) -> None:
        if what is None:
            told.append(("begin", path))
        elif type(what).__name__ == "Outcome" and what.result != "skipped":
            told.append(("end", path))

    NapWorld().run(Plan(root), told=tell)

    def check(block: Block, path: str) -> None:
        for prefix, children, parallel in (
            (path, block.steps, block.parallel),
            (f"{path}!", block.otherwise, 1),
        ):
            running: dict[int, int] = {}
            order: list[int] = []
            for what, where in told:
                if not where.startswith(prefix) or where[len(prefix) : len(prefix) + 1] == "!":
                    continue
                child = int(where[len(prefix) :].split("/")[0])
                if what == "begin":
                    if child not in running and (not order or child != order[-1]):
                        order.append(child)
                    running[child] = running.get(child, 0) + 1
                    assert len(running) <= parallel
                else:
                    running[child] -= 1
                    if not running[child]:
                        del running[child]
            assert order == sorted(order) or parallel > 1
            for index, child_block in enumerate(children):
                if isinstance(child_block, Block):
                    check(child_block, f"{prefix}{index}/")

    check(root, "")
