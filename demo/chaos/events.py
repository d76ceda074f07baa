"""The events that happen to a site under chaos: each disturbs it, waits, and puts right what does not heal by itself."""

from __future__ import annotations

import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from demo.chaos.site import UNLIMITED, ChaosSite
from demo.mounts import bring_back, take_away

REMOVAL_SECONDS = 2.0
"""Seconds after which a file that was written where a storage is not mounted has to be gone."""

Wait = Callable[[float], None]
"""Lets so many seconds pass, in which the site gets more work."""


@dataclass
class Chaos:
    """The state of the events: the site, the random numbers, the passing of time, what was counted, and what went wrong."""

    site: ChaosSite
    random: Random
    wait: Wait
    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def happen(self) -> str:
        """Let the next event happen, chosen by the random numbers; return its name."""
        known = [name for name, event in EVENTS.items() if event.possible(self.site)]
        name = self.random.choices(known, [EVENTS[one].weight for one in known])[0]
        EVENTS[name].happen(self)
        self.counts[name] += 1
        self.site.fill_up()
        return name

    def seconds(self, most: float) -> float:
        """Return a number of seconds from half a second to `most`."""
        return self.random.uniform(0.5, most)


@dataclass(frozen=True, slots=True)
class Event:
    """An event: what happens, how often it is chosen beside the others, and whether this machine can do it."""

    happen: Callable[[Chaos], None]
    weight: int = 1
    possible: Callable[[ChaosSite], bool] = lambda _: True


def stop_worker(chaos: Chaos) -> None:
    """SIGTERM to one worker; it has to give its jobs back and to end in time."""
    chaos.site.end([chaos.random.choice(chaos.site.workers)])


def kill_worker(chaos: Chaos) -> None:
    """SIGKILL to all processes of a worker."""
    chaos.site.kill(chaos.random.choice(chaos.site.workers))


def kill_child(chaos: Chaos) -> None:
    """SIGKILL to one process of a worker that runs jobs."""
    children = chaos.site.processes(chaos.random.choice(chaos.site.workers))[1:]
    if children:
        chaos.random.choice(children).kill()


def pause_worker(chaos: Chaos) -> None:
    """SIGSTOP, and SIGCONT later: sometimes so late that its jobs were given to others."""
    worker = chaos.random.choice(chaos.site.workers)
    chaos.site.send(worker, signal.SIGSTOP)
    chaos.wait(chaos.seconds(9))
    chaos.site.send(worker, signal.SIGCONT)


def kill_redis(chaos: Chaos) -> None:
    """Redis dies with all its messages, and is away for a while."""
    chaos.site.kill_redis()
    chaos.wait(chaos.seconds(3))
    chaos.site.start_redis()


def restart_database(chaos: Chaos) -> None:
    """PostgreSQL ends all connections and starts again."""
    chaos.site.server.stop()
    chaos.site.server.ensure_running()


def kill_database(chaos: Chaos) -> None:
    """All processes of PostgreSQL die at once; it recovers by its log."""
    chaos.site.kill_database()
    chaos.site.server.ensure_running()


def _unmount(folder: str) -> Callable[[Chaos], None]:
    def happen(chaos: Chaos) -> None:
        """A storage's folder is away for a while, or empty."""
        take_away(chaos.site.home, folder, leave_empty=chaos.random.random() < 0.7)
        chaos.wait(chaos.seconds(4))
        written = bring_back(chaos.site.home, folder, seconds=REMOVAL_SECONDS)
        if written:
            chaos.faults.append(
                f"{len(written)} files were written where {folder}/ was not mounted: {written[0]}"
            )

    return happen


def fill_disk(chaos: Chaos) -> None:
    """A worker cannot write large files for a while, each of its processes at another size."""
    worker = chaos.random.choice(chaos.site.workers)
    chaos.site.limit_files(worker, chaos.random.choice([0, 4_096, 65_536]))
    chaos.wait(chaos.seconds(4))
    chaos.site.limit_files(worker, UNLIMITED)


def skew_clock(chaos: Chaos) -> None:
    """A worker is replaced by one whose clock is hours wrong."""
    chaos.site.end([chaos.random.choice(chaos.site.workers)])
    chaos.site.start_worker(skew=chaos.random.choice(["+3h", "-3h", "+40d"]))
    chaos.wait(chaos.seconds(4))


def deploy(chaos: Chaos) -> None:
    """All workers are replaced at the same time."""
    chaos.site.end(list(chaos.site.workers))


def has_faketime(_: ChaosSite) -> bool:
    """True where the program faketime is installed."""
    return shutil.which("faketime") is not None


EVENTS: dict[str, Event] = {
    "worker stopped (SIGTERM)": Event(stop_worker, 3),
    "worker killed (SIGKILL)": Event(kill_worker, 4),
    "process of a worker killed": Event(kill_child, 4),
    "worker paused (SIGSTOP)": Event(pause_worker, 2),
    "Redis killed": Event(kill_redis, 2, lambda site: site.has_redis),
    "PostgreSQL restarted": Event(restart_database, 1),
    "PostgreSQL killed": Event(kill_database, 1),
    "pool unmounted": Event(_unmount("files"), 2),
    "archives unmounted": Event(_unmount("archives"), 2),
    "disk full": Event(fill_disk, 2),
    "clock of a worker wrong": Event(skew_clock, 1, has_faketime),
    "deploy (all workers replaced)": Event(deploy, 1),
}


def heal(chaos: Chaos) -> None:
    """Put everything right, and replace all workers, so that what is open can end."""
    for folder in ("files", "archives"):
        bring_back(chaos.site.home, folder)
    for worker in chaos.site.workers:
        chaos.site.send(worker, signal.SIGCONT)
    chaos.site.start_redis()
    chaos.site.server.ensure_running()
    chaos.site.end(list(chaos.site.workers))
    chaos.site.fill_up()
    time.sleep(1)
