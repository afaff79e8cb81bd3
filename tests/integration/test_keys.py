"""Encrypted connections between real processes: with keys all goes through, without them nothing."""

import json
from pathlib import Path

import pytest
import zmq

from telemetry_client import CurveKeys, Publisher
from tests.helpers.keys import Keys
from tests.helpers.services import Pipeline, eventually

TRADES = 100


def _send(endpoint: str, curve: CurveKeys | None, linger_s: float) -> bool:
    publisher = Publisher(endpoint, "bot", curve=curve, linger_s=linger_s)
    for _ in range(TRADES):
        publisher.trade("BTC-USD", "buy", 1, 100)
    return publisher.close()


def test_with_keys_on_every_endpoint_trades_are_applied_and_acknowledged(tmp_path: Path) -> None:
    keys = Keys.make(tmp_path / "keys")
    keys.add("bot")
    with Pipeline(tmp_path, **keys.settings("INGEST", "ANALYTICS")).start() as pipeline:
        assert _send(pipeline.endpoint, keys.of_client("bot"), 10)
        pipeline.wait_applied(TRADES)
        # The progress came back over the third encrypted connection.
        eventually(
            lambda: pipeline.ingest.metrics().value("telemetry_unapplied_trades") == 0, what="all trades acknowledged"
        )
        assert not _send(pipeline.endpoint, None, 0.3)
        assert pipeline.applied() == TRADES
        refused = pipeline.ingest.metrics()
        assert refused.total("telemetry_refused_peers_total") >= 1
        endpoints = {labels["endpoint"] for labels in refused.labels("telemetry_refused_peers_total")}
        assert endpoints == {"trades", "progress", "acks"}


def test_a_key_that_was_taken_off_the_list_stays_out_after_a_restart_too(tmp_path: Path) -> None:
    keys = Keys.make(tmp_path / "keys")
    keys.add("bot")
    keys.add("other")
    with Pipeline(tmp_path, **keys.settings("INGEST", "ANALYTICS")).start() as pipeline:
        assert _send(pipeline.endpoint, keys.of_client("bot"), 10)
        keys.revoke("bot")
        assert pipeline.ingest.stop() == 0
        pipeline.ingest.start().wait_ready()
        assert not _send(pipeline.endpoint, keys.of_client("bot"), 1.0)
        assert _send(pipeline.endpoint, keys.of_client("other"), 10)
        pipeline.wait_applied(2 * TRADES)
        assert pipeline.ingest.stop() == 0
        assert pipeline.analytics.stop() == 0


def test_a_bot_whose_key_comes_onto_the_list_while_it_lives_loses_nothing_a_second_time_too(tmp_path: Path) -> None:
    keys = Keys.make(tmp_path / "keys")
    keys.add("bot")
    allowed = keys.public("bot").read_text()
    with Pipeline(tmp_path, **keys.settings("INGEST", "ANALYTICS")).start() as pipeline:
        with Publisher(pipeline.endpoint, "bot", curve=keys.of_client("bot"), linger_s=20) as publisher:
            for total in (TRADES, 2 * TRADES):
                keys.revoke("bot")
                pipeline.ingest.kill()  # an open connection would last
                pipeline.ingest.start().wait_ready()
                for _ in range(TRADES):
                    assert publisher.trade("BTC-USD", "buy", 1, 100)
                eventually(lambda: _refused(pipeline, "trades"), what="the bot being refused")
                keys.public("bot").write_text(allowed)
                pipeline.wait_applied(total)
        assert publisher.stats().unflushed_messages == 0


def test_a_bot_with_keys_waits_for_an_ingest_that_gets_its_keys_later(tmp_path: Path) -> None:
    keys = Keys.make(tmp_path / "keys")
    keys.add("bot")
    settings = keys.settings("INGEST", "ANALYTICS")
    with Pipeline(tmp_path, **dict.fromkeys(settings, "")).start() as pipeline:
        with Publisher(pipeline.endpoint, "bot", curve=keys.of_client("bot"), linger_s=20) as publisher:
            for _ in range(TRADES):
                assert publisher.trade("BTC-USD", "buy", 1, 100)
            eventually(lambda: _refused(pipeline, "trades"), what="the bot being refused")
            assert pipeline.ingest.stop() == 0
            pipeline.analytics.kill()
            pipeline.set(**settings)
            pipeline.start()
            pipeline.wait_applied(TRADES)
        assert publisher.stats().unflushed_messages == 0


def _refused(pipeline: Pipeline, endpoint: str) -> float:
    return pipeline.ingest.metrics().sum_of("telemetry_refused_peers_total", endpoint=endpoint)


def test_a_bot_cannot_pose_as_ingest_at_analytics(tmp_path: Path) -> None:
    keys = Keys.make(tmp_path / "keys")
    keys.add("bot")
    settings = keys.settings("INGEST", "ANALYTICS")
    with Pipeline(tmp_path, **settings).start() as pipeline, zmq.Context() as context:
        with context.socket(zmq.PUSH) as push:
            push.linger = 0
            bot = keys.of_client("bot")
            assert bot.public is not None
            assert bot.secret is not None
            push.curve_publickey, push.curve_secretkey = bot.public.encode(), bot.secret.encode()
            push.curve_serverkey = keys.public("analytics", "services").read_text().split()[-1].encode()
            push.connect(pipeline.batches_endpoint)
            push.send_multipart([json.dumps({"type": "batch"}).encode(), b""])
            eventually(
                lambda: pipeline.analytics.metrics().value(
                    "telemetry_refused_peers_total", service="analytics", endpoint="batches", reason="unknown_key"
                ),
                what="the bot being refused",
            )
        assert (
            pipeline.analytics.metrics().value("telemetry_messages_total", service="analytics", outcome="refused") == 0
        )


def test_one_end_without_keys_gets_nothing_and_all_once_it_has_them(tmp_path: Path) -> None:
    keys = Keys.make(tmp_path / "keys")
    keys.add("bot")
    settings = keys.settings("INGEST", "ANALYTICS")
    plain = {name: "" for name in settings if name.startswith("ANALYTICS")}
    with Pipeline(tmp_path, **settings | plain) as pipeline:
        pipeline.analytics.start().wait_ready()
        pipeline.ingest.start().wait_ready()
        assert _send(pipeline.endpoint, keys.of_client("bot"), 10)
        eventually(lambda: pipeline.analytics.metrics().total("telemetry_refused_peers_total"), what="a refusal")
        assert pipeline.applied() == 0
        pipeline.analytics.kill()
        pipeline.set(**settings)
        pipeline.analytics.start().wait_ready()
        pipeline.wait_applied(TRADES)


def test_a_service_without_its_secret_ends_with_one_clear_line(tmp_path: Path) -> None:
    keys = Keys.make(tmp_path / "keys")
    keys.secret("ingest").unlink()
    with Pipeline(tmp_path, **keys.settings("INGEST", "ANALYTICS")) as pipeline:
        assert pipeline.ingest.start().process.wait(20) == 1
        assert "INGEST_CURVE_SECRET_FILE" in pipeline.ingest.log()
        assert len(pipeline.ingest.log().splitlines()) == 1


@pytest.mark.parametrize("other", ["public", "of another service"])
def test_a_service_with_a_secret_that_is_not_its_own_ends_with_one_clear_line(tmp_path: Path, other: str) -> None:
    keys = Keys.make(tmp_path / "keys")
    source = keys.public("ingest", "services") if other == "public" else keys.secret("ui")
    keys.secret("ingest").write_text(source.read_text())
    with Pipeline(tmp_path, **keys.settings("INGEST", "ANALYTICS")) as pipeline:
        assert pipeline.ingest.start().process.wait(20) == 1
        (line,) = pipeline.ingest.log().splitlines()
        assert "INGEST_CURVE_SECRET_FILE" in line
        assert "is not the secret key of" in line


def test_an_endpoint_that_others_reach_without_keys_is_warned_of_once(tmp_path: Path) -> None:
    with Pipeline(tmp_path, INGEST_LOG_FORMAT="json") as pipeline:
        port = pipeline.endpoint.rpartition(":")[2]
        # `*` is every address; nothing outside this test knows the port.
        pipeline.set(INGEST_PULL_ENDPOINT=f"tcp://*:{port}")
        pipeline.ingest.start().wait_ready()
        warnings = pipeline.ingest.events("endpoint_open_to_network")
        assert [line["setting"] for line in warnings] == ["INGEST_PULL_ENDPOINT"]
