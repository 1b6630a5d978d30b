import gzip
import importlib.util
from pathlib import Path

import pytest

from llava_vsd.metrics.spice.synonyms import TABLE

ROOT = Path(__file__).resolve().parents[2]
INSTALLED = Path("/usr/share/wordnet")  # where Debian's wordnet-base puts it


@pytest.fixture
def recipe():
    spec = importlib.util.spec_from_file_location("recipe_synonyms", ROOT / "recipes" / "synonyms.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_folder(folder: Path, first: str) -> None:
    """A WordNet of two verbs and a noun; the offset of the second verb is the length of the first one's entry."""
    second = len(first) + 1
    files = {
        "data.verb": f"{first}\n{second:08d} 31 v 01 jump 0 | leap\n",
        "index.verb": f"  1 The notice\n  2   \nrun v 1 0 1 0 00000000  \njump v 1 0 1 0 {second:08d}  \n",
        "index.noun": "  1 The notice\n  2   \nrun n 2 0 2 1 00000007 00000009  \n",
        "verb.exc": "ran run\n",
        "noun.exc": "axes ax axis\n",
        "adj.exc": "axes axe\n",
    }
    for pos in ("noun", "verb", "adj", "adv"):
        for name in (f"data.{pos}", f"index.{pos}", f"{pos}.exc"):
            (folder / name).write_text(files.get(name, ""))


def test_all_parts_of_speech_share_a_lemma_and_a_corrected_entry_moves_what_follows_back(
    recipe, tmp_path, monkeypatch
):
    original = "00000000 31 v 01 run 0 | move fast"
    monkeypatch.setattr(recipe, "CORRECTED", {"verb": ((0, len(original) + 1),)})
    tables = []
    for number, entry in enumerate((original, original + "er than walking", original[:-5])):
        folder = tmp_path / str(number)
        folder.mkdir()
        write_folder(folder, entry)
        tables.append(recipe.read_synsets(folder))
    assert tables[0] == {"run": {0, 7, 9}, "jump": {len(original) + 1}}
    assert tables[1] == tables[2] == tables[0]
    assert recipe.table(tables[0]) == f"jump {len(original) + 1}\nrun 0 7 9\n"
    assert recipe.read_exceptions(folder) == {"ran": {"run"}, "axes": {"ax", "axis", "axe"}}
    assert recipe.read_notice(folder) == "The notice\n\n"


def test_what_is_no_wordnet_is_refused_by_one_line(recipe, tmp_path, monkeypatch):
    write_folder(tmp_path, "00000000 31 v 01 run 0 | move fast")
    monkeypatch.setattr(recipe, "CORRECTED", {})
    for folder, content, says in [
        (tmp_path, b"run\n", "not WordNet 3.0"),
        (tmp_path, b"r\xfcn n 1 0 1 0 00000007\n", "not WordNet 3.0: 'ascii' codec"),
        (tmp_path / "index.noun", b"", "Not a directory"),
        (tmp_path / "absent", b"", "missing; the folder must hold"),
    ]:
        (tmp_path / "index.noun").write_bytes(content)
        monkeypatch.setattr("sys.argv", ["synonyms.py", str(folder), "-o", str(tmp_path / "out")])
        with pytest.raises(SystemExit, match=says):
            recipe.main()


def test_another_wordnet_is_refused(recipe, tmp_path, monkeypatch, capsys):
    write_folder(tmp_path, "00000000 31 v 01 run 0 | move fast")
    monkeypatch.setattr("sys.argv", ["synonyms.py", str(tmp_path), "-o", str(tmp_path / "out")])
    with pytest.raises(SystemExit, match=r"data\.verb: not WordNet 3\.0: no synset at offset 612841"):
        recipe.main()
    monkeypatch.setattr(recipe, "CORRECTED", {})
    with pytest.raises(SystemExit, match=r"synsets\.txt\.gz: not written: the folder is not WordNet 3\.0"):
        recipe.main()
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.skipif(
    not INSTALLED.exists(), reason=f"{INSTALLED} is absent (Debian: apt install wordnet-base)"
)
def test_the_recipe_makes_the_tables_that_ship(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["synonyms.py", str(INSTALLED), "-o", str(tmp_path)])
    recipe.main()
    for name in ("synsets.txt.gz", "exceptions.txt.gz"):
        assert gzip.decompress((tmp_path / name).read_bytes()) == gzip.decompress((TABLE / name).read_bytes())
    assert (tmp_path / "LICENSE").read_bytes() == (TABLE / "LICENSE").read_bytes()
