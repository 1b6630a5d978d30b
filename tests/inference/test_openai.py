"""The engine against servers that can much, little, or misbehave; `chat` and `faults` are in conftest.py."""

import base64
import io
import json
import logging
import time

import httpx
import pytest
from PIL import Image

from llava_vsd.cli import main
from llava_vsd.data.images import ImageStore
from llava_vsd.data.probes import GREY, probed
from llava_vsd.data.prompts import TEMPLATES
from llava_vsd.data.web import Patience
from llava_vsd.errors import FileError, ServerError, UsageError
from llava_vsd.inference.openai import Asking, OpenAI, parse_body
from llava_vsd.jsonl import read_rows, write_rows
from llava_vsd.predict import Run, load_engine
from llava_vsd.relations import RELATIONS
from llava_vsd.schema import Item, Prediction

QUICK = Patience(tries=4, first=0.01, longest=0.02, obey=5, connect=5, read=5)
BLIND = Asking(pictures=False, patience=QUICK)


def make(count, triples=1):
    boxes = {"subject_box": (1, 2, 3, 4), "object_box": (0, 9, 0, 9)}
    return [
        Item.model_validate(
            {
                "id": f"i{n}",
                "image": f"{n}",
                "triples": [
                    {"subject": f"cup {n}.{k}", "object": "table", "relation": "on", **boxes}
                    for k in range(triples)
                ],
            }
        )
        for n in range(count)
    ]


def engine(chat, asking=BLIND, images=None, model="#tiny"):
    return OpenAI(f"{chat.url}{model}", images, asking)


def questions(chat):
    """The text of each request's last question."""
    contents = [body["messages"][-1]["content"] for body in chat.requests]
    return [one if isinstance(one, str) else one[-1]["text"] for one in contents]


# --- what is asked, and what becomes of it ---


def test_an_item_is_asked_for_each_triple_and_each_task_with_the_first_templates(chat):
    (item,) = make(1, triples=2)
    (said,) = engine(chat).predict([item])
    first = {task: templates[0] for task, templates in TEMPLATES.items()}
    options = ", ".join(RELATIONS)
    names = {"subject": "cup 0.0", "object": "table", "options": options}
    asked = questions(chat)
    assert first["classify"].format(**names) in asked
    assert first["classify"].format(**names | {"subject": "cup 0.1"}) in asked
    assert asked[-2:] == [first["describe"].format(**names), first["diversify"].format(**names)]
    assert {(body["model"], body["temperature"]) for body in chat.requests} == {("tiny", 0)}
    assert [(one.subject, one.object) for one in said.relations] == [
        ("cup 0.0", "table"),
        ("cup 0.1", "table"),
    ]
    assert (said.id, said.image, said.model) == ("i0", "0", "openai:tiny")
    assert said.description == "a cup on a table."
    assert said.descriptions == ["a cup on a table.", "the table", "it holds a cup"]
    assert said.raw["description"] == "a cup on a table.\nthe table\nit holds a cup"


@pytest.mark.parametrize("form", ["structured_outputs", "guided_choice", "response_format"])
@pytest.mark.parametrize("ignores", [True, False])
def test_all_nine_probabilities_come_from_a_server_that_holds_the_answer(chat, form, ignores):
    chat.obeys, chat.ignores = {form}, ignores
    one = engine(chat)
    assert (one.form, one.has_scores) == (form, True)
    (said,) = one.predict(make(1))
    assert said.relations[0].relation == "on"
    assert said.relations[0].scores == pytest.approx(chat.table, abs=1e-5)
    narrowed = [
        body for body in chat.requests if "to the left of" not in json.dumps(body.get(form)) and form in body
    ]
    assert len(narrowed) == 1  # in, in front of; the last two labels were divided by a narrowed question too
    assert len(chat.requests) == 5


def test_the_likeliest_of_nine_wins_over_the_path_that_was_taken(chat):
    """Greedy over words goes where left and right together are likely; behind alone is likelier than each."""
    chat.table = dict.fromkeys(RELATIONS, 0.0001) | {
        "behind": 0.4,
        "to the left of": 0.3,
        "to the right of": 0.29,
    }
    chat.generate = lambda labels, head, tail, real=chat.generate: (
        real([one for one in labels if one.startswith("to")] or labels, head, tail)
        if len(labels) < 9
        else greedy(chat, labels)
    )
    (said,) = engine(chat).predict(make(1))
    assert said.raw["relations"] == [["to the left of"]]
    assert said.relations[0].relation == "behind"


def greedy(chat, labels):
    return "to the left of", {
        "content": [
            entry("to", {"to": 0.5901, "behind": 0.4, "on": 0.0099}),
            entry(" the", {" the": 1.0}),
            entry(" left", {" left": 0.51, " right": 0.49}),
        ]
    }


def entry(text, shares):
    import math

    ranked = [{"token": word, "logprob": math.log(share)} for word, share in shares.items()]
    return {"token": text, "logprob": math.log(shares[text]), "top_logprobs": ranked}


def test_without_the_end_of_an_answer_in_and_in_front_of_stay_one_and_there_are_no_scores(chat):
    chat.reports_end = False
    (said,) = engine(chat).predict(make(1))
    assert (said.relations[0].relation, said.relations[0].scores) == ("on", {})


GARBAGE = [
    {"content": None},
    {"content": "on"},
    {"content": [{"token": "on", "logprob": -0.1, "top_logprobs": None}]},
    {"content": [{"token": "on", "logprob": "-0.1", "top_logprobs": []}]},
    {"content": [{"token": 7, "logprob": -0.1, "top_logprobs": [{"token": 7, "logprob": -0.1}]}]},
    {"content": [[{"token": "on", "logprob": -0.1, "top_logprobs": []}]]},
    {
        "tokens": ["on"],
        "token_logprobs": [-0.1],
        "top_logprobs": [{"on": -0.1}],
    },  # of completions, not of chat
    ["on"],
    "on",
]


@pytest.mark.parametrize("garbage", GARBAGE, ids=repr)
def test_a_report_of_another_form_costs_one_answer_its_scores(chat, faults, garbage):
    one = engine(chat)
    assert (one.has_scores, one.remark) == (True, "")
    answer = json.dumps(faults.completion("behind", garbage)).encode()
    chat.faults.append(faults.body(answer))
    said = sorted(one.predict(make(2)), key=lambda row: bool(row.relations[0].scores))
    assert (said[0].relations[0].relation, said[0].relations[0].scores) == ("behind", {})
    assert said[1].relations[0].scores == pytest.approx(chat.table, abs=1e-5)


def test_a_server_whose_reports_all_have_another_form_is_told_of(chat, tmp_path, capsys):
    chat.generate = lambda labels, head, tail: (max(labels, key=chat.table.__getitem__), GARBAGE[2])
    one = engine(chat)
    assert not one.has_scores
    assert one.remark == (
        "openai:tiny: it reports token probabilities in a form that is not known: "
        '{"content": [{"token": "on", "logprob": -0.1, "top_logprobs": null}]}; answers have no scores'
    )
    (said,) = one.predict(make(1))
    assert (said.relations[0].relation, said.relations[0].scores) == ("on", {})
    write_rows(tmp_path / "items.jsonl", make(1))
    with pytest.raises(SystemExit) as ended:
        main(
            [
                *("predict", f"{tmp_path}/items.jsonl", "--model", f"openai:{chat.url}#tiny"),
                *("--no-images", "-o", f"{tmp_path}/out.jsonl"),
            ]
        )
    assert ended.value.code == 0
    assert capsys.readouterr().err == f"vsd: {one.remark}\n"


def test_a_server_that_can_neither_is_read_tolerantly(chat):
    chat.obeys, chat.scores = set(), False
    chat.says = lambda body: "Based on the image, the cup is **behind** the table."
    one = engine(chat)
    assert (one.form, one.has_scores) == ("text", False)
    (said,) = one.predict(make(1))
    assert (said.relations[0].relation, said.relations[0].scores) == ("behind", {})
    assert all("logprobs" not in body for body in chat.requests)


@pytest.mark.parametrize(("second", "relation"), [("in", "in"), ("no idea", None)])
def test_who_names_no_relation_is_asked_once_more(chat, second, relation):
    chat.obeys = set()
    chat.says = lambda body: second if len(body["messages"]) == 3 else "It is hard to tell."
    (said,) = engine(chat).predict(make(1))
    assert said.relations[0].relation == relation
    assert said.raw["relations"] == [["It is hard to tell.", second]]
    assert [one["role"] for one in chat.requests[1]["messages"]] == ["user", "assistant", "user"]
    assert len(chat.requests) == 4


def test_what_the_user_names_must_be_obeyed(chat):
    assert engine(chat, Asking(pictures=False, choice="text")).form == "text"
    with pytest.raises(
        ServerError, match=r"does not obey --choice guided_choice: answers 422 .*Unexpected field"
    ):
        engine(chat, Asking(pictures=False, choice="guided_choice"))
    chat.ignores = True
    with pytest.raises(ServerError, match="does not obey --choice guided_choice: answered 'a cup on a table"):
        engine(chat, Asking(pictures=False, choice="guided_choice"))
    with pytest.raises(UsageError, match="choice: 'magic', expected one of auto, structured_outputs"):
        engine(chat, Asking(pictures=False, choice="magic"))


def test_further_fields_and_the_number_of_tokens_are_passed_on(chat):
    body = parse_body('{"top_k": 1, "temperature": null}')
    one = engine(chat, Asking(pictures=False, body=body, max_tokens=7, template=2, patience=QUICK))
    list(one.predict(make(1)))
    assert {(sent["top_k"], sent["max_tokens"], "temperature" in sent) for sent in chat.requests} == {
        (1, 7, False)
    }
    assert questions(chat)[-1] == TEMPLATES["diversify"][2].format(subject="cup 0.0", object="table")
    assert one.settings["template"] == 2
    for wrong in ("[1]", "{", "3"):
        with pytest.raises(UsageError, match="expected a JSON object"):
            parse_body(wrong)
    with pytest.raises(UsageError, match="template: 99, expected 0 to 8"):
        engine(chat, Asking(pictures=False, template=99))


def test_the_model_need_not_be_named_where_there_is_one(chat, monkeypatch):
    assert engine(chat, model="").model == "tiny"
    monkeypatch.setattr(
        "llava_vsd.inference.server.Server.get", lambda self, path: {"data": [{"id": "a"}, {"id": "b"}]}
    )
    with pytest.raises(UsageError, match=r"has 2 models \(a, b\); expected URL#MODEL"):
        engine(chat, model="")


# --- pictures ---


@pytest.fixture
def pictures(tmp_path):
    for number in range(3):
        picture = Image.new("RGB", (40, 20), (200, 10 * number, 0))
        picture.paste((0, 0, 255), (0, 0, 10, 20))
        picture.save(tmp_path / f"{number}.png")
    return tmp_path


def shown(body):
    """The picture of a request, decoded, and the kind that its URI names."""
    part = body["messages"][0]["content"][0]
    assert part["type"] == "image_url"
    head, _, data = part["image_url"]["url"].partition(";base64,")
    content = base64.b64decode(data, validate=True)
    return head.removeprefix("data:"), content, Image.open(io.BytesIO(content))


def test_every_question_comes_behind_its_picture_as_the_file_is(chat, pictures):
    list(engine(chat, Asking(patience=QUICK), ImageStore(pictures)).predict(make(1)))
    for body in chat.requests:
        kind, content, _ = shown(body)
        assert (kind, content) == ("image/png", (pictures / "0.png").read_bytes())
        assert body["messages"][0]["content"][1]["type"] == "text"


def test_probes_show_mirrored_and_grey_pictures_of_the_same_size(chat, pictures):
    one = engine(chat, Asking(patience=QUICK), ImageStore(pictures))
    (item,) = make(1)
    said = list(one.predict([probed(item, "mirror"), probed(item, "blank"), probed(item, "swap")]))
    assert [answer.probe for answer in said] == ["mirror", "blank", "swap"]
    found = {}
    for body in chat.requests:
        _, _, picture = shown(body)
        assert picture.size == (40, 20)
        found.setdefault((picture.getpixel((0, 0)), picture.getpixel((39, 0))), picture)
    assert set(found) == {((200, 0, 0), (0, 0, 255)), (GREY, GREY), ((0, 0, 255), (200, 0, 0))}
    assert found[GREY, GREY].getcolors() == [(800, GREY)]


def test_pictures_are_shrunk_or_made_anew_only_where_needed(chat, pictures):
    Image.new("P", (40, 20)).save(pictures / "1.gif")
    (pictures / "1.gif").rename(
        pictures / "1.png"
    )  # as some files of SpatialSense: another format than the name says
    Image.new("RGB", (12, 6)).save(pictures / "2.jpg")
    (pictures / "2.png").unlink()
    list(engine(chat, Asking(max_side=16, at_once=1, patience=QUICK), ImageStore(pictures)).predict(make(3)))
    seen = {}
    for body in chat.requests:
        name = questions(chat)[chat.requests.index(body)].split("cup ")[1][0]
        kind, content, picture = shown(body)
        seen[name] = (kind, picture.size, content == (pictures / "2.jpg").read_bytes())
    assert seen == {
        "0": ("image/png", (16, 8), False),
        "1": ("image/png", (16, 8), False),
        "2": ("image/jpeg", (12, 6), True),
    }


def test_pictures_are_wanted_and_a_broken_one_is_named(chat, pictures):
    with pytest.raises(UsageError, match="no pictures to show; expected --images DIR, or --no-images"):
        engine(chat, Asking())
    (pictures / "1.png").write_bytes((pictures / "1.png").read_bytes()[:50])
    one = engine(chat, Asking(patience=QUICK, max_side=16), ImageStore(pictures))
    predictions = one.predict(make(3))
    assert next(predictions).id == "i0"
    with pytest.raises(FileError, match=r"1\.png: image 1 cannot be decoded"):
        next(predictions)


# --- a server that misbehaves ---


def test_every_passing_fault_is_outlived_and_the_order_kept(chat, faults):
    items = make(12)
    chat.faults.extend(
        [
            faults.drop, None, faults.half, faults.garbage, None, faults.status(500), faults.status(502),
            faults.status(503), faults.status(429, Retry_After="0"), faults.status(429, Retry_After="soon"),
            faults.body(b"<html>"), faults.body(b'{"choices": []}'), faults.body(b'{"error": {"message": "oops"}}'),
            faults.body(b'{"choices": [{"message": "on"}]}'), faults.body(b"[]"), None, None, faults.status(408),
        ]
    )  # fmt: skip
    patient = Patience(tries=20, first=0.001, longest=0.002, obey=5, read=5)
    said = list(engine(chat, Asking(pictures=False, patience=patient, at_once=3)).predict(items))
    assert [one.id for one in said] == [item.id for item in items]
    assert {one.relations[0].relation for one in said} == {"on"}
    assert not chat.faults
    assert chat.most <= 3


def test_as_many_requests_as_allowed_are_under_way_and_the_slow_first_one_holds_up_nobody(chat, faults):
    chat.delay = 0.01
    one = engine(chat, Asking(pictures=False, at_once=4, patience=QUICK))
    chat.faults.append(lambda handler: (time.sleep(0.3), faults.send(handler, 200, faults.completion("on"))))
    begun = []

    def told(items):
        for item in items:
            begun.append(item.id)
            yield item

    predictions = one.predict(told(make(60)))
    assert next(predictions).id == "i0"
    assert chat.most == 4
    assert 12 <= len(begun) <= 20  # items are taken a little ahead only, not all 60
    assert [said.id for said in predictions] == [f"i{n}" for n in range(1, 60)]


def test_a_retry_after_is_honoured_by_all_requests(chat, faults):
    chat.faults.append(faults.status(429, "slow down", Retry_After="1"))
    one = engine(chat, Asking(pictures=False, at_once=1, patience=QUICK))
    start = time.monotonic()
    list(one.predict(make(2)))
    assert time.monotonic() - start >= 1


def test_a_wait_beyond_patience_ends_the_run(chat, faults):
    chat.faults.append(faults.status(429, "quota used up", Retry_After="3600"))
    with pytest.raises(
        ServerError,
        match=r"item i0: relation of triple 0: answers 429 .*: quota used up; try again in 3600 s",
    ):
        list(engine(chat).predict(make(1)))


def test_who_fails_again_and_again_is_given_up_with_the_last_reason(chat, faults):
    chat.faults.extend([faults.drop, faults.drop, faults.drop, faults.status(503, "warming up")])
    with pytest.raises(ServerError, match=r"item i0: .*answers 503 .*: warming up \(4 failures in a row\)"):
        list(engine(chat).predict(make(1)))
    chat.faults.extend([faults.slow(0.4)] * 2)
    hasty = Patience(tries=2, first=0.01, read=0.1)
    with pytest.raises(ServerError, match=r"no answer within 0.1 s \(2 failures in a row\)"):
        list(engine(chat, Asking(pictures=False, patience=hasty)).predict(make(1)))


def test_a_refusal_is_not_tried_again_and_names_item_task_and_message_in_one_line(chat, faults):
    items = make(3)
    chat.faults.extend([None] * 5 + [faults.status(400, "the picture\nis too   large")])
    chat.scores = False
    one = engine(chat, Asking(pictures=False, at_once=1, patience=QUICK))
    with pytest.raises(ServerError) as caught:
        list(one.predict(items))
    assert str(caught.value) == (
        f"{chat.url}: item i1: three sentences: answers 400 Bad Request: the picture is too large"
    )
    assert chat.requests.count(chat.requests[5]) == 1


def test_an_answer_cut_off_before_it_began_is_an_error(chat, faults):
    chat.faults.extend([faults.body(json.dumps(faults.completion("", finish="length")).encode())])
    with pytest.raises(
        ServerError, match="cut off before it began; a model that thinks first needs more --max-tokens"
    ):
        list(engine(chat).predict(make(1)))


def test_what_came_before_a_fault_is_kept_and_the_run_goes_on_from_there(chat, faults, tmp_path):
    items, path = make(6), tmp_path / "out.jsonl"
    one = engine(chat, Asking(pictures=False, at_once=1, patience=QUICK))
    chat.faults.extend([None] * 12 + [faults.status(400)])
    with Run(items, one, path) as run, pytest.raises(ServerError):
        list(run)
    kept = [row.id for row in read_rows(path, Prediction)]
    assert kept == [item.id for item in items][: len(kept)]
    assert 1 <= len(kept) < 6
    with Run(items, one, path) as run:
        assert run.done == len(kept)
        list(run)
    assert [row.id for row in read_rows(path, Prediction)] == [item.id for item in items]


def test_a_server_that_is_not_there_and_wrong_addresses(chat):
    gone = Asking(pictures=False, patience=Patience(tries=2, first=0.01))
    with pytest.raises(ServerError, match=r"127.0.0.1:9/v1: .*2 failures in a row"):
        OpenAI("http://127.0.0.1:9/v1#m", None, gone)
    for wrong in (
        "localhost:8000/v1",
        "ftp://host/v1",
        "http://",
        "http://host/v1?key=1",
        "http://[1/v1",
        "http://host:99999/v1",
    ):
        with pytest.raises(UsageError, match="expected an address such as"):
            load_engine(f"openai:{wrong}#m", asking=BLIND)
    with pytest.raises(
        ServerError, match=r"answers 404 .*\(most servers want /v1 at the end of the address\)"
    ):
        OpenAI(f"{chat.url.removesuffix('/v1')}/other#m", None, BLIND) if _not_found(chat) else None


def _not_found(chat):
    chat.answer = lambda body: (404, {"detail": "Not Found"})
    return True


# --- the key ---

KEY = "sk-very-secret-0123456789"


def test_the_key_comes_from_the_environment_and_shows_nowhere(
    chat, faults, monkeypatch, tmp_path, capsys, caplog
):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("MY_KEY", KEY)
    write_rows(tmp_path / "items.jsonl", make(2))
    command = [
        "predict",
        f"{tmp_path}/items.jsonl",
        "--model",
        f"openai:{chat.url}#tiny",
        "--no-images",
        "--key",
        "MY_KEY",
    ]
    with pytest.raises(SystemExit) as exit_:
        main([*command, "-o", f"{tmp_path}/out.jsonl"])
    assert exit_.value.code == 0
    assert {headers["Authorization"] for headers in chat.headers} == {f"Bearer {KEY}"}
    chat.faults.append(faults.status(401, f"Incorrect API key provided: {KEY}"))
    with pytest.raises(SystemExit) as exit_:
        main([*command, "-o", f"{tmp_path}/other.jsonl"])
    printed = capsys.readouterr()
    assert exit_.value.code == 1
    assert "Incorrect API key provided: [key]" in printed.err
    assert printed.err.count("\n") == 1
    everything = (
        printed.out + printed.err + caplog.text + "".join(path.read_text() for path in tmp_path.iterdir())
    )
    assert "secret" not in everything


@pytest.mark.parametrize("before", [40, 60, 70, 165, 180, 280])
def test_nor_does_a_key_show_that_what_is_shown_would_cut_in_two(chat, faults, monkeypatch, before):
    """A server that sends the key back, at any place of an answer that is too long to be shown whole."""
    monkeypatch.setenv("MY_KEY", KEY)
    asking = Asking(pictures=False, key="MY_KEY", patience=Patience(tries=1, first=0, longest=0))
    echo = " ".join(["x" * before, KEY, "y" * 200])
    one = engine(chat, asking)
    for body in (echo, json.dumps({"told": echo})):
        chat.faults.append(faults.body(body.encode()))
        with pytest.raises(ServerError, match=r"answer.* JSON") as told:
            list(one.predict(make(1)))
        assert KEY[:4] not in str(told.value)
    chat.generate = lambda labels, head, tail: (max(labels, key=chat.table.__getitem__), {"told": echo})
    one = engine(chat, asking)
    assert "form that is not known" in one.remark
    assert KEY[:4] not in one.remark


def test_the_common_key_goes_only_where_it_is_safe(chat, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    list(engine(chat).predict(make(1)))
    assert chat.headers[0]["Authorization"] == f"Bearer {KEY}"  # this machine
    from llava_vsd.inference.server import Server

    assert Server("https://api.example.com/v1").has_key
    assert not Server("http://example.com/v1").has_key
    monkeypatch.setenv("MY_KEY", "other")
    assert Server("http://example.com/v1", key="MY_KEY").has_key
    with pytest.raises(UsageError, match="the environment has no NO_KEY"):
        Server("http://example.com/v1", key="NO_KEY")
    with pytest.raises(UsageError, match="expected a key in the environment") as caught:
        Server("http://user:hidden@example.com/v1")
    assert "hidden" not in str(caught.value)


def test_without_a_key_a_refusal_says_so(chat, faults, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    chat.faults.append(faults.status(401, "no key"))
    with pytest.raises(ServerError, match=r"answers 401 .*: no key \(no key was sent; --key names"):
        list(engine(chat).predict(make(1)))


def test_other_words_of_a_question_are_other_settings(chat, monkeypatch):
    before = engine(chat).settings
    assert engine(chat).settings == before
    monkeypatch.setitem(TEMPLATES, "describe", ("Where is the {subject}, seen from the {object}?",))
    assert engine(chat).settings != before


def test_settings_hold_neither_address_nor_key(chat, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    text = json.dumps(engine(chat).settings) + engine(chat).name
    assert KEY not in text
    assert "127.0.0.1" not in text


def test_the_server_of_the_tests_is_a_server(chat):
    assert httpx.get(f"{chat.url}/models").json() == {"data": [{"id": "tiny"}]}
