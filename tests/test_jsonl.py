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


def test_a_long_torn_line_is_cut_too(tmp_path):
    path = tmp_path / "append.jsonl"
    for whole in (b'{"a":1}\n', b""):
        path.write_bytes(whole + b'{"b":"' + b"x" * 200_000)
        with Appender(path, Row, lambda row: None):
            pass
        assert path.read_bytes() == whole


@pytest.mark.parametrize(
    "content", [b"dear diary", b'{\n  "items": 5}', b'{"id":1}\n{"id', GOOD + b"\xff\xd8 a picture"]
)
def test_a_file_that_is_no_beginning_of_such_rows_is_not_cut(tmp_path, content):
    path = tmp_path / "append.jsonl"
    path.write_bytes(content)
    with pytest.raises(RowError):
        Appender(path, Conversation, lambda row: None)
    assert path.read_bytes() == content


def test_a_torn_line_stays_where_the_rows_before_it_are_refused(tmp_path):
    path = tmp_path / "append.jsonl"
    path.write_bytes(GOOD + GOOD[:30])

    def refuse(row):
        raise RuntimeError

    with pytest.raises(RuntimeError):
        Appender(path, Triple, refuse)
    assert path.read_bytes() == GOOD + GOOD[:30]


def test_windows_line_ends_and_a_byte_order_mark_do_no_harm(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + (GOOD + GOOD).replace(b"\n", b"\r\n"))
    assert [row.subject for row in read_rows(path, Triple)] == ["a", "a"]


def test_another_form_of_json_is_told_what_was_expected(tmp_path):
    path = tmp_path / "list.json"
    path.write_bytes(b"[\n" + GOOD + b"]\n")
    with pytest.raises(RowError) as caught:
        list(read_rows(path, Triple))
    assert "at column 1; expected one Triple a line" in caught.value.problem


def test_a_whole_line_that_is_no_row_is_an_error_and_stays(tmp_path):
    path = tmp_path / "append.jsonl"
    path.write_bytes(b'{"id": 1}\n')
    with pytest.raises(RowError, match=r"line 1: id"):
        Appender(path, Conversation, lambda row: None)
    assert path.read_bytes() == b'{"id": 1}\n'


def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path):
    """As `-o /dev/stdout` and `-o /dev/null` need it."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with replacing(pipe) as file:
        file.write("through")
    assert os.read(reader, 100) == b"through"
    os.close(reader)
    assert [entry.name for entry in tmp_path.iterdir()] == ["pipe"]
    assert pipe.is_fifo()
    with pytest.raises(FileError, match="is a pipe or device"):
        Appender(pipe, Row, lambda row: None)


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "link.txt").symlink_to(tmp_path / "data" / "file.txt")
    for text in ("new", "newer"):
        with replacing(tmp_path / "link.txt") as file:
            file.write(text)
        assert (tmp_path / "data" / "file.txt").read_text() == text
    assert (tmp_path / "link.txt").is_symlink()


@pytest.mark.parametrize(
    ("path", "says"), [("folder", "Is a directory"), ("a/b/c", "a folder above it is a file")]
)
def test_what_cannot_be_written_is_an_error_that_names_it(tmp_path, path, says):
    (tmp_path / "folder").mkdir()
    (tmp_path / "a").write_text("")
    with pytest.raises(FileError, match=says), replacing(tmp_path / path):
        pass
    with pytest.raises(FileError, match=says):
        Appender(tmp_path / path, Row, lambda row: None)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a", "folder"]


def test_a_disk_that_takes_no_more_is_an_error_that_names_the_file(tmp_path):
    """A limit on the size of files stands for the full disk."""
    resource = pytest.importorskip("resource")
    path = tmp_path / "rows.jsonl"
    with Appender(path, Row, lambda row: None) as out:
        out.append(Row())
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        with pytest.raises(FileError, match=r"rows\.jsonl: cannot be written: File too large"):
            write_rows(path, [Row.model_validate({"text": "x" * 200})])
        with Appender(path, Row, lambda row: None) as out, pytest.raises(FileError, match="File too large"):
            out.append(Row.model_validate({"text": "x" * 200}))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [entry.name for entry in tmp_path.iterdir()] == ["rows.jsonl"]
    kept = []
    with Appender(path, Row, kept.append):
        assert kept == [Row()]
    assert path.read_bytes() == b"{}\n"


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
