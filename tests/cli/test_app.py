import os
import subprocess
import sys

import pytest

from llava_vsd import __version__
from llava_vsd.cli import main
from llava_vsd.errors import FileError, RowError, UsageError, VsdError


def run(*arguments):
    with pytest.raises(SystemExit) as exit_:
        main(list(arguments))
    return exit_.value.code


def test_help_loads_nothing_heavy():
    """So that `vsd --help` answers in well under half a second; benchmarks/startup.py measures it."""
    code = (
        "import sys\nfrom llava_vsd.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'numpy', 'scipy', 'sklearn', 'pydantic', 'numba', 'httpx', 'PIL', 'torch', 'rich', 'yaml'}\n"
        "print('loaded:', sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "build" in result.stdout
    assert result.stderr.strip() == "loaded: []"


def test_version_and_unknown_command(capsys):
    assert run("--version") == 0
    assert capsys.readouterr().out.strip() == f"llava-vsd {__version__}"
    assert run("fly") == 2
    assert "fly" in capsys.readouterr().err


def test_every_command_explains_itself_with_an_example(capsys):
    import llava_vsd.cli.app as app

    for name in app.COMMANDS:
        assert run(name, "--help") == 0
        text = capsys.readouterr().out
        assert "Example" in text or "Commands" in text, name


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["build", "--v1", "no_val.json", "-o", "x"], 1, "vsd: no_val.json: no such file"),
        (["build", "-o", "x"], 2, "vsd: no VSD file; expected --v1 FILE, --v2 FILE or both"),
        (["build", "--v1", "val.json"], 2, "vsd: nothing to do"),
    ],
)
def test_an_error_is_one_line_on_stderr(tmp_path, monkeypatch, capsys, arguments, code, says):
    monkeypatch.chdir(tmp_path)
    assert run(*arguments) == code
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(says)
    assert printed.err.count("\n") == 1


def test_all_errors_are_of_one_family():
    assert str(RowError("f.json", "entry 3", "p", "bad")) == "f.json: entry 3: p: bad"
    assert str(RowError("f.json", "entry 3", "", "bad")) == "f.json: entry 3: bad"
    assert str(FileError("f.json", "empty")) == "f.json: empty"
    assert issubclass(RowError, VsdError)
    assert (VsdError.exit_code, UsageError.exit_code) == (1, 2)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs the device /dev/full")
@pytest.mark.parametrize(("unbuffered", "code"), [("", 0), ("1", 1)])  # the 1 is typer's own
def test_a_full_disk_is_one_line_and_a_closed_pipe_none(unbuffered, code):
    command = [sys.executable, "-c", "from llava_vsd.cli import main; main()", "--version"]
    environment = os.environ | {"PYTHONUNBUFFERED": unbuffered}
    with open("/dev/full", "w") as full:
        result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, env=environment)
    assert (result.returncode, result.stderr) == (1, "vsd: output: No space left on device\n")
    reader, writer = os.pipe()
    os.close(reader)
    result = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, env=environment)
    os.close(writer)
    assert (result.returncode, result.stderr) == (code, "")


WITHOUT_MODELS = """
import importlib.util, sys
ABSENT = {"torch", "transformers", "peft", "accelerate", "safetensors", "gguf", "tokenizers"}
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ABSENT:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
own = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name in ABSENT else own(name, package)
sys.meta_path.insert(0, Absent())
from llava_vsd.cli import main
main(sys.argv[1:])
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "run.yaml"],
        ["train", "run.yaml", "--dry-run"],
        ["assemble", "-o", "small"],
        ["merge", "adapter", "-o", "merged"],
    ],
    ids=lambda arguments: " ".join(arguments[::2]),
)
def test_without_the_extra_a_command_of_models_says_what_to_install(tmp_path, arguments):
    (tmp_path / "run.yaml").write_text("model: m\noutput: out\nstages: [{data: [x.jsonl]}]\n")
    result = subprocess.run(
        [sys.executable, "-c", WITHOUT_MODELS, *arguments], capture_output=True, text=True, cwd=tmp_path
    )
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr == (
        "vsd: work with a model needs packages that are not installed; expected: pip install 'llava-vsd[model]'\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["run.yaml"]
