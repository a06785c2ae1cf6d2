"""What a check has found about one file of a board."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deblurbench.errors import one_line


@dataclass
class Checked:
    """One file of a board after the check.

    Attributes:
        status: of a submission: `rerun`, `rescored` or `reported`; `track`; empty where that cannot be read.
        rescored: how many of its `pictures` were scored anew; None where no sharp pictures were given.
        of_other_machine: the keys that differ from the run folder as they do from machine to machine.
        problems: a line each.
    """

    file: Path
    status: str = ""
    pictures: int = 0
    rescored: int | None = None
    of_other_machine: tuple[str, ...] = ()
    problems: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "file": str(self.file),
            "status": self.status,
            "pictures": self.pictures,
            "rescored": self.rescored,
            "of_other_machine": list(self.of_other_machine),
            "problems": self.problems,
        }

    def text(self) -> str:
        """`ok` and what was looked at, or a line for each problem."""
        if self.problems:
            return "\n".join(one_line(f"{self.file}: {problem}") for problem in self.problems)
        return one_line(f"ok {self.file}: {self._looked_at()}")

    def _looked_at(self) -> str:
        if self.status == "reported":
            return "reported, not measured: only its source can tell"
        how = "not re-scored" if self.rescored is None else f"re-scored {self.rescored} of {self.pictures}"
        if self.status == "track":
            return f"{self.pictures} pictures, {how}" if self.pictures else "reported numbers alone"
        where = ", ".join(self.of_other_machine)
        return f"{self.status}; {how}" + (f"; not those of this run folder: {where}" if where else "")
