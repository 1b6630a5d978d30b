import pytest

from llava_vsd.errors import ServerError, UsageError
from llava_vsd.inference.openai_text import OpenAIText
from llava_vsd.inference.text import Sampling
from llava_vsd.refine.completions import Completions
from llava_vsd.refine.models import load_text_model
from llava_vsd.refine.prompt import EXAMPLES, TASK, prompt
from llava_vsd.refine.rewrite import Refiner
from llava_vsd.schema import Prediction

ROW = {
    "id": "a", "image": "1", "model": "m", "description": "",
    "relations": [{"subject": "cup", "object": "table", "relation": "on"}],
    "descriptions": ["cup on table.", "a cup is on a table.", "there is a cup on a table."],
}  # fmt: skip


def test_a_server_rewrites_and_texts_come_back_in_order(chat):
    chat.says = lambda body: f" {body['messages'][-1]['content']}! "
    model = load_text_model(f"openai:{chat.url}#tiny")
    prompts = [prompt(f"sentence {place}") for place in range(20)]
    assert model.complete(prompts, Sampling(), range(20)) == [f"sentence {place}!" for place in range(20)]
    assert len(chat.requests) == 20
    body = next(one for one in chat.requests if one["messages"][-1]["content"] == "sentence 3")
    assert [turn["role"] for turn in body["messages"]] == [
        "system",
        *["user", "assistant"] * len(EXAMPLES),
        "user",
    ]
    assert body["messages"][0]["content"] == TASK
    assert {name: body[name] for name in body if name != "messages"} == {
        "model": "tiny", "temperature": 0.0, "max_tokens": 48,
    }  # fmt: skip
    model.complete(prompts[:1], Sampling(temperature=0.8, top_p=0.9), [(1 << 40) + 7])
    drawn = chat.requests[-1]
    assert (drawn["temperature"], drawn["top_p"], drawn["seed"]) == (0.8, 0.9, 7)


def test_the_only_model_of_a_server_is_found(chat):
    assert OpenAIText(chat.url).name == "openai:tiny"


def test_rows_are_refined_by_a_server(chat):
    chat.says = lambda body: "the cup rests upon the table."
    refiner = Refiner(Completions(OpenAIText(f"{chat.url}#tiny")))
    (found,) = refiner.refine([Prediction.model_validate(ROW)], [0])
    assert found.descriptions[2] == "the cup rests upon the table."
    assert (found.refinement.outcome, found.refinement.model) == ("model", "openai:tiny")


def test_a_server_that_refuses_is_named_with_the_sentence(chat):
    def refuse(handler):
        handler.send_response(404)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    chat.faults.append(refuse)
    with pytest.raises(ServerError, match=r"'a cup is on a table\.': .*404"):
        OpenAIText(f"{chat.url}#tiny").complete([prompt("a cup is on a table.")], Sampling(), [0])
    with pytest.raises(UsageError, match="expected an address"):
        OpenAIText("nowhere#tiny")
