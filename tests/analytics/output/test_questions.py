"""The queries of docs/orders.md ask for metrics that there are, by labels that they have."""

import re

import pytest

from tests.analytics.output.test_order_metrics import CONTRACT
from tests.helpers.questions import Question, questions

LABELS = CONTRACT | {"telemetry_source_events_lost_total": {"source", "kind"}}
METRIC = r"\b(?:trading|telemetry)_\w+"


def test_the_five_questions_are_there() -> None:
    assert [question.text for question in questions()][:5] == [
        "Which bot loses money?",
        "Which venue acknowledges slowly?",
        "Which strategy pays the most slippage?",
        "Which bot's messages are lost?",
        "Why are orders rejected?",
    ]


@pytest.mark.parametrize("question", questions(), ids=lambda question: question.text)
def test_a_query_asks_for_metrics_and_labels_that_there_are(question: Question) -> None:
    metrics = re.findall(METRIC, question.expr)
    assert metrics
    asked = {label.strip() for by in re.findall(r"by \(([^)]*)\)", question.expr) for label in by.split(",")}
    asked |= set(re.findall(r"(\w+)=", question.expr))
    for metric in metrics:
        assert asked <= LABELS[metric], metric


def test_sums_of_money_are_by_currency() -> None:
    for question in questions():
        for by, metric in re.findall(rf"by \(([^)]*)\) \((?:increase\()?({METRIC})", question.expr):
            assert "currency" in by or "currency" not in LABELS[metric], question.expr
