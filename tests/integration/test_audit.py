"""The audit of real processes: each command that did something has its line, once, whenever ingest was killed."""

import json
import os
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import zmq

from tests.helpers.services import Pipeline, eventually


def _send_switch(pipeline: Pipeline) -> str:
    """Engages the kill switch; the command's id."""
    command_id = str(uuid4())
    switch = {"type": "kill_switch", "command_id": command_id, "source": "ui", "sent_by": "alice", "engaged": True}
    with zmq.Context() as context, context.socket(zmq.PUSH) as push:
        push.linger = 5_000
        push.connect(pipeline.endpoint)
        push.send(json.dumps({**switch, "sent_ns": time.time_ns()}).encode())
    eventually(lambda: pipeline.ingest.metrics().value("telemetry_kill_switch_engaged") == 1, what="the kill switch")
    return command_id


def _lines(audit: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in audit.read_text().splitlines()]


def test_a_command_has_its_line_once_also_where_ingest_was_killed_before_it_was_written(tmp_path: Path) -> None:
    audit = tmp_path / "ingest" / "audit.jsonl"
    audit.parent.mkdir()
    os.mkfifo(audit)  # nobody reads it: who writes a line stands there
    with Pipeline(tmp_path).start() as pipeline:
        command_id = _send_switch(pipeline)
        pipeline.ingest.kill()
        audit.unlink()
        for _ in range(2):
            pipeline.ingest.start().wait_ready()
            (line,) = _lines(audit)
            assert (line["outcome"], line["command"]["command_id"]) == ("accepted", command_id)
            assert line["command"]["sent_by"] == "alice"
            pipeline.ingest.kill()


def test_a_command_whose_line_was_written_is_not_written_again_after_a_kill(tmp_path: Path) -> None:
    audit = tmp_path / "ingest" / "audit.jsonl"
    with Pipeline(tmp_path).start() as pipeline:
        _send_switch(pipeline)
        eventually(audit.exists, what="the line")
        pipeline.ingest.kill()
        pipeline.ingest.start().wait_ready()
        # What another process keeps elsewhere is not missed.
        eventually(lambda: len(_lines(audit)) == 1, what="one line")
        assert pipeline.ingest.stop() == 0
        audit.rename(audit.with_name("archived.jsonl"))
        pipeline.ingest.start().wait_ready()
        assert not audit.exists()
