"""The stub of a model: OpenAI's words, no key, the same answer to the same question."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alfred_dev.catalog.model import ProbeKind
from alfred_dev.embedded.answers import RequestError
from alfred_dev.embedded.models_api import MODEL, chat_of, completion, reply
from tests.servers import free_port
from tests.unit.embedded import running
from tests.unit.embedded.running import ask, http, spec_of

ASKED = {"model": "any", "messages": [{"role": "user", "content": "two words"}]}


@pytest.fixture(scope="module")
def router() -> Iterator[httpx.Client]:
    """A client of agent-core, behind which are model-router and model-registry."""
    registry = spec_of("model-registry", [http(free_port())], api=["models"])
    asks = [ask("model-registry", "MODEL_REGISTRY_URL", ProbeKind.HTTP, "/health")]
    router = spec_of("model-router", [http(free_port())], asks=asks, api=["models"])
    asks = [ask("model-router", "ALFRED_MODEL_ROUTER_URL", ProbeKind.HTTP, "/health")]
    core = spec_of("agent-core", [http(free_port())], asks=asks, api=["ask"])

    def url(port: int) -> str:
        return f"http://127.0.0.1:{port}"

    with (
        running.stand_in(registry),
        running.stand_in(router, {"MODEL_REGISTRY_URL": url(registry.ports[0].listen)}) as service,
        running.stand_in(core, {"ALFRED_MODEL_ROUTER_URL": url(router.ports[0].listen)}) as door,
        service.http() as client,
        door.http() as through_core,
    ):
        client.headers["x-core"] = str(through_core.base_url)
        yield client


def core(router: httpx.Client) -> str:
    return router.headers["x-core"].rstrip("/")


def test_models_are_listed_as_openai_does(router: httpx.Client) -> None:
    listed = router.get("/v1/models").json()
    assert listed["object"] == "list"
    assert [model["id"] for model in listed["data"]] == [MODEL]
    assert router.get(f"/v1/models/{MODEL}").json()["object"] == "model"


def test_three_answers_are_the_same_bytes(router: httpx.Client) -> None:
    answers = {router.post("/v1/chat/completions", json=ASKED).content for _ in range(3)}
    (answer,) = answers
    said = json.loads(answer)
    assert said["object"] == "chat.completion"
    assert said["choices"][0]["message"]["content"].endswith("2 words: two words")
    assert said["choices"][0]["finish_reason"] == "stop"
    assert said["usage"]["prompt_tokens"] == 2


@pytest.mark.parametrize("through", ["router", "core"])
def test_a_stream_says_the_same_in_pieces(router: httpx.Client, through: str) -> None:
    base = core(router) if through == "core" else ""
    body = {**ASKED, "stream": True, "stream_options": {"include_usage": True}}
    with router.stream("POST", f"{base}/v1/chat/completions", json=body) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        events = [line.removeprefix("data: ") for line in answer.iter_lines() if line]
    assert events[-1] == "[DONE]"
    chunks = [json.loads(event) for event in events[:-1]]
    text = "".join(c["choices"][0]["delta"].get("content", "") for c in chunks if c["choices"])
    assert text == reply(chat_of(json.dumps(ASKED).encode()))
    assert chunks[-1]["usage"]["total_tokens"] > 2


def test_core_passes_a_chat_on(router: httpx.Client) -> None:
    answer = router.post(f"{core(router)}/v1/chat/completions", json=ASKED)
    assert answer.json() == router.post("/v1/chat/completions", json=ASKED).json()


def test_a_router_without_its_registry_says_so() -> None:
    asks = [ask("model-registry", "MODEL_REGISTRY_URL", ProbeKind.HTTP, "/health")]
    spec = spec_of("model-router", [http(free_port())], asks=asks, api=["models"])
    told = {"MODEL_REGISTRY_URL": f"http://127.0.0.1:{free_port()}"}
    with running.stand_in(spec, told) as service, service.http() as client:
        answer = client.post("/v1/chat/completions", json=ASKED)
        assert answer.status_code == 503
        assert "model-registry:" in answer.json()["error"]["message"]


@given(st.binary() | st.text().map(lambda t: json.dumps({"messages": [{"role": t}]}).encode()))
def test_any_body_is_a_chat_or_refused(body: bytes) -> None:
    try:
        chat = chat_of(body)
    except RequestError as error:
        assert error.status == 400
    else:
        assert completion(chat)["choices"]


def test_content_may_come_in_parts() -> None:
    parts = [{"type": "text", "text": "hello"}, {"type": "image_url"}]
    chat = chat_of(json.dumps({"messages": [{"role": "user", "content": parts}]}).encode())
    assert "one word: hello" in reply(chat)
