"""Table of trusted documents."""

from datetime import datetime

from sqlalchemy import Text
from sqlmodel import Field, SQLModel

from app.platform.db.columns import timestamp_column


class TrustedDocument(SQLModel, table=True):
    """A document by the SHA-256 of its text. It has no organization, because all have the same schema."""

    __tablename__ = "trusted_documents"

    sha256: str = Field(primary_key=True, max_length=64)
    text: str = Field(sa_type=Text)
    added_at: datetime = timestamp_column()
