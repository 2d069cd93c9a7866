"""Specs of API versions that Kubernetes no longer serves, as the current version says the same."""

from typing import Any


def as_current(spec: dict[str, Any], api_version: str) -> dict[str, Any]:
    """The spec with what the older version filled in or meant differently; all other defaults are today's.

    - apps/v1beta1, extensions/v1beta1: an absent selector is the template's labels;
    - policy/v1beta1: an empty selector selects nothing [pkg/apis/policy/v1beta1/conversion.go].
    """
    spec = dict(spec)
    if api_version == "policy/v1beta1" and not any((spec.get("selector") or {}).values()):
        spec.pop("selector", None)
    if api_version in ("apps/v1beta1", "extensions/v1beta1") and not spec.get("selector"):
        labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels")
        if labels:
            spec["selector"] = {"matchLabels": labels}
    return spec
