"""The OpenAPI document against the API: whatever a client makes of it, nothing ends in an error of ours."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from serve_kit import PlainReader, Talker

from prc_emo.chat.server.app import Limits, make_app
from prc_emo.chat.server.batching import BatchingReader

app = make_app(BatchingReader(PlainReader()), "words", Talker(), limits=Limits(body=100_000, seconds=5))
schema = schemathesis.openapi.from_asgi("/openapi.json", app, headers={"Host": "localhost"})


@pytest.mark.parametrize(
    "operation", [found.ok() for found in schema.get_all_operations()], ids=lambda operation: operation.label
)
def test_no_request_ends_in_an_error_of_ours(operation: Any) -> None:
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(case=operation.as_strategy())
    def each(case: schemathesis.Case) -> None:
        answer = case.call(headers={"Host": "localhost"})
        case.validate_response(answer, checks=[not_a_server_error])
        assert answer.status_code != 403  # it got past the guard

    each()


def test_every_route_is_described_with_an_example_where_it_takes_a_body() -> None:
    document = app.openapi()
    assert set(document["paths"]) == {
        "/v1/emotions", "/v1/chat/completions", "/v1/models", "/v1/models/{model}", "/healthz", "/readyz", "/metrics",
    }  # fmt: skip
    for form in ("EmotionsRequest", "ChatRequest"):
        assert document["components"]["schemas"][form]["examples"]


@pytest.mark.parametrize("form", ["EmotionsRequest", "ChatRequest"])
def test_the_examples_can_be_sent_as_they_are(form: str) -> None:
    from prc_emo.chat.server import forms

    for example in app.openapi()["components"]["schemas"][form]["examples"]:
        getattr(forms, form).model_validate(example)
