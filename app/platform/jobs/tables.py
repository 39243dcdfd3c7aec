"""Table of background jobs."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from app.platform.db.columns import timestamp_column


class JobState(SQLModel, table=True):
    """When a job is due next, and how its last run ended; one row for each job, shared by all workers."""

    __tablename__ = "job_states"

    name: str = Field(primary_key=True, max_length=64)
    due_at: datetime = timestamp_column()
    last_success_at: datetime | None = timestamp_column(nullable=True)
    last_failure_at: datetime | None = timestamp_column(nullable=True)
    last_milliseconds: int | None = Field(default=None, nullable=True)
    last_count: int | None = Field(default=None, nullable=True)
