"""A daemon that is killed at random moments, again and again, while jobs come, go and are stopped."""

import contextlib
import random
import time

from halfmap.daemon.client import JobState, Refused
from tests.faults.daemon.harness import Bench

_LONGEST_S = 0.3


def kill_at_random(bench: Bench, kills: int, seed: int) -> list[str]:
    """Kill the daemon so often, keep submitting and stopping jobs, let all end, and give what is wrong then.

    Every request has its key and is repeated until it is answered, as a careful client does.
    """
    choose = random.Random(seed)
    bench.program(rounds=2)
    bench.start()
    bench.watch()
    jobs: list[int] = []
    while bench.kills < kills:
        if len(jobs) < kills // 4 + 3 and choose.random() < 0.4:
            jobs.append(bench.submit(f"submit {len(jobs)}", hold=choose.random() < 0.1))
        elif jobs and choose.random() < 0.2:
            job, mode = choose.choice(jobs), choose.choice(("abort", "terminate", "kill"))
            key = f"stop {bench.kills} {job}"
            with contextlib.suppress(Refused):  # it has ended already
                bench.ask(lambda client, job=job, mode=mode, key=key: client.stop(job, mode, key))
        time.sleep(choose.uniform(0, _LONGEST_S))
        bench.kill()
        bench.start()
    for job in jobs:
        with contextlib.suppress(Refused):
            bench.ask(lambda client, job=job: client.release(job, f"release {job}"))
    ends = [bench.ended(job, seconds=120).state for job in jobs]
    strange = [f"job {job} is {end}" for job, end in zip(jobs, ends, strict=True) if end not in _EXPECTED]
    return strange + bench.violations()


_EXPECTED = (JobState.FINISHED, JobState.ABORTED)
