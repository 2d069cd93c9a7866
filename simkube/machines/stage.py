"""How far a pod has come on its node."""

from enum import IntEnum


class Stage(IntEnum):
    """Stages of a kubelet's work on a pod, in order."""

    WAITING = 0  # taken, and no sandbox yet
    STARTING = 1  # containers are started in order
    RUNNING = 2  # all have been started
    ASKED = 3  # its deletion is on the way from the API to here
    STOPPING = 4
    STOPPED = 5  # no container runs, nor will; what is left is cleaned up
    CLEAN = 6
