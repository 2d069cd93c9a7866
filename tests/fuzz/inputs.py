"""Inputs that are right, small and quick to run, and the cases that are made of them."""

from random import Random
from typing import NamedTuple

from tests.fuzz.mutate import damaged

WEB = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 5
      containers:
        - name: web
          image: registry.example/web:1
          readinessProbe: {httpGet: {path: /, port: 80}, periodSeconds: 5}
          lifecycle: {preStop: {sleep: {seconds: 2}}}
          resources: {requests: {cpu: 100m, memory: 128Mi}, limits: {memory: 256Mi}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}
"""
MORE = """apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  replicas: 1
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      containers: [{name: db, image: db:1, volumeMounts: [{name: data, mountPath: /data}]}]
      affinity:
        podAntiAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
            - {topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: db}}}
  volumeClaimTemplates:
    - metadata: {name: data}
      spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec:
      tolerations: [{operator: Exists}]
      containers: [{name: agent, image: agent:1}]
---
apiVersion: batch/v1
kind: Job
metadata: {name: once}
spec:
  backoffLimit: 2
  template:
    spec: {restartPolicy: Never, containers: [{name: once, image: once:1}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: db}
spec: {minReplicas: 1, maxReplicas: 2, scaleTargetRef: {apiVersion: apps/v1, kind: StatefulSet, name: db}}
---
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: high}
value: 1000
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: all}
spec: {hard: {pods: "20", requests.cpu: "4"}}
---
apiVersion: v1
kind: LimitRange
metadata: {name: all}
spec: {limits: [{type: Container, defaultRequest: {cpu: 50m}, max: {cpu: "2"}}]}
---
apiVersion: v1
kind: Pod
metadata: {name: bare}
spec:
  priorityClassName: high
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: topology.kubernetes.io/zone
      whenUnsatisfiable: ScheduleAnyway
      labelSelector: {matchLabels: {app: bare}}
  initContainers: [{name: init, image: init:1}]
  containers: [{name: bare, image: bare:1}]
  volumes: [{name: scratch, emptyDir: {}}]
"""
DUMP = """apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: Node
    metadata: {name: node-a, uid: n-1, labels: {kubernetes.io/hostname: node-a}}
    spec: {taints: [{key: a, value: b, effect: PreferNoSchedule}]}
    status:
      capacity: {cpu: "4", memory: 8Gi, pods: "20"}
      allocatable: {cpu: 3900m, memory: 7Gi, pods: "20"}
      nodeInfo: {kubeletVersion: v1.36.3}
  - apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web, namespace: default, uid: d-1}
    spec:
      replicas: 1
      selector: {matchLabels: {app: web}}
      template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: "web:1"}]}}
  - apiVersion: apps/v1
    kind: ReplicaSet
    metadata:
      name: web-5d8
      namespace: default
      uid: r-1
      labels: {app: web, pod-template-hash: 5d8}
      ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: web, uid: d-1, controller: true}]
    spec:
      replicas: 1
      selector: {matchLabels: {app: web, pod-template-hash: 5d8}}
      template:
        metadata: {labels: {app: web, pod-template-hash: 5d8}}
        spec: {containers: [{name: web, image: "web:1"}]}
  - apiVersion: v1
    kind: Pod
    metadata:
      name: web-5d8-abcde
      namespace: default
      uid: p-1
      labels: {app: web, pod-template-hash: 5d8}
      ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web-5d8, uid: r-1, controller: true}]
    spec: {nodeName: node-a, containers: [{name: web, image: "web:1"}]}
    status: {phase: Running, podIP: 10.0.0.7}
  - apiVersion: v1
    kind: PersistentVolumeClaim
    metadata: {name: data, uid: c-1, annotations: {pv.kubernetes.io/bind-completed: "yes"}}
    spec: {volumeName: pv-1, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
    status: {phase: Bound}
  - apiVersion: v1
    kind: PersistentVolume
    metadata: {name: pv-1, uid: v-1}
    spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], claimRef: {namespace: default, name: data, uid: c-1}}
    status: {phase: Bound}
"""
SCENARIO = """schema: simkube/scenario/v1
title: Small
cluster:
  version: v1.36.3
  controlPlanes: 1
  nodes:
    - name: worker
      count: 2
      zones: [a, b]
      capacity: {cpu: 4, memory: 8Gi, pods: 20}
      labels: {disk: ssd}
      taints: [{key: soft, effect: PreferNoSchedule}]
manifests: [web.yaml]
overrides: [{kind: Deployment, name: web, replicas: 2}]
behaviour:
  startup: {default: 2s, web: {lognormal: {median: 1s, p95: 3s}}}
  exit: 1s
  onTerm: drain
  images: {registry.example/web:1: 20Mi}
  pullRate: 50Mi
  traffic: {web: {rps: 10, connections: persistent}}
  calls: {web: [web]}
timings: {node-monitor-grace-period: 40s}
maintenance: {reboot: true, work: 5s}
faults:
  - {at: 5s, crash: worker-1, for: 10s}
  - {at: 8s, kill: web}
slo: {web: {availability: 99%, maxOutage: 10s, maxLost: 1000}}
drain: {force: true, gracePeriod: 5}
strategies: {rolling: {maxUnavailable: 1, drainTimeout: 1m}}
until: 30s
seed: 7
"""
PLAN = """schema: simkube/plan/v1
strategy: mine
inputs: {options: {maxUnavailable: 1}}
warnings: [look out]
plan:
  name: mine
  parallel: 1
  steps:
    - name: worker-1
      steps:
        - {do: cordon, node: worker-1}
        - {do: drain, node: worker-1, timeout: 1m, onTimeout: skip, options: {force: true}}
        - {do: reboot, node: worker-1, work: 1s, timeout: 10m}
        - {do: uncordon, node: worker-1, always: true}
      otherwise:
        - {do: uncordon, node: worker-1}
    - {do: wait, for: 5s}
"""
TRACE = """{"schema":"simkube/trace/v1","world":"simulated","version":"v1.36.3","scenario":"small","seed":7}
{"t":-600.0,"what":"node.added","kind":"Node","name":"worker-1"}
{"t":1.0,"what":"pod.added","kind":"Pod","namespace":"default","name":"web-1","uid":"p-1","by":"replicaset-controller"}
{"t":1.5,"what":"pod.bound","kind":"Pod","namespace":"default","name":"web-1","uid":"p-1","node":"worker-1"}
{"t":3.0,"what":"pod.ready","kind":"Pod","namespace":"default","name":"web-1","uid":"p-1","node":"worker-1"}
{"t":9.0,"what":"event","kind":"Pod","namespace":"default","name":"web-1","reason":"Killing","message":"Stopping","value":"Normal"}
{"t":12.0,"what":"pod.removed","kind":"Pod","namespace":"default","name":"web-1","uid":"p-1","value":{"a":[1,2]}}
"""
WORDS = (
    "", " ", "-1", "0", "1", "2", "99999999999", "1e9", "nan", "x", "a,b", ",", "=", "cpu=4", "cpu=",
    "cpu=4Gb,memory=1Gi", "v1.36", "1.99", "rolling", "rolling(", "rolling()", "rolling(maxUnavailable=0)",
    "surge(maxSurge=50%),rolling", "none", "é", "\udcff", "--json", "-h", "a" * 2000, "web.yaml",
    "scenario.yaml", "nope.yaml", ".", "/dev/null", "lost", "\n", "\x1b[0m", "web", "drain.force=true",
    "rolling(drain.force=yes)", "gray(a=1,a=2)", "a/b/c", "Pod/web-1",
)  # fmt: skip
OPTIONS = (
    "--strategies", "--runs", "--seed", "--rank", "--out", "--manifests", "-f", "--nodes", "--node", "--zones",
    "--kubernetes", "--json", "--strategy", "--plan", "--trace", "--follow", "--output", "-o", "--version",
    "--help", "--nope",
)  # fmt: skip
COMMANDS = ("compare", "run", "plan", "explain", "strategies", "timings", "schema", "rnu")
QUICK = ("--strategies", "cordon-only", "--runs", "1")


ON_SCENARIOS = (
    ["run", "scenario.yaml"],
    ["run", "scenario.yaml"],
    ["run", "scenario.yaml", "--strategy", "rolling(drainTimeout=1m,onTimeout=skip)"],
    ["run", "scenario.yaml", "--strategy", "surge", "--json"],
    ["plan", "scenario.yaml", "--strategy", "blue-green"],
    ["compare", "scenario.yaml", "--strategies", "all-at-once,gray(soak=1m)"],
)


class Case(NamedTuple):
    """Files to write and the arguments to call the program with in their folder; `what` was damaged, and how."""

    number: int
    what: str
    files: dict[str, bytes]
    arguments: list[str]


def case(seed: int, number: int) -> Case:
    """The case of this number: always the same."""
    random = Random(f"{seed}/{number}")
    files = {
        "web.yaml": WEB,
        "scenario.yaml": SCENARIO,
        "plan.yaml": PLAN,
        "trace.jsonl": TRACE,
        "more.yaml": MORE,
        "dump.yaml": DUMP,
    }
    whole = {name: text.encode() for name, text in files.items()}
    kind = random.choice(
        (
            "scenario.yaml",
            "scenario.yaml",
            "web.yaml",
            "more.yaml",
            "dump.yaml",
            "plan.yaml",
            "trace.jsonl",
            "",
        )
    )
    if not kind:
        arguments = [random.choice(COMMANDS)]
        arguments += [random.choice(random.choice((OPTIONS, WORDS))) for _ in range(random.randint(0, 5))]
        if arguments[0] == "compare":
            arguments += QUICK
        return Case(number, "arguments", whole, arguments)
    way, data = damaged(random, files[kind])
    arguments = {
        "scenario.yaml": random.choice(ON_SCENARIOS),
        "web.yaml": ["run", "scenario.yaml"],
        "plan.yaml": ["run", "scenario.yaml", "--plan", kind],
        "trace.jsonl": ["explain", kind, random.choice(("web-1", "default/web-1", "worker-1"))],
        "more.yaml": ["run", kind, "--nodes", "2"],
        "dump.yaml": ["run", kind],
    }[kind]
    return Case(number, f"{kind}: {way}", {**whole, kind: data}, arguments)
