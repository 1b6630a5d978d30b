import os
import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llava_vsd.errors import FileError, RowError
from llava_vsd.jsonl import Appender, read_rows, replacing, write_rows
from llava_vsd.schema import Conversation, Row, Triple

GOOD = (
    b'{"subject":"a","object":"b","relation":"on","subject_box":[0,1,0,1],"object_box":[0,1,0,1],"note":7}\n'
)


def test_a_reader_keeps_the_fields_that_it_does_not_know(tmp_path):
    (tmp_path / "rows.jsonl").write_bytes(GOOD + b"\n" + GOOD)
    rows = list(read_rows(tmp_path / "rows.jsonl", Triple))
    write_rows(tmp_path / "again.jsonl", rows)
    assert (tmp_path / "again.jsonl").read_bytes() == GOOD + GOOD


@pytest.mark.parametrize(
    ("line", "field", "says"),
    [
        (b"{", "", "invalid JSON"),
        (b"\xff\n", "", "invalid"),
        (b"[]\n", "", "object"),
        (GOOD.replace(b'"on"', b'"near"'), "relation", "input should be 'on', 'in', 'next to'"),
        (GOOD.replace(b'"object":"b",', b""), "object", "field required"),
        (GOOD.replace(b'"object_box":[0,1,0,1]', b'"object_box":[0,1,0]'), "object_box[3]", "field required"),
    ],
)
def test_a_fault_names_file_line_and_field(tmp_path, line, field, says):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(GOOD + b"\n" + line)
    with pytest.raises(RowError) as caught:
        list(read_rows(path, Triple))
    assert str(caught.value).startswith(f"{path}: line 3: ")
    assert caught.value.field == field
    assert says in caught.value.problem
    assert "\n" not in str(caught.value)


def test_missing_empty_and_folder_are_told_apart(tmp_path):
    (tmp_path / "empty.jsonl").write_text("\n")
    for path, says in [
        ("no.jsonl", "no such file"),
        ("empty.jsonl", "empty; expected one Triple"),
        (".", "cannot be read"),
    ]:
        with pytest.raises(FileError, match=says):
            list(read_rows(tmp_path / path, Triple))


def test_a_file_takes_its_name_only_when_whole(tmp_path):
    path = tmp_path / "deep" / "file.txt"
    with replacing(path) as file:
        file.write("old")

    def fail_after_writing():
        with replacing(path) as file:
            file.write("new")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_after_writing()
    assert [entry.name for entry in path.parent.iterdir()] == ["file.txt"]
    assert path.read_text() == "old"
    with pytest.raises(FileError, match="cannot be written"), replacing(path / "below"):
        pass


@given(cut=st.integers(0, 400), texts=st.lists(st.text(max_size=30), min_size=1, max_size=5))
def test_wherever_a_file_was_cut_appending_goes_on_after_the_last_whole_row(tmp_path_factory, cut, texts):
    path = tmp_path_factory.getbasetemp() / "append.jsonl"
    path.unlink(missing_ok=True)
    rows = [Row.model_validate({"text": text}) for text in texts]
    with Appender(path, Row, lambda row: None) as out:
        for row in rows:
            out.append(row)
    whole = path.read_bytes()
    path.write_bytes(whole[:cut])
    kept = []
    with Appender(path, Row, kept.append) as out:
        for row in rows[len(kept) :]:
            out.append(row)
    assert path.read_bytes() == whole
    assert kept == rows[: len(kept)]
    assert len(kept) == whole[:cut].count(b"\n")


def test_a_torn_line_longer_than_a_block_is_cut_too(tmp_path):
    path = tmp_path / "append.jsonl"
    path.write_bytes(b'{"a":1}\n{"b":"' + b"x" * 200_000)
    kept = []
    with Appender(path, Row, kept.append):
        pass
    assert path.read_bytes() == b'{"a":1}\n'
    path.write_bytes(b"y" * 200_000)
    with Appender(path, Row, kept.append):
        pass
    assert path.read_bytes() == b""


def test_a_whole_line_that_is_no_row_is_an_error_and_stays(tmp_path):
    path = tmp_path / "append.jsonl"
    path.write_bytes(b'{"id": 1}\n')
    with pytest.raises(RowError, match=r"line 1: id"):
        Appender(path, Conversation, lambda row: None)
    assert path.read_bytes() == b'{"id": 1}\n'


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # the child only writes
def test_a_kill_while_writing_leaves_the_old_file(tmp_path):
    path = tmp_path / "rows.jsonl"
    write_rows(path, [Row()])
    child = os.fork()
    if child == 0:
        with replacing(path) as file:
            file.write("half")
            file.flush()
            os.kill(os.getpid(), signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert path.read_text() == "{}\n"
