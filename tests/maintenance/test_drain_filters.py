"""kubectl's filters (behaviour, section 6), each against its row of the table, and the texts of errors and warnings."""

from typing import Any

import pytest

from simkube.maintenance.drain_filters import DrainOptions, Facts, aggregate, judge, select
from tests.maintenance.world import FakeWorld

BARE = {"ignore_daemonsets": False, "delete_emptydir_data": False}  # kubectl drain without any flag
DS = ("DaemonSet", "agent")
NOW = 1000.0


def verdict(pod: dict[str, Any], daemonset: bool = True, **options: Any) -> tuple[bool, str, str]:
    world = FakeWorld()
    made = world.pod("p", "w1", **pod)
    return tuple(judge(made, DrainOptions(**{**BARE, **options}), Facts(lambda *_: daemonset, NOW)))


DS_FATAL = "DaemonSet-managed Pods (use --ignore-daemonsets to ignore)"
LOCAL_FATAL = "Pods with local storage (use --delete-emptydir-data to override)"
BARE_FATAL = "Pods that declare no controller (use --force to override)"
MIRROR = {"kubernetes.io/config.mirror": "hash"}
OK, SKIP = (True, "", ""), (False, "", "")


@pytest.mark.parametrize(
    ("pod", "options", "expected"),
    [
        # an ordinary pod of a controller, of whatever kind
        ({}, {}, OK),
        ({"owner": ("Rollout", "r")}, {}, OK),
        # 1 skipDeleted: measured from the deletionTimestamp, in whole seconds, more than N
        ({"deleted": NOW - 61}, {"skip_wait_for_delete_timeout": 60}, SKIP),
        ({"deleted": NOW - 60.9}, {"skip_wait_for_delete_timeout": 60}, OK),
        ({"deleted": NOW - 61}, {}, OK),
        ({"deleted": NOW + 20}, {"skip_wait_for_delete_timeout": 1}, OK),
        # 2 daemonSet
        ({"owner": DS}, {}, (False, "error", DS_FATAL)),
        ({"owner": DS}, {"force": True}, (False, "error", DS_FATAL)),
        ({"owner": DS}, {"ignore_daemonsets": True}, (False, "warning", "ignoring DaemonSet-managed Pods")),
        ({"owner": DS, "phase": "Succeeded"}, {}, OK),
        ({"owner": DS, "phase": "Failed"}, {}, OK),
        # 3 mirrorPod: before local storage and controllers are looked at
        ({"annotations": MIRROR, "owner": ("Node", "w1"), "empty_dir": True}, {}, SKIP),
        ({"annotations": MIRROR, "owner": None}, {}, SKIP),
        # 4 localStorage
        ({"empty_dir": True}, {}, (False, "error", LOCAL_FATAL)),
        (
            {"empty_dir": True},
            {"delete_emptydir_data": True},
            (True, "warning", "deleting Pods with local storage"),
        ),
        ({"empty_dir": True, "phase": "Failed"}, {}, OK),
        # 5 unreplicated
        ({"owner": None}, {}, (False, "error", BARE_FATAL)),
        ({"owner": None}, {"force": True}, (True, "warning", "deleting Pods that declare no controller")),
        ({"owner": None, "phase": "Succeeded"}, {}, OK),
        # the last verdict's message survives: that of filter 4 is overwritten by 5, and an error of 4 ends the chain
        (
            {"owner": None, "empty_dir": True},
            {"force": True, "delete_emptydir_data": True},
            (True, "warning", "deleting Pods that declare no controller"),
        ),
        ({"owner": None, "empty_dir": True}, {"force": True}, (False, "error", LOCAL_FATAL)),
        ({"owner": None, "empty_dir": True}, {"delete_emptydir_data": True}, (False, "error", BARE_FATAL)),
    ],
)
def test_a_verdict(pod: dict[str, Any], options: dict[str, Any], expected: tuple[bool, str, str]) -> None:
    assert verdict(pod, **options) == expected


def test_a_missing_daemonset_is_an_error_with_the_servers_words_and_a_warning_with_force() -> None:
    gone = 'daemonsets.apps "agent" not found'
    assert verdict({"owner": DS}, daemonset=False) == (False, "error", gone)
    assert verdict({"owner": DS}, daemonset=False, ignore_daemonsets=True) == (False, "error", gone)
    assert verdict({"owner": DS}, daemonset=False, force=True) == (True, "warning", gone)
    # with an emptyDir, filter 4 still refuses it
    assert verdict({"owner": DS, "empty_dir": True}, daemonset=False, force=True) == (
        False,
        "error",
        LOCAL_FATAL,
    )


def chosen(world: FakeWorld, minor: tuple[int, int] = (1, 37), daemonset: bool = True, **options: Any) -> Any:
    facts = Facts(lambda *_: daemonset, NOW)
    return select(world.view.pods_on("w1"), DrainOptions(**{**BARE, **options}), facts, minor)


def test_errors_name_the_pods_and_several_are_joined() -> None:
    world = FakeWorld()
    world.pod("b", "w1", owner=None)
    world.pod("a", "w1", owner=None)
    world.pod("agent-1", "w1", owner=DS, namespace="kube-system")
    world.pod("fine", "w1")
    # pods come in the order of the API: namespace, name
    assert chosen(
        world
    ).error == f"[cannot delete {BARE_FATAL}: default/a, default/b, cannot delete {DS_FATAL}: " + (
        "kube-system/agent-1]"
    )
    assert chosen(world, ignore_daemonsets=True).error == f"cannot delete {BARE_FATAL}: default/a, default/b"


@pytest.mark.parametrize(
    ("minor", "text"), [((1, 35), "cannot delete cannot delete Pods"), ((1, 36), "cannot delete Pods")]
)
def test_13_2_before_1_36_cannot_delete_is_said_twice_of_bare_pods(minor: tuple[int, int], text: str) -> None:
    world = FakeWorld()
    world.pod("a", "w1", owner=None)
    assert (
        chosen(world, minor).error
        == f"{text} that declare no controller (use --force to override): default/a"
    )
    local = FakeWorld()
    local.pod("a", "w1", empty_dir=True)
    assert chosen(local, minor).error == f"cannot delete {LOCAL_FATAL}: default/a"


def test_warnings_are_one_line_with_the_pods_of_each() -> None:
    world = FakeWorld()
    world.pod("agent-1", "w1", owner=DS)
    world.pod("cache-1", "w1", empty_dir=True)
    world.pod("cache-2", "w1", empty_dir=True)
    found = chosen(world, ignore_daemonsets=True, delete_emptydir_data=True)
    assert found.warning == (
        "ignoring DaemonSet-managed Pods: default/agent-1; "
        "deleting Pods with local storage: default/cache-1, default/cache-2"
    )
    assert [pod.meta.name for pod in found.evict] == ["cache-1", "cache-2"]
    assert found.error == ""


def test_only_pods_that_the_selector_takes_are_looked_at() -> None:
    world = FakeWorld()
    world.pod("web", "w1", labels={"app": "web"})
    world.pod("solo", "w1", owner=None)
    found = chosen(world, pod_selector="app in (web,shop)")
    assert [pod.meta.name for pod in found.evict] == ["web"] and found.error == ""


def test_the_defaults_are_those_of_a_strategy_never_force() -> None:
    options = DrainOptions()
    assert (options.ignore_daemonsets, options.delete_emptydir_data, options.force) == (True, True, False)


def test_errors_are_put_together_as_go_does() -> None:
    assert aggregate([]) == ""
    assert aggregate(["a", "a"]) == "a"
    assert aggregate(["a", "b", "a"]) == "[a, b]"
