"""
The figures for Prometheus, in its text form.

What comes from the database is about all processes together; what is about children and the disk is of this process alone. No
label comes from outside. The names are documented in docs/operating.md, and a test compares both.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import Collector

from bot.jobs.disk_use import bytes_by_kind
from bot.jobs.model import JobState
from bot.jobs.paths import JobPaths
from bot.jobs.processes import TaskRunner
from bot.jobs.reserve import free_bytes
from bot.jobs.store import Queue, Store, Total

CALLS_TOTAL = "call"
"""The kind of the totals that count calls; their labels are "service method result"."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What the database says, at one moment."""

    jobs: dict[str, int]
    finished: tuple[int, float]
    posts: int
    queue: Queue
    totals: list[Total]
    lease_ages_s: dict[str, float]


async def look(store: Store) -> Figures:
    """Return what the database says now."""
    return Figures(
        jobs=await store.counts(),
        finished=await store.time_spent(),
        posts=await store.post_count(),
        queue=await store.queue(),
        totals=await store.totals(),
        lease_ages_s=await store.lease_ages(),
    )


def families(figures: Figures) -> Iterable[Metric]:
    """Yield the figures of all processes."""
    jobs = GaugeMetricFamily("tracklet_jobs", "Jobs by state.", labels=["state"])
    for state in JobState:
        jobs.add_metric([state.value], figures.jobs.get(state, 0))
    yield jobs
    count, seconds = figures.finished
    yield SummaryMetricFamily(
        "tracklet_job_seconds", "Jobs that are done, from question to answer.", count_value=count, sum_value=round(seconds, 3)
    )
    yield CounterMetricFamily("tracklet_posts", "Messages that were posted.", value=figures.posts)
    yield GaugeMetricFamily("tracklet_queue_length", "Jobs that nobody has begun.", value=figures.queue.length)
    yield GaugeMetricFamily(
        "tracklet_queue_oldest_seconds", "How long the oldest of them has waited.", value=figures.queue.oldest_s
    )
    outcomes = CounterMetricFamily("tracklet_job_outcomes", "How jobs ended.", labels=["outcome"])
    stages = SummaryMetricFamily("tracklet_stage_seconds", "Work in each stage, without waiting.", labels=["stage"])
    calls = CounterMetricFamily("tracklet_calls", "Calls by result.", labels=["service", "method", "result"])
    for total in figures.totals:
        match total.kind:
            case "outcome":
                outcomes.add_metric([total.label], total.count)
            case "stage":
                stages.add_metric([total.label], total.count, round(total.seconds, 3))
            case kind if kind == CALLS_TOTAL:
                calls.add_metric(total.label.split(" "), total.count)
    yield from (outcomes, stages, calls)
    yield GaugeMetricFamily("tracklet_processes", "Processes that have a lease.", value=len(figures.lease_ages_s))
    ages = GaugeMetricFamily("tracklet_lease_age_seconds", "Since a process renewed its lease.", labels=["process"])
    for process, age_s in sorted(figures.lease_ages_s.items()):
        ages.add_metric([process], round(age_s, 3))
    yield ages


def families_here(children: TaskRunner, stored: dict[str, int], free: int) -> Iterable[Metric]:
    """Yield the figures of this process and its disk."""
    for name, told, value in (
        ("running", "Child processes at work.", children.running),
        ("waiting", "Tasks that wait for a child process.", children.waiting),
        ("slots", "Child processes that may work at once.", children.slots),
    ):
        yield GaugeMetricFamily(f"tracklet_children_{name}", told, value=value)
    kept = GaugeMetricFamily("tracklet_stored_bytes", "What lies in the data folder, by kind.", labels=["kind"])
    for kind, size_bytes in stored.items():
        kept.add_metric([kind], size_bytes)
    yield kept
    yield GaugeMetricFamily("tracklet_disk_free_bytes", "What the disk of the data folder still takes.", value=free)


class _Once(Collector):
    """Figures that were gathered already: a collector can't wait for a database."""

    def __init__(self, found: Iterable[Metric]) -> None:
        self._found = list(found)

    def collect(self) -> Iterable[Metric]:
        return self._found


def written(found: Iterable[Metric]) -> bytes:
    """Return figures in Prometheus's text form."""
    registry = CollectorRegistry()
    registry.register(_Once(found))
    return generate_latest(registry)


async def exposition(figures: Figures, children: TaskRunner, *, stored: dict[str, int], data_dir: Path) -> bytes:
    """Return all figures in Prometheus's text form."""
    free = await asyncio.to_thread(free_bytes, data_dir)
    return written(chain(families(figures), families_here(children, stored, free)))


async def stored_in(paths: JobPaths) -> dict[str, int]:
    """Return how many bytes of each kind lie in the data folder."""
    return await asyncio.to_thread(bytes_by_kind, paths)
