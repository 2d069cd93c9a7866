"""The constants: values as section 12 of the behaviour reference has them, minors, overrides, errors."""

import pickle
import re
from dataclasses import astuple

import pytest

from simkube.kube.errors import BadValue
from simkube.kube.version import Version
from simkube.timings import NEWEST_MINOR, OLDEST_MINOR, Timings, all_timings

MINORS = range(OLDEST_MINOR, NEWEST_MINOR + 1)
MINUTE = 60

# Section 12, in its order, for every supported minor; what differs between minors stands below.
SECTION_12 = {
    "node_lease_duration": 40,
    "node_lease_renew_interval": 10,
    "node_lease_renew_jitter": 0.04,
    "node_lease_update_retries": 5,
    "node_lease_backoff_initial": 0.2,
    "node_lease_backoff_max": 7,
    "node_status_update_frequency": 10,
    "node_status_report_frequency": 5 * MINUTE,
    "runtime_check_period": 5,
    "runtime_down_threshold": 30,
    "fast_ready_update_period": 0.1,
    "node_ready_grace_period": 120,
    "node_registration_backoff_initial": 0.1,
    "node_registration_backoff_max": 7,
    "node_monitor_period": 5,
    "node_startup_grace_period": 60,
    "node_eviction_rate": 0.1,
    "node_eviction_burst": 1,
    "node_eviction_poll": 0.1,
    "secondary_node_eviction_rate": 0.01,
    "large_cluster_size_threshold": 50,
    "unhealthy_zone_threshold": 0.55,
    "unhealthy_zone_min_nodes": 3,
    "default_not_ready_toleration_seconds": 300,
    "default_unreachable_toleration_seconds": 300,
    "taint_eviction_delete_retries": 5,
    "taint_eviction_retry_sleep": 0.01,
    "pod_termination_grace_period": 30,
    "minimum_sigterm_window": 2,
    "gc_check_period": 20,
    "gc_quarantine_time": 40,
    "terminated_pod_gc_threshold": 12500,
    "force_detach_timeout": 6 * MINUTE,
    "replicaset_burst_replicas": 500,
    "slow_start_initial_batch_size": 1,
    "expectations_timeout": 5 * MINUTE,
    "daemonset_burst_replicas": 250,
    "daemonset_failed_pod_backoff_initial": 1,
    "daemonset_failed_pod_backoff_max": 15 * MINUTE,
    "statefulset_max_batch_size": 500,
    "deployment_max_surge": 0.25,
    "deployment_max_unavailable": 0.25,
    "deployment_progress_deadline": 600,
    "deployment_revision_history_limit": 10,
    "job_backoff_initial": 10,
    "job_backoff_max": 10 * MINUTE,
    "job_backoff_limit": 6,
    "disrupted_pods_timeout": 2 * MINUTE,
    "stale_disruption_timeout": 2 * MINUTE,
    "disrupted_pods_limit": 2000,
    "eviction_conflict_retries": 20,
    "eviction_conflict_retry_interval": 0.5,
    "eviction_conflict_retry_jitter": 0.1,
    "drain_eviction_retry": 5,
    "drain_delete_poll": 1,
    "drain_timeout": 0,
    "drain_grace_period": -1,
    "pod_initial_backoff": 1,
    "pod_max_backoff": 10,
    "backoff_window": 1,
    "max_in_unschedulable_pods": 5 * MINUTE,
    "flush_unschedulable_period": 30,
    "min_feasible_nodes_to_find": 100,
    "min_feasible_nodes_percentage": 5,
    "adaptive_nodes_percentage": 50,
    "adaptive_nodes_divisor": 125,
    "default_milli_cpu_request": 100,
    "default_memory_request": 200 * 1024 * 1024,
    "preemption_candidates_percentage": 10,
    "preemption_candidates_absolute": 100,
    "bind_timeout": 600,
    "max_pods": 110,
    "sync_frequency": 60,
    "kubelet_error_backoff": 10,
    "kubelet_loop_tick": 1,
    "housekeeping_period": 2,
    "sync_jitter": 0.5,
    "pleg_relist_period": 1,
    "pleg_unhealthy_threshold": 3 * MINUTE,
    "status_sync_period": 10,
    "crash_loop_initial": 10,
    "crash_loop_max": 300,
    "crash_loop_reset": 10 * MINUTE,
    "image_pull_backoff_initial": 10,
    "image_pull_backoff_max": 300,
    "registry_pull_qps": 5,
    "registry_pull_burst": 10,
    "max_parallel_image_pulls": 1,
    "probe_period": 10,
    "probe_timeout": 1,
    "probe_success_threshold": 1,
    "probe_failure_threshold": 3,
    "shutdown_grace_period": 0,
    "file_check_frequency": 20,
    "static_pod_requeue": 10,
    "eviction_pressure_transition_period": 5 * MINUTE,
    "endpoint_updates_batch_period": 0,
    "concurrent_endpoint_syncs": 5,
    "endpoints_per_slice": 100,
    "proxy_min_sync_period": 1,
    "proxy_sync_period": 30,
    "leader_elect_lease_duration": 15,
    "leader_elect_renew_deadline": 10,
    "leader_elect_retry_period": 2,
    "leader_elect_jitter": 1.2,
    "controller_manager_client_qps": 20,
    "controller_manager_client_burst": 30,
    "scheduler_client_qps": 50,
    "scheduler_client_burst": 100,
    "kubelet_client_qps": 50,
    "kubelet_client_burst": 100,
    "http2_read_idle_timeout": 30,
    "http2_ping_timeout": 15,
    "request_timeout": 60,
    "shutdown_delay_duration": 0,
    "kubeadm_upgrade_manifests_timeout": 5 * MINUTE,
    "kubeadm_api_call_retry_interval": 0.5,
    "kubeadm_etcd_wait_retries": 10,
    "kubeadm_etcd_wait_interval": 15,
    "kubeadm_etcd_call_timeout": 2 * MINUTE,
    "kubeadm_component_health_timeout": 4 * MINUTE,
    "kubeadm_kubelet_health_timeout": 4 * MINUTE,
    "control_plane_liveness_period": 10,
    "control_plane_liveness_failures": 8,
    "control_plane_readiness_period": 1,
    "control_plane_readiness_failures": 3,
    "control_plane_startup_period": 10,
    "control_plane_startup_failures": 24,
    "certificate_validity": 365 * 24 * 60 * MINUTE,
    "ca_certificate_validity": 3650 * 24 * 60 * MINUTE,
    "etcd_heartbeat_interval": 0.1,
    "etcd_election_timeout": 1,
}


@pytest.mark.parametrize("minor", MINORS)
def test_12_the_constants_of_every_minor(minor: int) -> None:
    timings = Timings.for_version(Version(1, minor))
    assert {name: getattr(timings, name) for name in SECTION_12} == SECTION_12


@pytest.mark.parametrize(
    ("name", "last_minor", "before", "after"),
    [
        ("node_monitor_grace_period", 31, 40, 50),  # 1.2
        ("mirror_pod_delay", 31, 60, 0.1),  # 8.7; the minor from fastStaticPodsRegistration in kubelet.go
        (
            "node_status_report_shift",
            33,
            0,
            0.5,
        ),  # 1.1; the minor from calculateDelay in kubelet_node_status.go
        ("crash_loop_look_again", 34, 10, 60),  # 13.4
        ("kubeadm_health_job_timeout", 35, 15, 60),  # 13.6
    ],
)
def test_a_constant_that_changed_has_each_minor_its_value(
    name: str, last_minor: int, before: float, after: float
) -> None:
    values = {minor: getattr(Timings.for_version(f"v1.{minor}.1"), name) for minor in MINORS}
    assert values == {minor: before if minor <= last_minor else after for minor in MINORS}


def test_nothing_else_changed_between_the_minors() -> None:
    changed = {row.name for row in all_timings() if (row.since, row.until) != ("1.28", "1.37")}
    assert changed == {
        "node-monitor-grace-period",
        "mirror-pod-delay",
        "node-status-report-shift",
        "crash-loop-look-again",
        "kubeadm-health-job-timeout",
    }


def test_the_rows_of_a_constant_cover_every_minor_once() -> None:
    covered: dict[str, list[int]] = {}
    for row in all_timings():
        since, until = (int(end.removeprefix("1.")) for end in (row.since, row.until))
        covered.setdefault(row.name, []).extend(range(since, until + 1))
    assert {name for name, minors in covered.items() if minors != list(MINORS)} == set()


def test_every_row_says_all_of_it() -> None:
    for row in all_timings():
        assert all(str(value) for value in astuple(row)), row
        assert re.fullmatch(r"[a-z0-9-]+", row.name), row
        assert re.fullmatch(r"(--[a-z0-9-]+|(const|in) [A-Za-z.]+|[a-zA-Z0-9_.]+)", row.flag), row


def test_durations_and_rates_are_floats_and_counts_are_ints() -> None:
    timings = Timings.for_version("1.36", {"max-pods": 250.0, "gc-check-period": 5})
    for row in all_timings():
        expected = int if row.unit in ("count", "bytes", "milli-cpu") else float
        assert type(getattr(timings, row.name.replace("-", "_"))) is expected, row.name


@pytest.mark.parametrize(
    ("key", "value", "name", "number"),
    [
        ("node-monitor-grace-period", "40s", "node_monitor_grace_period", 40.0),
        ("node-monitor-grace-period", "1m30s", "node_monitor_grace_period", 90.0),
        ("node-monitor-grace-period", 45, "node_monitor_grace_period", 45.0),
        ("node-eviction-rate", 0.5, "node_eviction_rate", 0.5),
        ("default-unreachable-toleration-seconds", 30, "default_unreachable_toleration_seconds", 30.0),
        ("max-pods", 250, "max_pods", 250),
        ("drain-timeout", "0", "drain_timeout", 0.0),
        ("terminated-pod-gc-threshold", -1, "terminated_pod_gc_threshold", -1),
        # the real flag, field or variable where our name differs
        ("registry-burst", 3, "registry_pull_burst", 3),
        ("pod-max-backoff-seconds", 20, "pod_max_backoff", 20.0),
        ("iptables-min-sync-period", "10s", "proxy_min_sync_period", 10.0),
        ("http2-ping-timeout-seconds", 5, "http2_ping_timeout", 5.0),
        ("crash-loop-back-off-max-container-restart-period", "1m", "crash_loop_max", 60.0),
    ],
)
def test_an_override_goes_by_our_name_or_the_real_one(
    key: str, value: str | float, name: str, number: float
) -> None:
    timings = Timings.for_version("v1.36.3", {key: value})
    assert getattr(timings, name) == number
    assert timings.overrides[name] == number


def test_an_override_changes_nothing_else() -> None:
    plain, changed = (vars(Timings.for_version("v1.36.3", o)) for o in ({}, {"gc-check-period": "1m"}))
    assert {name for name in plain if plain[name] != changed[name]} == {"gc_check_period", "overrides"}


def test_1_1_the_kubelet_renews_its_lease_every_quarter_of_the_duration_set() -> None:
    assert Timings.for_version("1.36", {"node-lease-duration-seconds": 20}).node_lease_renew_interval == 5
    both = {"node-lease-renew-interval": "1s", "node-lease-duration": "20s"}
    assert Timings.for_version("1.36", both).node_lease_renew_interval == 1


def test_1_1_setting_only_the_update_frequency_sets_the_report_frequency_too() -> None:
    assert (
        Timings.for_version("1.36", {"node-status-update-frequency": "4s"}).node_status_report_frequency == 4
    )
    both = {"node-status-update-frequency": "4s", "node-status-report-frequency": "1m"}
    assert Timings.for_version("1.36", both).node_status_report_frequency == 60


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            {"node-monitor-grace-perod": "40s"},
            "node-monitor-grace-perod: unknown timing; did you mean node-monitor-grace-period?",
        ),
        (
            {"node_monitor_grace_period": "40s"},
            "node_monitor_grace_period: unknown timing; did you mean node-monitor-grace-period?",
        ),
        ({"qqq": 1}, "qqq: unknown timing; `simkube timings` lists them all"),
        (
            {"kube-api-qps": 5},
            "kube-api-qps: a flag of several components; "
            "name one: controller-manager-client-qps, kubelet-client-qps",
        ),
        (
            {"registry-burst": 1, "registry-pull-burst": 2},
            "registry-pull-burst: the same timing as registry-burst; keep one of the two",
        ),
        ({"gc-check-period": 0}, "gc-check-period: 0 is out of range; it must be above 0"),
        ({"gc-check-period": "0s"}, 'gc-check-period: "0s" is out of range; it must be above 0'),
        ({"gc-check-period": -1}, "gc-check-period: -1 is a negative duration; write 0s or more"),
        ({"max-pods": -1}, "max-pods: -1 is out of range; it must be at least 0"),
        (
            {"node-eviction-rate": float("nan")},
            "node-eviction-rate: nan is out of range; it must be at least 0",
        ),
        (
            {"node-eviction-rate": float("inf")},
            "node-eviction-rate: inf is out of range; it must be at least 0",
        ),
        ({"max-pods": 1.5}, "max-pods: 1.5 is not a whole number; give one, as 110"),
        ({"max-pods": "250"}, 'max-pods: "250" is not a number; give a number, as 110'),
        ({"max-pods": True}, "max-pods: true is not a number; give a number, as 110"),
    ],
)
def test_a_wrong_override_is_told_with_the_way_out(overrides: dict[str, float], message: str) -> None:
    with pytest.raises(BadValue) as error:
        Timings.for_version("v1.36.3", overrides)
    assert str(error.value) == message


def test_a_duration_that_is_none_is_told_with_its_key() -> None:
    with pytest.raises(BadValue, match=r'^gc-check-period: "20 parsecs" is not a duration'):
        Timings.for_version("v1.36.3", {"gc-check-period": "20 parsecs"})


@pytest.mark.parametrize("version", ["v1.27.9", "1.38", "v2.30.0", "0.36"])
def test_a_version_that_is_not_supported_is_refused(version: str) -> None:
    with pytest.raises(BadValue, match=r"is not supported; simkube knows 1\.28 to 1\.37$"):
        Timings.for_version(version)


def test_timings_cannot_be_changed_during_a_run() -> None:
    timings = Timings.for_version("v1.36.3")
    with pytest.raises(AttributeError, match="override gc-check-period"):
        timings.gc_check_period = 1.0


def test_timings_travel_to_other_processes() -> None:
    timings = Timings.for_version("v1.36.3", {"gc-check-period": "1m"})
    assert vars(pickle.loads(pickle.dumps(timings))) == vars(timings)
