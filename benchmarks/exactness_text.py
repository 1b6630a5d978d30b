"""Agreement of tokens and caption scores with the original programs, on every reference file as a whole.

    LLAVA_VSD_SHARED=FOLDER python benchmarks/exactness_text.py    # FOLDER holds oracle/

Without the variable the folder is `shared` beside the checkout. Takes about a quarter of a minute.
"""

from __future__ import annotations

import gzip
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from llava_vsd.metrics.bleu import corpus_bleu, sentence_bleu
from llava_vsd.metrics.cider import corpus_cider
from llava_vsd.metrics.ptb import PUNCTUATION, tokenize
from llava_vsd.metrics.rouge import corpus_rouge_l
from llava_vsd.metrics.spice.tokens import sentences

ROOT = Path(__file__).resolve().parent.parent
ORACLE = Path(os.environ.get("LLAVA_VSD_SHARED", ROOT.parent / "shared")) / "oracle"


def read(name: str) -> Any:
    """Reads a JSON file of the folder."""
    with gzip.open(ORACLE / name, "rt", encoding="utf-8") as file:
        return json.load(file)


def rows(name: str) -> Iterator[Any]:
    """Reads the rows of a JSON-lines file of the folder."""
    with gzip.open(ORACLE / name, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def report(what: str, equal: int, total: int, note: str = "") -> None:
    """Prints one line of agreement."""
    print(f"{what:52} {equal:7,} of {total:7,} equal  {100 * equal / total:7.3f} %  {note}")


def timed_tokenize(captions: list[str]) -> tuple[list[str], str]:
    """Tokenizes and says how fast."""
    began = time.process_time()
    found = tokenize(captions)
    seconds = time.process_time() - began
    return found, f"{sum(len(text.split()) for text in found) / seconds:,.0f} tokens/s"


def odd_strings() -> None:
    """Both forms of the odd strings; prints those that differ."""
    odd = list(rows("tokens_odd.jsonl.gz"))
    found, speed = timed_tokenize([row["raw"] for row in odd])
    report(
        "ptb, odd strings", sum(a == row["ptb"] for a, row in zip(found, odd, strict=True)), len(odd), speed
    )
    report(
        "SPICE sentences, odd strings", sum(sentences(row["raw"]) == row["corenlp"] for row in odd), len(odd)
    )
    for ours, row in zip(found, odd, strict=True):
        if ours != row["ptb"] or sentences(row["raw"]) != row["corenlp"]:
            print(f"    {row['raw']!r}")


def ptb_lines() -> None:
    """Lines of the tokenizer's own input and output."""
    captions = (ORACLE / "spice/ptb_in.txt").read_text(encoding="utf-8").split("\n")
    lines = (ORACLE / "spice/ptb_out.txt").read_text(encoding="utf-8").split("\n")
    expected = [
        " ".join(word for word in line.split(" ") if word and word not in PUNCTUATION) for line in lines
    ]
    found = tokenize(captions)
    report("ptb, ptb_in.txt", sum(a == b for a, b in zip(found, expected, strict=True)), len(lines))


def spice_sentences() -> None:
    """Sentences of every parsed caption."""
    names = ["parses_raw_val", "parses_raw_coco_a", "parses_val", "parses_coco_a"]
    names += [f"train_coco_trees_{part}" for part in (0, 1, 2)]
    names += [f"train_vsd_like_trees_{part}" for part in (0, 1)]
    for name in names:
        equal = total = 0
        for row in rows(f"spice/{name}.jsonl.gz"):
            total += 1
            equal += sentences(row["c"]) == [[word[0] for word in sentence] for sentence in row["s"]]
        report(f"SPICE sentences, {name}", equal, total)


def caption_scores(name: str) -> None:
    """Tokens, then BLEU, ROUGE-L and CIDEr from these tokens, of one set of pairs."""
    golden, pairs = read(f"cocoeval_{name}.json.gz"), read(f"pairs_{name}.json.gz")
    found, speed = timed_tokenize(list(golden["tokens"]))
    expected = golden["tokens"].values()
    report(f"ptb, {name}", sum(a == b for a, b in zip(found, expected, strict=True)), len(found), speed)
    ours = dict(zip(golden["tokens"], found, strict=True))
    candidates = [ours[item["test"]] for item in pairs]
    references = [[ours[text] for text in item["refs"]] for item in pairs]
    gaps = [
        abs(sentence_bleu(one, theirs)[-1] - golden["bleu4"][item["image_id"]])
        for item, one, theirs in zip(pairs, candidates, references, strict=True)
    ]
    equal = sum(gap <= 1e-9 for gap in gaps)
    report(f"BLEU-4 of items, {name} (1e-9)", equal, len(gaps), f"largest gap {max(gaps):.1e}")
    corpus = {f"Bleu_{n}": score for n, score in enumerate(corpus_bleu(candidates, references), start=1)}
    corpus["ROUGE_L"] = corpus_rouge_l(candidates, references)
    corpus["CIDEr"] = corpus_cider(candidates, references)
    for key, score in corpus.items():
        theirs = golden["corpus"][key]
        print(f"    {key:8} {score:.12f}  original {theirs:.12f}  gap {abs(score - theirs):.1e}")


if __name__ == "__main__":
    odd_strings()
    ptb_lines()
    spice_sentences()
    for name in ("val", "coco_a"):
        caption_scores(name)
