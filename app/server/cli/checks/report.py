"""What `patron check` found: a row for each thing it looked at."""

from dataclasses import dataclass, field
from enum import Enum


class Verdict(Enum):
    """What was found."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(slots=True)
class Report:
    """One row for each thing that was looked at."""

    rows: list[dict[str, str]] = field(default_factory=list)

    def add(self, verdict: Verdict, subject: str, sentence: str) -> None:
        """Note what was found; the sentence of an error says what to do."""
        self.rows.append({"verdict": verdict.value, "subject": subject, "finding": sentence})

    @property
    def failed(self) -> bool:
        """Whether something keeps the program from working."""
        return any(row["verdict"] == Verdict.ERROR.value for row in self.rows)
