import numpy as np
import pytest
from numba import njit
from numba.core import caching

from llava_vsd.metrics.spice.kernel import kernel, lowest_bit


@njit
def places(words):
    return [int(lowest_bit(word)) for word in words]


def test_the_lowest_bit_of_a_word():
    words = np.array([1, 2, 3 << 40, 1 << 63, (1 << 64) - 1], dtype=np.uint64)
    assert places(words) == [0, 1, 40, 63, 0]


def test_where_no_folder_can_be_written_functions_are_compiled_all_the_same(monkeypatch):
    def refuse(_):
        raise OSError("read-only file system")

    monkeypatch.setattr(caching._CacheLocator, "ensure_cache_path", refuse)

    def double(number: int) -> int:
        return 2 * number

    with pytest.raises(RuntimeError, match="no locator available"):
        njit(cache=True)(double)
    assert kernel(double)(21) == 42
