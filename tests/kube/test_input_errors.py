"""Bad input: one line with file, line, key, what is wrong and the way out."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simkube.kube import files
from simkube.kube.errors import InputError, among, key_text, nearest, shown
from simkube.kube.manifests import read_manifests

Error = Callable[..., InputError]

DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop
spec:
  replicas: 2
  selector:
    matchLabels: {app: shop}
  template:
    metadata:
      labels: {app: shop}
    spec:
      containers:
      - name: shop
        image: shop
        resources:
          requests:
            cpu: 100m
"""
CONTAINER = "spec.template.spec.containers[0]"


def changed(old: str, new: str) -> str:
    assert old in DEPLOYMENT
    return DEPLOYMENT.replace(old, new)


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "says", "way_out"),
    [
        (
            "cpu: 100m",
            "cpu: 4Gb",
            18,
            f"{CONTAINER}.resources.requests.cpu",
            '"4Gb" is not a quantity',
            "4Gi",
        ),
        ("cpu: 100m", "cpu: -1", 18, f"{CONTAINER}.resources.requests.cpu", "negative", "0 or more"),
        ("cpu: 100m", "cpu: [1]", 18, f"{CONTAINER}.resources.requests.cpu", "not a quantity", "500m"),
        ("replicas: 2", "replicas: three", 6, "spec.replicas", '"three" is not a whole number', "3"),
        ("replicas: 2", 'replicas: "2"', 6, "spec.replicas", "not a whole number", "without quotes"),
        ("replicas: 2", "replicas: 2.5", 6, "spec.replicas", "not a whole number", "3"),
        ("replicas: 2", "replicas: -2", 6, "spec.replicas", "-2 is negative", "0 or more"),
        ("replicas: 2", "replicas: 10000000", 6, "spec.replicas", "more than 1000000", "1000000 or less"),
        ("  replicas: 2", "  strategy: {type: Recrate}", 6, "spec.strategy.type", "not one of", "Recreate?"),
        (
            "  replicas: 2",
            "  strategy:\n    rollingUpdate:\n      maxSurge: lots",
            8,
            "spec.strategy.rollingUpdate.maxSurge",
            "percentage",
            "25%",
        ),
        (
            "  replicas: 2",
            "  strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 0%}}",
            6,
            "spec.strategy.rollingUpdate",
            "both 0",
            "one of them",
        ),
        (
            "labels: {app: shop}",
            "labels: {app: 1}",
            11,
            "spec.template.metadata.labels.app",
            "not text",
            '"1"',
        ),
        (
            "labels: {app: shop}",
            "labels: {app: on}",
            11,
            "spec.template.metadata.labels.app",
            "not text",
            "quotes",
        ),
        ("labels: {app: shop}", "labels: {app: web}", 7, "spec.selector", "does not match", "labels"),
        ("matchLabels: {app: shop}", "matchLabels: {}", 7, "spec.selector", "empty", "matchLabels"),
        (
            "    matchLabels: {app: shop}",
            "    matchExpressions:\n    - {key: app, operator: In}",
            9,
            "spec.selector.matchExpressions[0]",
            "needs values",
            "values",
        ),
        ("name: shop\nspec", "name: My_Shop\nspec", 4, "metadata.name", "not a name", "lower case"),
        ("  name: shop\nspec", "  labels: {}\nspec", 3, "metadata.name", "no name", "metadata.name"),
        ("image: shop", "args: []", 14, f"{CONTAINER}.image", "no image", "add image"),
        ("image: shop", "image: {{ .Values.image }}", 15, f"{CONTAINER}.image", "template", "helm template"),
        ("image: shop", "image: shop\n        name: web", 16, f"{CONTAINER}.name", "given twice", "remove"),
        (
            "    spec:\n",
            "    spec:\n      restartPolicy: Never\n",
            13,
            "spec.template.spec.restartPolicy",
            "Never",
            "Always",
        ),
        ("- name: shop", "- name: shop\n        ports: 80", 15, f"{CONTAINER}.ports", "not a list", "dash"),
        ("kind: Deployment", "kind: Deploymnt", 2, "kind", "no kind", "Deployment?"),
        ("kind: Deployment", "kind: 5", 2, "kind", "not text", "text"),
        ("kind: Deployment\n", "", 1, "", "kind is missing", "add kind"),
        ("apiVersion: apps/v1\n", "", 1, "", "apiVersion is missing", "add apiVersion"),
        ("apiVersion: apps/v1", "apiVersion: apps/v2", 1, "apiVersion", "apps/v2", "apps/v1"),
    ],
)
def test_place_and_way_out(
    error: Error, old: str, new: str, line: int, key: str, says: str, way_out: str
) -> None:
    found = error(changed(old, new))
    assert (found.file, found.line, found.key) == ("shop.yaml", line, key)
    assert says in found.message
    assert way_out in found.fix
    assert str(found).startswith(f"shop.yaml:{line}: {key}: " if key else f"shop.yaml:{line}: ")


def test_one_line_as_a_user_reads_it(error: Error) -> None:
    assert str(error(changed("cpu: 100m", "cpu: 4Gb"))) == (
        f'shop.yaml:18: {CONTAINER}.resources.requests.cpu: "4Gb" is not a quantity: '
        'unknown suffix "Gb"; write 4Gi or 4G'
    )


def test_place_in_a_list_and_a_later_document(error: Error) -> None:
    item = "".join(f"  {line}\n" for line in changed("cpu: 100m", "cpu: 1x").splitlines()).replace(
        "  api", "- api", 1
    )
    found = error(f"{DEPLOYMENT}---\napiVersion: v1\nkind: List\nitems:\n{item}")
    assert found.line == 18 + 4 + 18
    assert found.key == f"items[0].{CONTAINER}.resources.requests.cpu"


def test_place_in_json(error: Error) -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "a"},
        "spec": {"containers": [{"name": "a", "image": "b", "resources": {"limits": {"memory": "4x"}}}]},
    }
    found = error(json.dumps(pod, indent="\t"), "pod.json")
    assert found.key == "spec.containers[0].resources.limits.memory"
    assert found.line == json.dumps(pod, indent=1).splitlines().index('      "memory": "4x"') + 1


JOB = """apiVersion: batch/v1
kind: Job
metadata: {name: a}
spec:
  template:
    spec:
      containers: [{name: a, image: b}]
"""


def test_jobs_need_a_restart_policy(error: Error) -> None:
    """API validation: a Job's pods are OnFailure or Never, the default Always is refused."""
    found = error(JOB)
    assert found.key == "spec.template.spec.restartPolicy"
    assert "OnFailure or Never" in found.fix


def test_node_status_is_checked(error: Error) -> None:
    found = error("apiVersion: v1\nkind: Node\nmetadata: {name: a}\nstatus:\n  capacity:\n    cpu: four\n")
    assert (found.line, found.key) == (6, "status.capacity.cpu")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- a\n- b\n", "a list is not a Kubernetes object"),
        ("hello\n", '"hello" is not a Kubernetes object'),
        ("42\n", "42 is not a Kubernetes object"),
        ("apiVersion: v1\nkind: List\nitems: [1]\n", "1 is not a Kubernetes object"),
        ("apiVersion: v1\nkind: List\nitems: {a: b}\n", "not a list"),
        ("apiVersion: v1\nkind: List\nitems: [null]\n", "nothing is not a Kubernetes object"),
        ("apiVersion: v1\nkind: Pod\nmetadata: a\n", "not a mapping"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: [1]\n", "not a mapping"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n", "at least one container"),
        ("", "no Kubernetes object"),
        ("# only a comment\n---\n", "no Kubernetes object"),
    ],
)
def test_no_objects(error: Error, text: str, says: str) -> None:
    assert says in error(text).message


@pytest.mark.parametrize(
    ("data", "says"),
    [(b"\x7fELF\0\0", "binary"), (b"a: 1\nb: \xff\n", "UTF-8"), ("a: 1\n".encode("utf-16"), "binary")],
)
def test_what_is_no_text(error: Error, data: bytes, says: str) -> None:
    assert says in error(data).message


def test_byte_order_mark_is_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + DEPLOYMENT.encode())
    assert len(read_manifests([path]).items) == 1


def test_windows_line_ends_are_no_harm(error: Error) -> None:
    assert error(changed("cpu: 100m", "cpu: 4Gb").replace("\n", "\r\n").encode()).line == 18


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"a": 1,}', "broken JSON"),
        ('{"a": 1, "a": 2}', "given twice"),
        ('{"a": NaN}', "NaN"),
        ("[" * 100_000, "levels"),
        ("[" * 101 + "]" * 101, "levels"),
        ('{"a": ' + "1" * 5000 + "}", "JSON"),
        ("[1]", "a list is not a Kubernetes object"),
    ],
)
def test_broken_json(error: Error, text: str, says: str) -> None:
    found = error(text, "shop.json")
    assert says in found.message
    assert found.line == 1


def test_missing_files_and_folders_without_manifests(tmp_path: Path) -> None:
    for path, says in ((tmp_path / "nope.yaml", "no such file"), (tmp_path, "no manifests")):
        with pytest.raises(InputError, match=says) as caught:
            read_manifests([path])
        assert caught.value.file == str(path)


def test_what_is_no_file() -> None:
    with pytest.raises(InputError, match="neither a file nor a folder"):
        read_manifests([Path("/dev/null")])


def test_files_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_FILE", 2**20)
    path = tmp_path / "big.yaml"
    path.write_bytes(b"#" * (2**20 + 1))
    with pytest.raises(InputError, match="larger than 1 MiB"):
        read_manifests([path])


def test_nearest() -> None:
    assert nearest("clutser", ["cluster", "manifests"]) == "did you mean cluster?"
    assert nearest("node_name", ["nodeName", "nodeSelector"]) == "did you mean nodeName?"
    assert nearest("xyz", ["cluster"]) == ""


def test_among() -> None:
    """A number alone is no resemblance: worker-9 may mean any."""
    nodes = [f"worker-{number}" for number in range(1, 8)]
    assert among("wroker-1", nodes).startswith("did you mean worker-")
    assert among("worker-9", nodes) == "there are worker-1, worker-2, worker-3, worker-4, worker-5 ..."
    assert among("xyz", ["cluster"]) == "there are cluster"
    assert among("xyz", [], "node") == "there is no node at all"


def test_key_text() -> None:
    path = ("metadata", "labels", "app.kubernetes.io/name", 0, "my-key")
    assert key_text(path) == 'metadata.labels["app.kubernetes.io/name"][0].my-key'


def test_values_as_errors_show_them() -> None:
    assert shown("a\nb") == '"a b"'
    assert shown("x" * 100) == f'"{"x" * 60}..."'
    assert shown(True) == "true"
    assert shown(10**5000) == "a huge number"


@given(st.data())
def test_no_mutation_of_a_manifest_ends_otherwise(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Whatever is cut out and put in: it reads, or it is an InputError of one line."""
    start = data.draw(st.integers(0, len(DEPLOYMENT)))
    end = data.draw(st.integers(start, min(len(DEPLOYMENT), start + 30)))
    pieces = st.sampled_from(
        ["", "{", "[", "*a", "&a ", "- ", ": ", "\t", "'", "!!int ", "<<: ", "\u2028", "\x00", "#", "1e9999"]
    )
    text = DEPLOYMENT[:start] + data.draw(pieces | st.text(max_size=5)) + DEPLOYMENT[end:]
    path = tmp_path_factory.mktemp("fuzz") / data.draw(st.sampled_from(["a.yaml", "a.json"]))
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        read_manifests([path])
    except InputError as error:
        assert "\n" not in str(error)
        assert error.file
