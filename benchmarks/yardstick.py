"""The yardstick: what bare SimPy needs for a chain of ten timeouts for each pod moved."""

from collections.abc import Generator
from time import process_time

import simpy

TIMEOUTS = 10
AT_ONCE = 1500  # chains that run beside each other, as pods of a batch of nodes do


def _chain(env: simpy.Environment, chains: int) -> Generator[simpy.Event, None, None]:
    for _ in range(chains):
        for _ in range(TIMEOUTS):
            yield env.timeout(1.0)


def seconds_per_pod(pods: int) -> float:
    """Seconds that one chain takes, measured over `pods` of them."""
    env = simpy.Environment()
    lanes = min(AT_ONCE, pods)
    for _ in range(lanes):
        env.process(_chain(env, pods // lanes))
    start = process_time()
    env.run()
    return (process_time() - start) / (pods // lanes * lanes)
