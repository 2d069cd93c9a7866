"""Endpoints and proxies, clients, leader election, etcd and kubeadm (behaviour reference 9 to 11)."""

from simkube.timings.constant import count, factor, period, rate, seconds

KCM = "kube-controller-manager"
API = "kube-apiserver"
SCHEDULER = "kube-scheduler"
KUBELET = "kubelet"
LEADERS = "kube-controller-manager, kube-scheduler"
PROXY = "kube-proxy"
KUBEADM = "kubeadm"
ETCD = "etcd"

EPS = "pkg/controller/endpointslice/config/v1alpha1/defaults.go"
EPC = "pkg/controller/endpointslice/endpointslice_controller.go"
KPD = "pkg/proxy/apis/config/v1alpha1/defaults.go"
LED = "component-base config/v1alpha1/defaults.go"
LEC = "client-go tools/leaderelection/leaderelection.go"
KCMD = "controller-manager config/v1alpha1/defaults.go"
SCD = "pkg/scheduler/apis/config/v1/defaults.go"
KCD = "pkg/kubelet/apis/config/v1beta1/defaults.go"
HTTP2 = "apimachinery pkg/util/net/http.go"
AS = "apiserver pkg/server/config.go"
KCN = "cmd/kubeadm/app/constants/constants.go"
KUH = "cmd/kubeadm/app/phases/upgrade/health.go"
KUS = "cmd/kubeadm/app/phases/upgrade/staticpods.go"
KSP = "cmd/kubeadm/app/util/staticpod/utils.go"
DNS = "cmd/kubeadm/app/phases/addons/dns/manifests.go"
YEAR = 365 * 24 * 3600


class Network:
    """EndpointSlices and kube-proxy."""

    endpoints_per_slice = count(
        100, KCM, "--max-endpoints-per-slice", EPS, "endpoints of one EndpointSlice", least=1
    )
    endpoint_updates_batch_period = seconds(
        0, KCM, "--endpointslice-updates-batch-period", EPS, "pod changes are gathered for this long"
    )
    concurrent_endpoint_syncs = count(
        5, KCM, "--concurrent-service-endpoint-syncs", EPS, "parallel workers over Services", least=1
    )
    endpoint_retry_initial = period(
        1, KCM, "const defaultSyncBackOff", EPC, "wait after a failed sync; doubles"
    )
    endpoint_retry_max = period(1000, KCM, "const maxSyncBackOff", EPC, "longest such wait")
    proxy_min_sync_period = seconds(
        1, PROXY, "--iptables-min-sync-period", KPD, "between two writes of a node's rules, at least"
    )
    proxy_sync_period = period(
        30, PROXY, "--iptables-sync-period", KPD, "a failed write is tried again by then"
    )
    proxy_full_sync_period = period(
        3600, PROXY, "const FullSyncPeriod", "pkg/proxy/util/utils.go", "between two writes of all rules"
    )


class Clients:
    """Leader election, and what clients and the API server allow themselves."""

    leader_elect_lease_duration = seconds(
        15,
        LEADERS,
        "--leader-elect-lease-duration",
        LED,
        "a follower waits this long after the last renewal that it saw",
    )
    leader_elect_renew_deadline = seconds(
        10, LEADERS, "--leader-elect-renew-deadline", LED, "a leader that cannot renew for this long exits"
    )
    leader_elect_retry_period = period(
        2, LEADERS, "--leader-elect-retry-period", LED, "between two tries to acquire or renew"
    )
    leader_elect_jitter = factor(1.2, LEADERS, "const JitterFactor", LEC, "jitter of the tries to acquire")
    controller_manager_client_qps = rate(20, KCM, "--kube-api-qps", KCMD, "requests a second to the API")
    controller_manager_client_burst = count(30, KCM, "--kube-api-burst", KCMD, "requests at once", least=1)
    scheduler_client_qps = rate(50, SCHEDULER, "clientConnection.qps", SCD, "requests a second to the API")
    scheduler_client_burst = count(100, SCHEDULER, "clientConnection.burst", SCD, "requests at once", least=1)
    kubelet_client_qps = rate(50, KUBELET, "--kube-api-qps", KCD, "requests a second to the API")
    kubelet_client_burst = count(100, KUBELET, "--kube-api-burst", KCD, "requests at once", least=1)
    http2_read_idle_timeout = seconds(
        30,
        "client-go",
        "HTTP2_READ_IDLE_TIMEOUT_SECONDS",
        HTTP2,
        "silence after which a client pings its connection",
    )
    http2_ping_timeout = seconds(
        15,
        "client-go",
        "HTTP2_PING_TIMEOUT_SECONDS",
        HTTP2,
        "a ping unanswered for this long ends the connection",
    )
    request_timeout = seconds(
        60, API, "--request-timeout", AS, "time for one request, and for those open at shutdown"
    )
    shutdown_delay_duration = seconds(
        0, API, "--shutdown-delay-duration", AS, "how long a stopping API server still takes new requests"
    )
    etcd_heartbeat_interval = period(
        0.1,
        ETCD,
        "--heartbeat-interval",
        "etcd server embed/config.go",
        "between two heartbeats of the etcd leader",
    )
    etcd_election_timeout = period(
        1,
        ETCD,
        "--election-timeout",
        "etcd server embed/config.go",
        "silence after which etcd elects a new leader",
    )


class Kubeadm:
    """kubeadm's waits and the control plane's own pods."""

    kubeadm_upgrade_manifests_timeout = seconds(
        5 * 60, KUBEADM, "timeouts.upgradeManifests", KCN, "time for a static pod to come back changed"
    )
    kubeadm_api_call_retry_interval = period(
        0.5, KUBEADM, "const KubernetesAPICallRetryInterval", KCN, "between two looks at it"
    )
    kubeadm_health_job_timeout = seconds(
        {28: 15, 36: 60}, KUBEADM, "in createJob", KUH, "time for the health-check Job before an upgrade"
    )
    kubeadm_etcd_wait_retries = count(
        10, KUBEADM, "in performEtcdStaticPodUpgrade", KUS, "looks at etcd after its upgrade"
    )
    kubeadm_etcd_wait_interval = period(
        15, KUBEADM, "in performEtcdStaticPodUpgrade", KUS, "wait between them"
    )
    kubeadm_etcd_call_timeout = seconds(
        2 * 60, KUBEADM, "timeouts.etcdAPICall", KCN, "time for one call to an etcd member"
    )
    kubeadm_component_health_timeout = seconds(
        4 * 60,
        KUBEADM,
        "timeouts.controlPlaneComponentHealthCheck",
        KCN,
        "time for a component to become healthy",
    )
    kubeadm_kubelet_health_timeout = seconds(
        4 * 60, KUBEADM, "timeouts.kubeletHealthCheck", KCN, "time for a kubelet to become healthy"
    )
    control_plane_liveness_period = period(
        10, KUBEADM, "in LivenessProbe", KSP, "of etcd and the control plane's pods"
    )
    control_plane_liveness_failures = count(
        8, KUBEADM, "in LivenessProbe", KSP, "failures that restart them", least=1
    )
    control_plane_readiness_period = period(
        1, KUBEADM, "in ReadinessProbe", KSP, "of the control plane's pods"
    )
    control_plane_readiness_failures = count(
        3, KUBEADM, "in ReadinessProbe", KSP, "failures that make them not Ready", least=1
    )
    control_plane_startup_period = period(10, KUBEADM, "in StartupProbe", KSP, "of the control plane's pods")
    control_plane_startup_failures = count(
        24, KUBEADM, "in StartupProbe", KSP, "failures that restart them while they start", least=1
    )
    control_plane_probe_timeout = seconds(15, KUBEADM, "in createHTTPProbe", KSP, "of all these probes")
    certificate_validity = seconds(
        YEAR, KUBEADM, "certificateValidityPeriod", KCN, "of the certificates it signs"
    )
    ca_certificate_validity = seconds(
        10 * YEAR, KUBEADM, "caCertificateValidityPeriod", KCN, "of its certificate authorities"
    )
    coredns_lameduck = seconds(
        5, KUBEADM, "health.lameduck", DNS, "how long a stopping CoreDNS still answers"
    )
    coredns_replicas = count(
        2,
        KUBEADM,
        "const coreDNSReplicas",
        "cmd/kubeadm/app/phases/addons/dns/dns.go",
        "CoreDNS pods of a new cluster",
    )
