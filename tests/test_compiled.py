"""What numba keeps may be damaged, or cannot be kept: the functions work all the same, and heal what they can."""

import importlib.util
import sys

import pytest

pytest.importorskip("numba", reason="numba is not installed")

MODULE = """
from deblurbench.compiled import compiling

@compiling()
def twice(x):
    return 2 * x
"""


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """Gives the function anew, as another process would have it."""
    monkeypatch.setattr("numba.config.CACHE_DIR", "")  # so that it is kept beside the file
    file = tmp_path / "code.py"
    file.write_text(MODULE)

    def load():
        spec = importlib.util.spec_from_file_location("code_of_a_test", file)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.twice

    yield load
    sys.modules.pop("code_of_a_test", None)


def kept(tmp_path):
    return sorted(file for file in tmp_path.rglob("*.nb?"))


def test_the_second_process_compiles_nothing(fresh, tmp_path):
    assert fresh()(2) == 4
    assert [file.suffix for file in kept(tmp_path)] == [".nbc", ".nbi"]
    second = fresh()
    assert second(3) == 6
    assert list(second.stats.cache_hits.values()) == [1]


@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
@pytest.mark.parametrize("damage", [lambda data: b"", lambda data: data[:40], lambda data: b"what?" + data])
def test_what_is_damaged_is_compiled_anew_and_kept(fresh, tmp_path, suffix, damage):
    fresh()(2)
    for file in kept(tmp_path):
        if file.suffix == suffix:
            file.write_bytes(damage(file.read_bytes()))
    assert fresh()(3) == 6
    healed = fresh()
    assert healed(4) == 8
    assert list(healed.stats.cache_hits.values()) == [1]


def test_a_full_disk_is_no_error(fresh, monkeypatch):
    from numba.core.caching import IndexDataCacheFile

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(IndexDataCacheFile, "_open_for_write", full)
    assert fresh()(2) == 4


def test_without_any_folder_it_is_compiled_and_not_kept(fresh, tmp_path, monkeypatch):
    from numba.core.caching import FunctionCache

    monkeypatch.setattr(FunctionCache._impl_class, "_locator_classes", [])
    function = fresh()
    assert function(2) == 4
    assert not kept(tmp_path)
