"""Settings of the process, read from `PATRON_…` environment variables."""

from enum import Enum
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class Environment(Enum):
    """Development creates its own keys and shows schema and mails; production does neither."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Settings(BaseSettings):
    """The settings of an operator. No secret has a usable default in production."""

    model_config = SettingsConfigDict(env_prefix="PATRON_", frozen=True)

    env: Environment = Environment.DEVELOPMENT
    host: str = "127.0.0.1"
    port: int = 8000
    public_url: str = ""
    var_dir: Path = Path("var")
    database_url: SecretStr = SecretStr("")
    keystore_url: SecretStr = SecretStr("")
    database_pool_size: int = Field(default=10, ge=1, le=200)
    statement_cache_size: int = Field(default=200, ge=0)
    master_key_file: Path | None = None
    master_key: SecretStr = SecretStr("")
    anonymization_delay: int = Field(default=24 * 3600, ge=0)
    worker_interval: float = Field(default=1.0, gt=0)
    embedded_worker: bool | None = None
    access_token_lifetime: int = Field(default=15 * 60, ge=1)
    refresh_idle_lifetime: int = Field(default=14 * 24 * 3600, ge=1)
    refresh_absolute_lifetime: int = Field(default=90 * 24 * 3600, ge=1)
    argon2_memory: int = Field(default=19456, ge=8)
    argon2_iterations: int = Field(default=2, ge=1)
    argon2_parallel: int = Field(default=2, ge=1, le=64)
    argon2_queue: int = Field(default=64, ge=1, le=10_000)
    password_min_length: int = Field(default=8, ge=8, le=128)
    max_body_bytes: int = Field(default=256 * 1024, ge=1024)
    max_query_tokens: int = Field(default=2000, ge=100)
    max_query_depth: int = Field(default=12, ge=3)
    max_query_aliases: int = Field(default=30, ge=0)
    max_query_fields: int = Field(default=1000, ge=10)
    max_query_cost_guest: int = Field(default=10_000, ge=10)
    max_query_cost_customer: int = Field(default=10_000, ge=10)
    max_query_cost_integration: int = Field(default=50_000, ge=10)
    max_query_cost_staff: int = Field(default=50_000, ge=10)
    introspection: bool | None = None
    trusted_documents: Literal["optional", "required"] = "optional"
    jsonp: bool = False
    redis_url: SecretStr = SecretStr("")
    rate_limits: dict[str, str] = Field(default_factory=dict)
    rate_limit_scale: float | None = Field(default=None, gt=0)
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = ()
    max_connections: int = Field(default=1000, ge=1)
    head_timeout: float = Field(default=10, gt=0)
    body_timeout: float = Field(default=30, gt=0)
    metrics_token: SecretStr = SecretStr("")
    stripe_secret_key: SecretStr = SecretStr("")
    stripe_publishable_key: str = ""
    stripe_webhook_secret: SecretStr = SecretStr("")
    stripe_api_base: str = "https://api.stripe.com"
    smtp_url: SecretStr = SecretStr("")
    mail_from: str = "no-reply@localhost"
    log_level: str = "INFO"

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @model_validator(mode="after")
    def _require_production_settings(self) -> Self:
        if self.development:
            return self
        needed = {
            "PATRON_DATABASE_URL": self.database_url,
            "PATRON_KEYSTORE_URL": self.keystore_url,
            "PATRON_PUBLIC_URL": self.public_url,
            "PATRON_MASTER_KEY_FILE or PATRON_MASTER_KEY (make one with `patron keys generate`)": (
                self.master_key_file or self.master_key
            ),
        }
        missing = [name for name, value in needed.items() if not value]
        if missing:
            message = f"Production needs these settings: {', '.join(missing)}."
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _fill_in_development(self) -> Self:
        if not self.development:
            return self
        for name, value in {
            "public_url": self.public_url or f"http://{self.host}:{self.port}",
            "database_url": self.database_url or SecretStr(f"sqlite:///{self.var_dir / 'patron.db'}"),
            "keystore_url": self.keystore_url or SecretStr(f"sqlite:///{self.var_dir / 'keystore.db'}"),
            "master_key_file": self.master_key_file or (None if self.master_key else self.var_dir / "master.key"),
        }.items():
            object.__setattr__(self, name, value)
        return self

    @property
    def runs_worker(self) -> bool:
        """Whether `serve` also runs the worker; by default in development only."""
        return self.development if self.embedded_worker is None else self.embedded_worker

    @property
    def shows_schema(self) -> bool:
        """Whether introspection, suggestions and GraphiQL are on; by default in development only."""
        if self.trusted_documents == "required":
            return False
        return self.development if self.introspection is None else self.introspection

    @property
    def limit_scale(self) -> float:
        """The factor of the rate limits' production figures; 10 by default in development."""
        return self.rate_limit_scale or (10.0 if self.development else 1.0)

    @property
    def development(self) -> bool:
        """Whether this is a development environment."""
        return self.env is Environment.DEVELOPMENT
