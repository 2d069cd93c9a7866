"""Times as the API server writes them, in UTC [apimachinery pkg/apis/meta/v1 time.go, micro_time.go].

`seconds` are those of virtual time, `epoch` is the Unix time of second 0 of the run.
"""

from datetime import UTC, datetime
from math import floor


def time_text(seconds: float, epoch: float) -> str:
    """`metav1.Time`: whole seconds, cut off: `2026-03-29T01:00:05Z`."""
    return f"{datetime.fromtimestamp(floor(epoch + seconds), UTC):%Y-%m-%dT%H:%M:%SZ}"


def micro_time_text(seconds: float, epoch: float) -> str:
    """`metav1.MicroTime`, of Leases: `2026-03-29T01:00:05.250000Z`."""
    return f"{datetime.fromtimestamp(epoch + seconds, UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
