from dataclasses import dataclass


@dataclass
class Preflight:
    problems: tuple = ()
    warnings: tuple = ()
    memory_mb_per_rank: float|None = None
    memory_mb_per_card: float|None = None
def check(project, job, demand, peaks, engine):
    return Preflight()
