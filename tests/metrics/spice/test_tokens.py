"""The tokenizer against CoreNLP's output, against rules of the Penn Treebank, and under random text."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llava_vsd.metrics.spice.tokens import sentences, tokens


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # contractions and possessives
        ("it isn't the dog's", "it is n't the dog 's"),
        ("we've they'll I'm she'd you're .", "we 've they 'll I 'm she 'd you 're ."),
        ("It’s isn’t", "It 's is n't"),
        ("cannot gonna Wanna lemme", "can not gon na Wan na lem me"),
        ("'tis 'twas y'all", "'t is 't was y' all"),
        ("the dogs' bowl", "the dogs ' bowl"),
        ("rock'n'roll o'clock D'Angelo ma'am", "rock 'n' roll o'clock D'Angelo ma'am"),
        ("the '90s tell 'em", "the '90s tell 'em"),
        ("it'sin", "it ` sin"),
        # full stops
        ("Mr. and Dr. Who on St. James", "Mr. and Dr. Who on St. James"),
        ("cups etc. The end", "cups etc. . The end"),
        ("cups, plates, etc.", "cups , plates , etc. ."),
        ("at 10 a.m. in D.C. on Monday", "at 10 a.m. in D.C. on Monday"),
        ("at 10 a.m. The dog", "at 10 a.m. . The dog"),
        ("U.S.A. flag", "U.S.A. flag"),
        ("no. 5 or no. It", "no. 5 or no . It"),
        ("the cat sat.", "the cat sat ."),
        ("the dog.The cat", "the dog.The cat"),
        ("sinks., and", "sinks. , and"),
        # numbers
        ("1,000 dogs, 3.5 cats at 10:30", "1,000 dogs , 3.5 cats at 10:30"),
        ("$20 €7 £5 5¢ 50%", "$ 20 $ 7 # 5 5 cents 50 %"),
        ("1/2 ½ 50/50 21st 2nd 3x4", "1/2 1/2 50/50 21st 2nd 3x4"),
        ("in 2020-01-01 or -5", "in 2020-01-01 or -5"),
        ("6'2\" tall", "6 ' 2 '' tall"),
        # joined words
        ("left-of mother-in-law and/or t-shirt/hoodie", "left-of mother-in-law and/or t-shirt/hoodie"),
        ("pre- and anti- -ing", "pre - and anti- - ing"),
        ("_under_ a_b", "_ under _ a_b"),
        ("AT&T and a & b", "AT&T and a & b"),
        ("C++ and C#", "C++ and C#"),
        # addresses and tags
        (
            "see http://a.com/b?c=d, www.x.org or me@x.org.",
            "see http://a.com/b?c=d , www.x.org or me@x.org .",
        ),
        ("#hashtag @user #1", "#hashtag @user # 1"),
        ("<b>bold</b> &amp; 1 < 2", "<b> bold </b> & 1 < 2"),
        (":-) ok ;) ok", ":--RRB- ok ;-RRB- ok"),
        # quotes, dashes, dots, brackets
        ('"it" “quoted” ‘single’', "`` it '' `` quoted '' ` single '"),
        ("a – b — c -- d - e", "a -- b -- c -- d - e"),
        ("wait... what…  well . . .", "wait ... what ... well ..."),
        ("(a) [b] {c}", "-LRB- a -RRB- -LSB- b -RSB- -LCB- c -RCB-"),
        ("what?! no!!!", "what ?! no !!!"),
        # other scripts; what gives no token
        ("café naïve 日本 مرحبا", "café naïve 日本 مرحبا"),
        ("hand😀bag \x07 a\u200b b", "hand bag a b"),
        ("25° ×2 →", "25 ° × 2 →"),
        ("", ""),
        (" \t\n ", ""),
    ],
)
def test_tokens(text: str, expected: str) -> None:
    assert " ".join(tokens(text)) == expected


def test_a_blank_inside_a_token_does_not_break() -> None:
    assert tokens("1 1/2 cups (555) 123-4567") == ["1\u00a01/2", "cups", "-LRB-555-RRB-\u00a0123-4567"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A cat. A dog! yes", ["A cat .", "A dog !", "yes"]),
        ('He said "no." Then (it ended.) So', ["He said `` no . ''", "Then -LRB- it ended . -RRB-", "So"]),
        ("wait... what\nnext", ["wait ... what next"]),
        ("etc. The end", ["etc. .", "The end"]),
        (".) .", [". -RRB-", "."]),
        ("", []),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert [" ".join(sentence) for sentence in sentences(text)] == expected


def test_odd_strings_as_the_original_splits_them(reference: Any) -> None:
    rows = reference.jsonl("oracle/tokens_odd.jsonl.gz")
    assert len(rows) == 4000
    assert [row["raw"] for row in rows if sentences(row["raw"]) != row["corenlp"]] == []


@pytest.mark.parametrize("name", ["raw_val", "raw_coco_a", "val", "coco_a"])
def test_captions_as_the_original_splits_them(reference: Any, name: str) -> None:
    rows = reference.jsonl(f"oracle/spice/parses_{name}.jsonl.gz")[::5]  # the benchmark takes all
    assert len(rows) > 1900
    for row in rows:
        assert sentences(row["c"]) == [[word[0] for word in sentence] for sentence in row["s"]]


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
def test_any_text_gives_tokens_without_blanks(text: str) -> None:
    found = tokens(text)
    assert all(token and not set(token) & set(" \t\n\r") for token in found)
    assert [token for sentence in sentences(text) for token in sentence] == [
        token.replace("’", "'") for token in found
    ]


@given(st.text(alphabet="abcAI059'.,-/_@#$&:;=?! \n", max_size=40))
def test_no_letter_or_digit_is_lost_or_moved(text: str) -> None:
    assert [c for token in tokens(text) for c in token if c.isalnum()] == [c for c in text if c.isalnum()]


@given(st.text(alphabet="abI1'.-@ \n(\"", max_size=30), st.integers(0, 30), st.integers(0, 30))
def test_a_part_of_a_text_ends_where_it_is_told(text: str, start: int, length: int) -> None:
    lines = [text[:start].replace("\n", " "), text[start : start + length].replace("\n", " ")]
    joined = "\n".join([*lines, ""])
    assert tokens(joined, 0, len(lines[0])) + tokens(joined, len(lines[0]) + 1) == tokens(joined)


@pytest.mark.parametrize(
    "unit", ["a", "a.", "1-", "a,1;", "'a", '"', "@", "a@", "http://.", "<a", ". ", "½a:", "a@@."]
)
def test_long_texts_without_blanks_take_time_in_proportion(unit: str) -> None:
    text = unit * (20_000 // len(unit))
    began = time.process_time()
    tokens(text)
    assert time.process_time() - began < 2  # about 0.2 s; quadratic rules took minutes
