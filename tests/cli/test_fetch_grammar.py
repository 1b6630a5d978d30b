import json
import shutil

import pytest

from llava_vsd.cli import main
from llava_vsd.metrics.spice.locate import kept_grammar


@pytest.fixture
def vsd(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LLAVA_VSD_CACHE", str(tmp_path / "cache"))

    def run(*arguments):
        with pytest.raises(SystemExit) as exit_:
            main([str(argument) for argument in arguments])
        return exit_.value.code, capsys.readouterr()

    return run


def test_the_original_grammar_is_found_in_a_folder_and_kept(vsd, reference, tmp_path):
    (tmp_path / "deep").mkdir()
    shutil.copy(reference.path("oracle/spice/englishPCFG.ser.gz"), tmp_path / "deep" / "englishPCFG.ser.gz")
    code, printed = vsd("fetch", "spice-grammar", "--from", tmp_path, "--json")
    assert code == 0
    assert json.loads(printed.out) == {"name": "spice-grammar", "path": str(kept_grammar())}
    assert kept_grammar().exists()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["spice-grammar", "--from", "nowhere"], 1, "nowhere: cannot be read"),
        (["spice-grammar", "vg", "--to", "x"], 2, "spice-grammar is fetched by itself"),
        (["spice-grammar", "--to", "x"], 2, "spice-grammar is fetched by itself"),
        (["spice-grammar", "--url", "http://x.invalid"], 2, "no option but --from and --json"),
        (["nope", "--to", "x"], 2, "known are vsdv1, vsdv2, vg, spatialsense, spice-grammar"),
        (["vg"], 2, "no folder to fetch to; expected --to DIR"),
    ],
)
def test_a_wrong_call_is_one_line(vsd, tmp_path, monkeypatch, arguments, code, says):
    monkeypatch.chdir(tmp_path)
    found, printed = vsd("fetch", *arguments)
    assert found == code
    assert says in printed.err
    assert printed.err.count("\n") == 1
    assert not kept_grammar().exists()
