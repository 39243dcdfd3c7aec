"""Settings of the process, read from `PATRON_…` environment variables; docs/settings.md is made of them."""

from enum import Enum
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.platform.setting_types import HttpUrl, LogLevel, Networks, RateLimitAmounts, Sender

HOUR = 3600
DAY = 24 * HOUR
YEAR = 365 * DAY


class Environment(Enum):
    """Development creates its own keys and shows schema and mails; production does neither."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Settings(BaseSettings):
    """The settings of an operator. No secret has a usable default in production."""

    model_config = SettingsConfigDict(env_prefix="PATRON_", frozen=True, allow_inf_nan=False)

    env: Environment = Field(
        default=Environment.DEVELOPMENT,
        description="`production` makes no keys, shows no schema and migrates nothing by itself.",
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=1, le=65535, description="Port to listen on.")
    public_url: HttpUrl = Field(
        default="",
        description="Issuer of tokens and base of the token endpoint. Production must set it; development makes it "
        "from host and port.",
    )
    var_dir: Path = Field(default=Path("var"), description="Keys, databases and `demo.json` of development.")
    database_url: SecretStr = Field(
        default=SecretStr(""),
        description="The main database, `sqlite:///…` or `postgresql://…` (15 or newer). Production must set it; "
        "development uses `sqlite:///var/patron.db`.",
    )
    database_reads_url: SecretStr = Field(
        default=SecretStr(""),
        description="A replica of the main database, for the back office's lists of customers and their counts. What "
        "else is read comes from the main database.",
    )
    keystore_url: SecretStr = Field(
        default=SecretStr(""),
        description="The key store: another database, with backups of its own. Production must set it; development "
        "uses `sqlite:///var/keystore.db`.",
    )
    database_connections: int = Field(
        default=20,
        ge=4,
        le=400,
        description="Connections to PostgreSQL that a process opens at most, to all databases together: a quarter to "
        "the key store, as many to a replica, the rest to the main database; half of each for reads.",
    )
    database_idle_timeout: float = Field(
        default=300,
        ge=0,
        le=DAY,
        description="Seconds after which a connection that nobody uses is closed; `0`: never.",
    )
    statement_cache_size: int = Field(
        default=200,
        ge=0,
        le=10_000,
        description="Prepared statements a connection keeps; none where PgBouncer or another pooler is in between.",
    )
    database_command_timeout: float = Field(
        default=10,
        gt=0,
        le=HOUR,
        description="Seconds to wait for PostgreSQL's answer to a statement; migrations wait longer.",
    )
    database_connect_timeout: float = Field(
        default=5,
        gt=0,
        le=HOUR,
        description="Seconds to wait for a connection to a host; several hosts are tried in turn.",
    )
    database_pool_timeout: float = Field(
        default=5, gt=0, le=HOUR, description="Seconds to wait for a free connection of the process."
    )
    database_lock_timeout: float = Field(
        default=5,
        ge=0,
        le=HOUR,
        description="Seconds PostgreSQL waits for a lock; `0`: for ever. Not sent through a pooler.",
    )
    database_keepalive: int = Field(
        default=30, ge=0, le=DAY, description="Seconds of silence before the system probes a connection; `0`: never."
    )
    database_sharded: bool = Field(
        default=False,
        description="The main database is distributed by Citus: changes of several owners are sent one by one, as no "
        "single machine has the rows of all.",
    )
    key_provider: Literal["local", "transit"] = Field(
        default="local",
        description="What holds the key versions: `local` is the master key's file or text, `transit` the Transit "
        "engine of OpenBao or Vault. The next rotation moves a key store from one to another, while both are set.",
    )
    key_prefix: str = Field(
        default="patron",
        pattern=r"^[A-Za-z0-9]([A-Za-z0-9_-]{0,62}[A-Za-z0-9])?$",
        description="Prefix of the names of Transit keys; version 3 is `patron-3`.",
    )
    transit_url: HttpUrl = Field(default="", description="URL of the OpenBao or Vault server.")
    transit_mount: str = Field(default="transit", description="Path at which its Transit engine is mounted.")
    transit_token: SecretStr = Field(default=SecretStr(""), description="Token for it.")
    transit_token_file: Path | None = Field(
        default=None, description="File with the token, read for every request, as an agent renews it."
    )
    master_key_file: Path | None = Field(
        default=None,
        description="File with lines `version:base64`, mode 600. Production must set it, or the key itself; "
        "development makes `var/master.key`.",
    )
    master_key: SecretStr = Field(default=SecretStr(""), description="The master key as text, instead of a file.")
    key_rotation_interval: int = Field(
        default=7 * 24 * 3600,
        ge=0,
        le=YEAR,
        description="Seconds after which the worker replaces the key version; `0`: only `patron keys rotate` does. "
        "With a key file, all hosts must share it.",
    )
    key_retirement_delay: int = Field(
        default=7 * 24 * 3600,
        ge=3600,
        le=YEAR,
        description="Seconds after which the worker destroys a replaced key version, and erased people are "
        "irrecoverable; a backup of the key store does not outlive its version.",
    )
    anonymization_delay: int = Field(
        default=24 * 3600,
        ge=0,
        le=YEAR,
        description="Seconds in which a request to be forgotten can be taken back. `scripts/serve` sets `5`.",
    )
    worker_interval: float = Field(default=1.0, gt=0, le=HOUR, description="Seconds between two rounds of the worker.")
    embedded_worker: bool | None = Field(
        default=None, description="Whether `patron serve` runs the worker too. By default in development only."
    )
    access_token_lifetime: int = Field(default=15 * 60, ge=1, le=DAY, description="Seconds an access token is valid.")
    refresh_idle_lifetime: int = Field(
        default=14 * 24 * 3600, ge=1, le=10 * YEAR, description="Seconds a login session lives without a refresh."
    )
    refresh_absolute_lifetime: int = Field(
        default=90 * 24 * 3600, ge=1, le=10 * YEAR, description="Seconds a login session lives at most."
    )
    argon2_memory: int = Field(
        default=19456, ge=8, le=4 * 1024 * 1024, description="Memory of argon2id, in KiB; `patron calibrate` measures."
    )
    argon2_iterations: int = Field(default=2, ge=1, le=100, description="Passes of argon2id.")
    argon2_parallel: int = Field(default=2, ge=1, le=64, description="Passwords hashed at the same time.")
    argon2_queue: int = Field(
        default=64, ge=1, le=10_000, description="Passwords that may wait to be hashed; more are `RATE_LIMITED`."
    )
    password_min_length: int = Field(default=8, ge=8, le=128, description="Characters a new password needs.")
    max_body_bytes: int = Field(default=256 * 1024, ge=1024, le=64 * 1024 * 1024, description="Largest request body.")
    max_query_tokens: int = Field(default=2000, ge=100, le=1_000_000, description="Tokens of the largest document.")
    max_query_depth: int = Field(default=12, ge=3, le=1000, description="Depth of the deepest document.")
    max_query_aliases: int = Field(default=30, ge=0, le=1_000_000, description="Aliases in a document.")
    max_query_fields: int = Field(
        default=1000, ge=10, le=1_000_000, description="Fields in a document, fragments expanded."
    )
    max_query_cost_guest: int = Field(
        default=10_000, ge=10, le=1_000_000_000, description="What a guest's document may cost."
    )
    max_query_cost_customer: int = Field(
        default=10_000, ge=10, le=1_000_000_000, description="What a customer's document may cost."
    )
    max_query_cost_integration: int = Field(
        default=50_000, ge=10, le=1_000_000_000, description="What an integration's document may cost."
    )
    max_query_cost_staff: int = Field(
        default=50_000,
        ge=10,
        le=1_000_000_000,
        description="What a document of an integration on behalf of a staff member may cost.",
    )
    introspection: bool | None = Field(
        default=None, description="Introspection, suggestions and GraphiQL. By default in development only."
    )
    trusted_documents: Literal["optional", "required"] = Field(
        default="optional",
        description="`required`: only documents that `patron documents add` registered are executed, and no schema "
        "is shown.",
    )
    jsonp: bool = Field(default=False, description="`GET /graphql?query=…&callback=name` for guests' queries.")
    redis_url: SecretStr = Field(
        default=SecretStr(""),
        description="Redis or Valkey (`redis://`, `rediss://`, `valkey://`, `unix://`) through which all processes "
        "share rate limits.",
    )
    rate_limits: RateLimitAmounts = Field(
        default_factory=dict,
        description='Other amounts for rate limit policies (docs/clients.md), as JSON: `{"guest-reads": "100 per '
        'minute"}`.',
    )
    rate_limit_scale: float | None = Field(
        default=None, gt=0, le=1_000_000, description="Factor for all rate limits. By default `1`, in development `10`."
    )
    trusted_proxies: Networks = Field(
        default=(), description="Networks whose `X-Forwarded-For` is believed: `10.0.0.0/8, 2001:db8::/48`."
    )
    max_connections: int = Field(
        default=1000, ge=1, le=1_000_000, description="Connections to a process; those beyond are answered 503."
    )
    head_timeout: float = Field(
        default=10, gt=0, le=HOUR, description="Seconds in which the head of a request must arrive."
    )
    body_timeout: float = Field(default=30, gt=0, le=HOUR, description="Seconds in which its body must arrive.")
    metrics_token: SecretStr = Field(
        default=SecretStr(""),
        description="`Authorization: Bearer …` for `/metrics`; without one, they are shown in development "
        "only, on this machine.",
    )
    stripe_secret_key: SecretStr = Field(
        default=SecretStr(""), description="Stripe's secret key. Without one development uses a sandbox gateway."
    )
    stripe_publishable_key: str = Field(default="", description="Stripe's publishable key, for storefronts.")
    stripe_webhook_secret: SecretStr = Field(
        default=SecretStr(""),
        description="Secret of Stripe's events, which go to `POST /webhooks/stripe` and are refused without it.",
    )
    stripe_api_base: HttpUrl = Field(default="https://api.stripe.com", description="Another address, for tests.")
    webhook_allow_private: bool | None = Field(
        default=None,
        description="Whether webhooks may be posted to this machine and its network, and without TLS. By default in "
        "development only.",
    )
    webhook_proxy: HttpUrl = Field(
        default="",
        description="Proxy through which webhooks are posted, as in `http://proxy:3128`; then it decides where they "
        "may go.",
    )
    smtp_url: SecretStr = Field(
        default=SecretStr(""),
        description="Mail server: `smtp://user:password@host:port`, or `starttls://`, `smtps://`. Without one, "
        "development shows mails at `/dev/mail`, and production keeps them in the outbox.",
    )
    mail_from: Sender = Field(
        default="no-reply@localhost", description="Sender for organizations without a `mailSender` of their own."
    )
    log_level: LogLevel = Field(
        default="INFO", description="Level of our own events: JSON lines on standard error, ids only."
    )

    @model_validator(mode="after")
    def _require_production_settings(self) -> Self:
        if self.development:
            return self
        needed = {
            "PATRON_DATABASE_URL": self.database_url,
            "PATRON_KEYSTORE_URL": self.keystore_url,
            "PATRON_PUBLIC_URL": self.public_url,
            "PATRON_MASTER_KEY_FILE or PATRON_MASTER_KEY (make one with `patron keys generate`)": (
                self.master_key_file or self.master_key or self.key_provider != "local"
            ),
            "PATRON_TRANSIT_URL": self.transit_url or self.key_provider != "transit",
            "PATRON_TRANSIT_TOKEN or PATRON_TRANSIT_TOKEN_FILE": (
                self.transit_token or self.transit_token_file or self.key_provider != "transit"
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
            "master_key_file": self.master_key_file
            or (None if self.master_key or self.key_provider != "local" else self.var_dir / "master.key"),
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
    def webhooks_may_be_private(self) -> bool:
        """Whether webhooks may be posted to addresses inside the network; by default in development only."""
        return self.development if self.webhook_allow_private is None else self.webhook_allow_private

    @property
    def limit_scale(self) -> float:
        """The factor of the rate limits' production figures; 10 by default in development."""
        return self.rate_limit_scale or (10.0 if self.development else 1.0)

    @property
    def development(self) -> bool:
        """Whether this is a development environment."""
        return self.env is Environment.DEVELOPMENT
