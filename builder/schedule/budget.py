"""What builds that run at the same time may use together."""

import math
from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class Appetite:
    """What a package's settings say of one of its build's jobs.

    Attributes:
        cores: processors that one job keeps busy.
        memory_gb: memory that one job needs, in GiB.
        exclusive: whether nothing else may be built beside it.
    """

    cores: int = 1
    memory_gb: float = 1.0
    exclusive: bool = False


@dataclass(frozen=True)
class Claim:
    """What one running build counts for. `jobs` is what its compilers are told."""

    jobs: int
    cores: int
    memory_gb: float
    exclusive: bool = False


@dataclass(frozen=True)
class Budget:
    """What all running builds may claim together.

    Attributes:
        workers: builds at once.
        jobs: jobs inside one build that says nothing of itself.
        memory_gb: memory that is there for builds, in GiB.
    """

    workers: int
    jobs: int
    memory_gb: float

    @property
    def cores(self) -> int:
        """By default twice the processors: builds wait for disks, and in parts use one core."""
        return self.workers * self.jobs

    def claim(self, appetite: Appetite) -> Claim:
        """As many jobs as were asked for, as far as cores and memory reach; at least one."""
        by_cores = self.cores // appetite.cores
        by_memory = math.floor(self.memory_gb / appetite.memory_gb)
        jobs = max(1, min(self.jobs, by_cores, by_memory))
        return Claim(
            jobs, jobs * appetite.cores, jobs * appetite.memory_gb, exclusive=appetite.exclusive
        )

    def admits(self, running: Collection[Claim], claim: Claim) -> bool:
        """Whether a build may start beside others. What asks for too much runs alone."""
        if not running:
            return True
        if claim.exclusive or any(other.exclusive for other in running):
            return False
        together = [*running, claim]
        return (
            len(together) <= self.workers
            and sum(one.cores for one in together) <= self.cores
            and sum(one.memory_gb for one in together) <= self.memory_gb
        )
