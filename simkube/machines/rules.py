"""What a kubelet's minor decides (behaviour 8 and 13.4): its constants, and the rules that changed."""

from simkube.kube.version import Version
from simkube.timings import Timings


class Rules:
    """One version of the kubelet."""

    __slots__ = (
        "exec_probes_end_with_the_pod",
        "keeps_ready",
        "minor",
        "names_containers_in_events",
        "names_image_size",
        "relooks_at_expiry",
        "resets_probe_ticker",
        "says_image_is_accessible",
        "sees_starts_at_once",
        "timings",
        "version",
    )

    def __init__(self, version: str, timings: Timings) -> None:
        minor = Version.parse(version).minor
        self.version = version
        self.minor = minor
        self.timings = timings
        self.sees_starts_at_once = minor >= 36  # PLEGOnDemandRelist
        self.keeps_ready = minor >= 35  # containers stay Ready over a restart of the kubelet
        self.relooks_at_expiry = minor >= 35  # CrashLoopBackOff: looked at when it is over
        self.resets_probe_ticker = (
            minor >= 32
        )  # a probe out of turn starts the period anew [prober/worker.go]
        self.exec_probes_end_with_the_pod = minor in (
            35,
            36,
        )  # their context is cancelled when a pod terminates
        self.names_containers_in_events = minor < 35  # "Started container <c>"
        self.names_image_size = minor >= 30
        self.says_image_is_accessible = minor >= 35  # KubeletEnsureSecretPulledImages


class RuleBook:
    """The rules of all versions in a run; users' overrides of timings hold for each."""

    def __init__(self, timings: Timings) -> None:
        self._overrides = {name.replace("_", "-"): value for name, value in timings.overrides.items()}
        self._rules: dict[str, Rules] = {}

    def of(self, version: str) -> Rules:
        """Raises `BadValue` for a version that is no Kubernetes version, or not a supported one."""
        found = self._rules.get(version)
        if found is None:
            found = self._rules[version] = Rules(version, Timings.for_version(version, self._overrides))
        return found
