"""Projects in which something may have changed, until they are looked at."""

import asyncio
from pathlib import Path


class Hints:
    """Collects hints; many hints of one project are one."""

    def __init__(self) -> None:
        self._projects: set[Path] = set()
        self._any = asyncio.Event()

    def add(self, project: Path) -> None:
        """Have a project looked at soon."""
        self._projects.add(project)
        self._any.set()

    async def take(self) -> set[Path]:
        """Wait for hints, and take them all."""
        await self._any.wait()
        self._any.clear()
        taken, self._projects = self._projects, set()
        return taken
