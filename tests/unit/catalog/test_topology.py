"""Topics and subscriptions of alfred.yaml: read, checked, and as requests."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alfred_dev.catalog.topology import Wanted, from_json, to_json, wanted
from alfred_dev.errors import ConfigError
from tests.unit.catalog.test_project import loaded, problems

WHOLE = """
pubsub:
  topics: [invoice.created, invoice.dead]
  subscriptions:
    billing.invoice:
      topic: invoice.created
      ack_deadline: 20
      ordering: true
      dead_letter: {topic: invoice.dead}
      retry: {minimum: 1}
    undertaker: {topic: invoice.dead}
"""


def test_what_is_declared_becomes_requests_topics_first() -> None:
    found = list(wanted(loaded(WHOLE).catalog.topology, "p"))
    assert found == [
        Wanted("projects/p/topics/invoice.created", {}),
        Wanted("projects/p/topics/invoice.dead", {}),
        Wanted(
            "projects/p/subscriptions/billing.invoice",
            {
                "topic": "projects/p/topics/invoice.created",
                "ackDeadlineSeconds": 20,
                "enableMessageOrdering": True,
                "deadLetterPolicy": {
                    "deadLetterTopic": "projects/p/topics/invoice.dead",
                    "maxDeliveryAttempts": 5,
                },
                "retryPolicy": {"minimumBackoff": "1s", "maximumBackoff": "600s"},
            },
        ),
        Wanted(
            "projects/p/subscriptions/undertaker",
            {"topic": "projects/p/topics/invoice.dead", "ackDeadlineSeconds": 10},
        ),
    ]
    assert from_json(to_json(found)) == found


def test_without_it_there_is_nothing() -> None:
    assert list(wanted(loaded(None).catalog.topology, "p")) == []
    assert list(wanted(loaded("pubsub: {}").catalog.topology, "p")) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{topics: [ab]}", "expected the name of a topic"),
        ("{topics: [goog.x]}", "expected the name of a topic"),
        ("{topics: [\"it's\"]}", "expected the name of a topic"),
        ("{topics: [abc, abc]}", "alfred.yaml:1:24: the topic abc stands here twice"),
        ("{topics: x}", "expected a list"),
        ("{topic: [abc]}", "unknown key topic of pubsub (did you mean topics?)"),
        ("{subscriptions: {sub: {}}}", "topic is missing"),
        ("{subscriptions: {sub: }}", "expected a mapping"),
        ("{subscriptions: {a b: {topic: abc}}}", "cannot be a name here"),
        ("{topics: [abc], subscriptions: {sub: {topic: abd}}}",
         "abd is not among pubsub.topics (did you mean abc?)"),
        ("{topics: [abc], subscriptions: {sub: {topic: abc, dead_letter: {topic: dead}}}}",
         "dead is not among pubsub.topics"),
        ("{topics: [abc], subscriptions: {sub: {topic: abc, ack_deadline: 5}}}",
         "expected a number from 10 to 600"),
        ("{topics: [abc], subscriptions: {sub: {topic: abc, retry: {minimum: 9, maximum: 1}}}}",
         "the minimum is above the maximum"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_in_its_place(text: str, words: str) -> None:
    [problem] = problems(f"pubsub: {text}")
    assert words in problem and problem.startswith("alfred.yaml:1:")


@settings(max_examples=40)
@given(st.text(max_size=60), st.sampled_from(["", "topics: ", "subscriptions: {abc: "]))
def test_no_text_is_a_traceback(text: str, before: str) -> None:
    try:
        loaded(f"pubsub: {{{before}{text}")
    except ConfigError as error:
        assert error.problems
