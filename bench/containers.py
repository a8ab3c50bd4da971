"""What a build costs in a container: all kernels, against the same build on this machine.

usage: python bench/containers.py [--rounds N] [--python 3.11|3.13] [KERNEL ...]

Every build starts with an empty lab cache of its own. Both ways are warm: the image is made, its
container is up, and one compile has gone before. They take turns (local, docker, docker, local)
in one process; figures are wall time and processor time, the container's own and the engine's
client included, and ratios of neighbours. Needs the image: `npulab images`.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kernels import registry
from npulab.running import PYTHONS, Where, choose_runner
from toolchain.build import build
from toolchain.docker.runner import DockerRunner
from toolchain.storage.store import Store
from toolchain.unit import Unit
from toolchain.work.runner import Runner

ORDER = ("local", "docker", "docker", "local")


@dataclass(frozen=True)
class Cost:
    """Seconds of a build, by the clock and of all processors."""

    wall: float
    processor: float


def used(runner: Runner) -> float:
    """Return processor seconds of this process, of its children, and of the container."""
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    spent = sum(one.ru_utime + one.ru_stime for one in map(resource.getrusage, whose))
    if isinstance(runner, DockerRunner):
        assert runner._engine
        assert runner._container
        stats = runner._engine.client.api.stats(runner._container.id, stream=False, one_shot=True)
        spent += stats["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9
    return spent


def build_all(units: Sequence[Unit], where: Where) -> Cost:
    """Build from an empty cache, on a runner that has done something before."""
    with tempfile.TemporaryDirectory() as name:
        store = Store(Path(name) / "cache")
        with where.runner(units, store) as runner:
            build(units[:1], root=Path(name) / "first", store=store, runner=runner)
            before, start = used(runner), time.perf_counter()
            results = build(units[1:], root=Path(name) / "build", store=store, runner=runner)
            cost = Cost(time.perf_counter() - start, used(runner) - before)
    if errors := [str(error) for result in results for error in result.errors]:
        raise SystemExit("\n".join(errors))
    return cost


def summary(costs: dict[str, list[Cost]], what: str) -> str:
    """Return medians and the ratio of each pair of neighbours, of one kind of seconds."""
    local, docker = ([getattr(one, what) for one in costs[name]] for name in ("local", "docker"))
    ratios = sorted(there / here for here, there in zip(local, docker, strict=True))
    return (
        f"{what:10} local {statistics.median(local):7.2f} s  docker "
        f"{statistics.median(docker):7.2f} s  ratio {statistics.median(ratios):.3f} "
        f"({ratios[0]:.3f}-{ratios[-1]:.3f})"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Build in a container and outside, by turns.")
    parser.add_argument("--rounds", type=int, default=2, help="each has two builds of either kind")
    parser.add_argument("--python", choices=PYTHONS, help="variant of the image")
    parser.add_argument("kernels", nargs="*", default=registry.names())
    given = parser.parse_args()
    units = [Unit.from_kernel(kernel) for name in given.kernels for kernel in registry.find(name)]
    places = {"local": choose_runner("local"), "docker": choose_runner("docker", given.python)}
    costs: dict[str, list[Cost]] = {name: [] for name in places}
    for name in ORDER * given.rounds:
        cost = build_all(units, places[name])
        costs[name].append(cost)
        print(f"{name:7}{cost.wall:8.2f} s wall {cost.processor:8.2f} s processor", flush=True)
    print(f"{len(units) - 1} variants, {2 * given.rounds} pairs")
    for what in ("wall", "processor"):
        print(summary(costs, what))


if __name__ == "__main__":
    main()
