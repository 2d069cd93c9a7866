"""What a pod spec says, whether or not the API server has written its defaults into it.

A template from git and the same one from a dump are equal only so. Defaults of modelled fields stand in the models;
here are those of fields that are carried [pkg/apis/core/v1/defaults.go, zz_generated.defaults.go].
"""

from typing import Any

from simkube.kube.pod import PodSpec

CARRIED: dict[str, Any] = {
    "defaultMode": 0o644,  # of volumes: configMap, secret, projected, downwardAPI
    "dnsPolicy": "ClusterFirst",
    "enableServiceLinks": True,
    "securityContext": {},
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
}


def spec_content(spec: PodSpec) -> dict[str, Any]:
    """The spec under Kubernetes' names, without what stands at its default."""
    content: dict[str, Any] = _without_defaults(
        spec.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    )
    if content.get("serviceAccount") == content.get("serviceAccountName"):
        content.pop("serviceAccount", None)  # the old name of the field, which the API server fills in too
    return content


def _without_defaults(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_defaults(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {
        key: _without_defaults(item)
        for key, item in value.items()
        if key not in CARRIED or item != CARRIED[key]
    }
    if "image" in kept and kept.get("imagePullPolicy") == default_pull_policy(str(kept["image"])):
        del kept["imagePullPolicy"]
    reference = kept.get("fieldRef")
    if isinstance(reference, dict) and reference.get("apiVersion") == "v1":
        kept["fieldRef"] = {key: item for key, item in reference.items() if key != "apiVersion"}
    return kept


def default_pull_policy(image: str) -> str:
    """Always for :latest and images without tag or digest, else IfNotPresent [pkg/apis/core/v1/defaults.go]."""
    if "@" in image:
        return "IfNotPresent"
    tag = image.rpartition("/")[2].partition(":")[2]
    return "Always" if tag in ("", "latest") else "IfNotPresent"
