"""The sockets of ingest, opened on the stack that closes them: sinks first, sources last.

clients ──trades──▶ ┌────────┐ ──batches──▶ analytics
clients ◀──acks───▶ │ ingest │ ◀─progress── analytics
└────────┘ ──state────▶ UIs
"""

from contextlib import AsyncExitStack
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from ingest.delivery.acknowledger import Acknowledger
from ingest.delivery.batch_delivery import BatchDelivery
from ingest.environment import IngestSettings
from ingest.parts import Parts
from ingest.storage.log.group_commit import GroupCommit
from telemetry_runtime import Clock
from telemetry_runtime.http import HttpServer, Readiness, render_registry
from telemetry_runtime.transport import (
    DroppingSink,
    EdgePullSource,
    EndpointSecurity,
    Gathering,
    PeerAuthenticator,
    PullSource,
    PushSink,
    RouterChannel,
)
from telemetry_schema import MAX_ACK_BYTES


@dataclass(frozen=True, slots=True)
class Endpoints:
    """All sockets but that of HTTP."""

    security: EndpointSecurity
    delivery: BatchDelivery
    """Of batches to analytics."""
    ui: list[DroppingSink]
    authenticator: PeerAuthenticator | None
    """Of the keys of peers, where there are keys."""
    progress: PullSource
    """What analytics has applied."""
    source: EdgePullSource
    """Messages of clients."""
    acknowledger: Acknowledger | None
    """Of durable clients' messages, unless there is no address for it."""


async def open_endpoints(stack: AsyncExitStack, settings: IngestSettings, parts: Parts, clock: Clock) -> Endpoints:
    """Opens them.

    Raises:
        StartupError: a port is taken, or a key cannot be read.
    """
    security = _security(settings, clock)
    # Opened first, closed last: the sinks flush what the sources still bring in.
    delivery, ui = await _sinks(stack, settings, security, parts.writer, clock)
    authenticator = security.authenticator()
    if authenticator is not None:
        await stack.enter_async_context(authenticator)
    progress, source = await _sources(stack, settings, security)
    acknowledger = await _acknowledger(stack, settings, security, parts, clock)
    return Endpoints(security, delivery, ui, authenticator, progress, source, acknowledger)


def _security(settings: IngestSettings, clock: Clock) -> EndpointSecurity:
    peers = {"trades": ["ui"], "progress": ["analytics"], "acks": []}
    clients = dict.fromkeys(("trades", "acks"), settings.curve_clients_dir)
    security = EndpointSecurity(settings, clock, peers, clients)
    security.warn_if_open(settings.pull_endpoint, "INGEST_PULL_ENDPOINT")
    security.warn_if_open(settings.progress_endpoint, "INGEST_PROGRESS_ENDPOINT")
    if settings.acks_endpoint:
        security.warn_if_open(settings.acks_endpoint, "INGEST_ACKS_ENDPOINT")
    return security


async def _sinks(
    stack: AsyncExitStack, settings: IngestSettings, security: EndpointSecurity, writer: GroupCommit, clock: Clock
) -> tuple[BatchDelivery, list[DroppingSink]]:
    batches = PushSink(
        settings.analytics_endpoint,
        high_water_mark=64,
        setting="INGEST_ANALYTICS_ENDPOINT",
        curve=security.client("analytics"),
    )
    delivery = BatchDelivery(await stack.enter_async_context(batches), writer, clock=clock)
    curve = security.client("ui") if settings.ui_endpoints else None
    ui = [
        await stack.enter_async_context(DroppingSink(endpoint, setting="INGEST_UI_ENDPOINTS", curve=curve))
        for endpoint in settings.ui_endpoints
    ]
    return delivery, ui


async def _sources(
    stack: AsyncExitStack, settings: IngestSettings, security: EndpointSecurity
) -> tuple[PullSource, EdgePullSource]:
    """Where analytics reports its progress, and where clients connect."""
    progress = PullSource(
        settings.progress_endpoint,
        setting="INGEST_PROGRESS_ENDPOINT",
        curve=security.server("progress"),
        refused=security.refused_at("progress"),
    )
    await stack.enter_async_context(progress)
    edge = EdgePullSource(
        settings.pull_endpoint,
        setting="INGEST_PULL_ENDPOINT",
        curve=security.server("trades"),
        refused=security.refused_at("trades"),
        gathering=Gathering(settings.gather_us),
    )
    return progress, await stack.enter_async_context(edge)


async def _acknowledger(
    stack: AsyncExitStack, settings: IngestSettings, security: EndpointSecurity, parts: Parts, clock: Clock
) -> Acknowledger | None:
    if not settings.acks_endpoint:
        return None
    channel = RouterChannel(
        settings.acks_endpoint,
        max_frame_bytes=MAX_ACK_BYTES,
        setting="INGEST_ACKS_ENDPOINT",
        curve=security.server("acks"),
        refused=security.refused_at("acks"),
    )
    await stack.enter_async_context(channel)
    acknowledger = Acknowledger(
        channel, trades=parts.sequences, events=parts.events, recorded=parts.journal, clock=clock
    )
    parts.journal.call_after_record(acknowledger.note_burst)
    return acknowledger


async def open_http(
    stack: AsyncExitStack, settings: IngestSettings, readiness: Readiness, registry: CollectorRegistry
) -> HttpServer:
    """Opens the port of `/metrics` and `/health`."""
    server = HttpServer(
        settings.http_host,
        settings.http_port,
        render=render_registry(registry),
        readiness=readiness,
        setting="INGEST_HTTP_PORT",
        allowed_hosts=settings.http_allowed_hosts,
    )
    return await stack.enter_async_context(server)
