"""The graph, against random ones."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from toolchain.work.graph import Graph
from toolchain.work.steps import FunctionStep, Output, Step


@st.composite
def step_lists(draw: st.DrawFn) -> list[Step]:
    """Steps of which each needs any of those before it, by a file or by order alone."""
    steps: list[Step] = []
    for index in range(draw(st.integers(1, 9))):
        earlier = draw(st.lists(st.sampled_from(steps), unique=True)) if steps else []
        by_file = draw(st.integers(0, len(earlier)))
        steps.append(
            FunctionStep(
                unit="u",
                name=f"s{index}",
                pin="",
                function=lambda _: None,
                needs={f"in{i}": Output(step, "out") for i, step in enumerate(earlier[:by_file])},
                after=tuple(earlier[by_file:]),
            )
        )
    return steps


def ancestors(step: Step) -> set[Step]:
    found: set[Step] = set()
    for earlier in step.before():
        found |= {earlier, *ancestors(earlier)}
    return found


@given(step_lists())
def test_every_step_comes_once_behind_those_it_needs(steps: list[Step]) -> None:
    ordered = Graph(steps).steps
    assert set(ordered) == set(steps)
    assert len(ordered) == len(steps)
    for index, step in enumerate(ordered):
        assert set(step.before()) <= set(ordered[:index])


@given(step_lists())
def test_it_has_only_what_is_needed(steps: list[Step]) -> None:
    assert set(Graph([steps[-1]]).steps) == {steps[-1], *ancestors(steps[-1])}


@given(step_lists(), st.randoms(use_true_random=False))
def test_releasing_reaches_every_step_in_a_right_order(steps: list[Step], random: object) -> None:
    graph = Graph(steps)
    free, done = graph.first(), []
    while free:
        step = free.pop(random.randrange(len(free)))  # type: ignore[attr-defined]
        assert set(step.before()) <= set(done)
        done.append(step)
        free += graph.release(step)
    assert sorted(step.name for step in done) == sorted(step.name for step in steps)


@given(step_lists())
def test_a_failure_costs_what_is_behind_it_and_nothing_else(steps: list[Step]) -> None:
    failed = steps[0]
    behind = Graph(steps).behind(failed)
    assert set(behind) == {step for step in steps if failed in ancestors(step)}
    assert len(behind) == len(set(behind))
