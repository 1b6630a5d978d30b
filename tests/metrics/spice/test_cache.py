import os
import signal
import threading

import pytest

from llava_vsd.metrics.spice.cache import Cache, CacheError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "cache.sqlite"


def test_what_was_put_is_found_again_for_the_same_pipeline_alone(path):
    tuples = {"a cat": [("cat",), ("cat", "tall")], "“杯” \x00 \ud800": [("cat", "on", "mat")], "": []}
    with Cache(path, "original 1") as cache:
        cache.put(tuples)
    with Cache(path, "original 1") as again, Cache(path, "captions 1") as other:
        assert again.get(["a cat", "a dog", "“杯” \x00 \ud800", ""]) == tuples
        assert other.get(tuples) == {}


def test_many_captions_are_asked_for_at_once(path):
    tuples = {f"caption {number}": [(f"{number}",)] for number in range(2_345)}
    with Cache(path, "p") as cache:
        cache.put(tuples)
        assert cache.get(tuples) == tuples


def test_two_writers_lose_nothing(path):
    def write(name):
        with Cache(path, "p") as cache:
            for number in range(60):
                cache.put({f"{name} {number}": [(name,)]})

    threads = [threading.Thread(target=write, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    captions = [f"{name} {number}" for name in "abc" for number in range(60)]
    with Cache(path, "p") as cache:
        assert len(cache.get(captions)) == 180


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # the child only writes
def test_a_killed_writer_leaves_whole_batches(path):
    Cache(path, "p").close()
    child = os.fork()
    if child == 0:
        cache = Cache(path, "p")
        batch = 0
        while True:
            cache.put({f"{batch}/{number}": [("x",)] for number in range(50)})
            batch += 1
            if batch == 20:
                os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    with Cache(path, "p") as cache:
        found = [len(cache.get([f"{batch}/{number}" for number in range(50)])) for batch in range(30)]
        assert found == [50] * 20 + [0] * 10
        cache.put({"on": [("y",)]})


def test_a_file_that_is_no_cache_is_refused(tmp_path):
    (tmp_path / "text.sqlite").write_text("hello, this is no database at all " * 40)
    with pytest.raises(CacheError, match=r"text.sqlite: cannot be used as a parse cache"):
        Cache(tmp_path / "text.sqlite", "p")
    with pytest.raises(CacheError, match="cannot be used"):
        Cache(tmp_path / "text.sqlite" / "below", "p")
