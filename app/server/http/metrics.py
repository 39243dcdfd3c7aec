"""Prometheus metrics: counts and durations by bounded labels; nothing about a person."""

import hmac
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from time import perf_counter

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.platform.jobs.states import State
from app.platform.logs import log_exception
from app.server.http.key_metrics import KeyMetrics, KeyStates
from app.server.http.local_requests import is_local

PATH = "/metrics"
TOO_MANY_REQUESTS = 429
# The handler sets this scope key to the operation class of a GraphQL request.
OPERATION = "operation"
BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The metrics of one process."""

    def __init__(
        self,
        gauges: Mapping[str, tuple[str, Callable[[], float]]],
        job_states: Callable[[], Awaitable[Sequence[State]]],
        key_states: Callable[[], Awaitable[KeyStates]],
        *,
        paths: Collection[str],
        token: str,
        development: bool,
    ) -> None:
        """Count by `paths`; show `gauges` (help and value by name), and what `job_states` and `key_states` read.

        With a `token`, only to callers that send it; without one, only to callers on this machine.
        """
        self._registry = CollectorRegistry()
        self._paths = frozenset(paths)
        self._token = token
        self._development = development
        self._labelled: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        labels = ("route", "operation", "status")
        self._requests = Counter("patron_http_requests", "Requests answered.", labels, registry=self._registry)
        self._seconds = Histogram(
            "patron_http_request_seconds",
            "Time from request to answer.",
            ("route", "operation"),
            buckets=BUCKETS,
            registry=self._registry,
        )
        self._refusals = Counter(
            "patron_rate_limit_refusals", "Requests refused for asking too often.", ("policy",), registry=self._registry
        )
        for name, (help_text, value) in gauges.items():
            Gauge(name, help_text, registry=self._registry).set_function(value)
        self._job_states = job_states
        self._jobs = _JobMetrics()
        self._registry.register(self._jobs)
        self._key_states = key_states
        self._keys = KeyMetrics()
        self._registry.register(self._keys)

    def observe(self, scope: Scope, status: int, policy: str | None, seconds: float) -> None:
        """Count a response; `policy` is the rate limit that refused the request, if any."""
        # Anybody can request any path, so only known paths become labels.
        route = scope["path"] if scope["path"] in self._paths else "other"
        operation = scope.get(OPERATION, "none")
        count, times = self._labelled_metrics(route, operation, status)
        count.inc()
        times.observe(seconds)
        if policy is not None:
            self._refusals.labels(policy).inc()

    def _labelled_metrics(self, route: str, operation: str, status: int) -> tuple[Counter, Histogram]:
        """The metrics for these labels, cached: looking them up costs more than counting."""
        labelled = self._labelled.get((route, operation, status))
        if labelled is None:
            labelled = self._requests.labels(route, operation, str(status)), self._seconds.labels(route, operation)
            self._labelled[route, operation, status] = labelled
        return labelled

    async def endpoint(self, request: Request) -> Response:
        """The metrics, or 404 for callers that may not see them."""
        if not self._is_allowed(request):
            return PlainTextResponse("Not Found", 404)
        try:
            self._jobs.states = await self._job_states()
        except Exception as error:  # noqa: BLE001 - the other metrics matter most while the database is unavailable
            log_exception("job_states_unavailable", error)
            self._jobs.states = ()
        try:
            self._keys.states = await self._key_states()
        except Exception as error:  # noqa: BLE001 - the same
            log_exception("key_states_unavailable", error)
            self._keys.states = KeyStates()
        return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)

    def _is_allowed(self, request: Request) -> bool:
        if self._token:
            given = request.headers.get("authorization", "")
            return hmac.compare_digest(given.encode(), f"Bearer {self._token}".encode())
        # Without a token a proxy that adds no header would publish them, which only development may risk.
        return self._development and is_local(request)


def _job_gauge(name: str, help_text: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, help_text, labels=["job"])


class _JobMetrics(Collector):
    """The last result of each background job, on whichever worker it ran."""

    def __init__(self) -> None:
        self.states: Sequence[State] = ()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The metric families, each with a sample for every job that has the value."""
        success = GaugeMetricFamily(
            "patron_job_last_success_timestamp_seconds", "When it last succeeded.", labels=["job"]
        )
        failure = _job_gauge("patron_job_last_failure_timestamp_seconds", "When it last failed.")
        seconds = GaugeMetricFamily(
            "patron_job_duration_seconds", "How long the last recorded run took.", labels=["job"]
        )
        for state in self.states:
            if state.last_success_at is not None:
                success.add_metric([state.name], state.last_success_at.timestamp())
            if state.last_failure_at is not None:
                failure.add_metric([state.name], state.last_failure_at.timestamp())
            if state.last_milliseconds is not None:
                seconds.add_metric([state.name], state.last_milliseconds / 1000)
        yield from (success, failure, seconds)


class MetricsMiddleware:
    """Measures every request that `app` answers."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        """Wrap `app`."""
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        status, policy = 500, None

        async def send_wrapper(message: Message) -> None:
            nonlocal status, policy
            if message["type"] == "http.response.start":
                status = message["status"]
                if status == TOO_MANY_REQUESTS:
                    policy = next(
                        (_policy_name(value) for name, value in message["headers"] if name == b"ratelimit"), None
                    )
            await send(message)

        try:
            await self._app(scope, receive, send_wrapper)
        finally:
            self._metrics.observe(scope, status, policy, perf_counter() - started)


def _policy_name(ratelimit: bytes) -> str:
    return ratelimit.decode().split(";")[0].strip('"')
