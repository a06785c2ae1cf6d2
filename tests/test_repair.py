"""What a finished dataset has lost is made again, or said to be lost for good; what is not ours is never cleared."""

import json

import pytest
from conftest import FOLDER, noise
from kill_kit import tree

from deblurbench.dataset.build import build, shard_jobs
from deblurbench.dataset.formats import files, find_format
from deblurbench.dataset.journal import JOURNAL, PLAN
from deblurbench.dataset.plan import make_plan
from deblurbench.dataset.reader import open_dataset
from deblurbench.dataset.recipe import read_recipe
from deblurbench.dataset.verify import verify
from deblurbench.errors import DatasetError, UsageError
from deblurbench.images.codec import write_png
from deblurbench.places import Place
from deblurbench.sources.deadleaves import DeadLeaves

MINE = FOLDER.replace('"gaussian", sigma = 1.0', '"box", width = 3')


@pytest.fixture
def plan(tiny_recipe):
    return make_plan(read_recipe(tiny_recipe))


PICTURES = {"png": "*/*/*.png", "qoi": "*/*/*.qoi", "lmdb": "*/data.mdb", "webdataset": "*.tar", "parquet": "*.parquet"}


@pytest.mark.parametrize("fmt", PICTURES)
def test_what_is_lost_is_made_again_and_nothing_else(plan, tmp_path, fmt):
    built = build(plan, tmp_path / "out", fmt=fmt, quiet=True)
    before = tree(built.path)
    pictures = sorted(built.path.glob(PICTURES[fmt]))
    lost = pictures[::3]
    others = {file: file.stat().st_mtime_ns for file in pictures if file not in lost}
    for file in lost:
        file.unlink()
    assert any(": missing" in problem for problem in verify(built.path, quiet=True))
    build(plan, tmp_path / "out", fmt=fmt, quiet=True)
    assert tree(built.path) == before
    assert verify(built.path, quiet=True) == []  # bytes too: of the other files, and of these as they are now
    assert verify(built.path, pixels=True, quiet=True) == []
    if fmt != "lmdb":  # its environments hold all photos
        same = sum(file.stat().st_mtime_ns == when for file, when in others.items())
        assert same >= len(others) - len(lost) * 3  # a photo's other pictures are made again with it


def test_sums_follow_an_encoder_that_has_changed(plan, tmp_path, monkeypatch):
    built = build(plan, tmp_path / "out", quiet=True)
    next(built.path.glob("train/sharp/*.png")).unlink()
    encode = files.encode
    monkeypatch.setattr(files, "encode", lambda picture, codec: encode(picture, codec) + b"\0")  # still the same pixels
    build(plan, tmp_path / "out", quiet=True)
    assert verify(built.path, quiet=True) == []


@pytest.mark.parametrize("fmt", ["png", "webdataset"])
def test_what_comes_out_otherwise_stays_lost(plan, tmp_path, monkeypatch, fmt):
    built = build(plan, tmp_path / "out", fmt=fmt, quiet=True)
    lost = sorted(built.path.glob(PICTURES[fmt]))[0]
    lost.unlink()
    with monkeypatch.context() as patch:
        patch.setattr(DeadLeaves, "read", lambda *_: noise(40, 48))  # as if a library had changed
        with pytest.raises(DatasetError, match="does not come out as its manifest says"):
            build(plan, tmp_path / "out", fmt=fmt, quiet=True)
    assert not lost.exists()
    assert open_dataset(tmp_path / "out").id == built.id
    build(plan, tmp_path / "out", fmt=fmt, quiet=True)
    assert verify(built.path, pixels=True, quiet=True) == []


def test_a_photo_that_cannot_be_read_any_more_is_not_passed_over(tmp_path):
    (tmp_path / "photos").mkdir()
    for i in range(3):
        write_png(tmp_path / "photos" / f"{i}.png", noise(9, 9, seed=i))
    recipe = tmp_path / "r.toml"
    recipe.write_text(MINE)
    plan = make_plan(read_recipe(recipe), tmp_path / "photos")
    built = build(plan, tmp_path / "out", quiet=True)
    next(built.path.glob("test/blur/1-*.png")).unlink()
    (tmp_path / "photos" / "1.png").write_text("no picture")  # after it was listed
    with pytest.raises(DatasetError, match="test/1-"):
        build(plan, tmp_path / "out", quiet=True)


def test_a_cleared_place_is_no_dataset_and_still_ours(plan, tiny, monkeypatch):
    removed = []

    def killed_at_the_second(self, name):
        removed.append(name)
        if len(removed) == 2:
            raise KeyboardInterrupt
        real(self, name)

    real = Place.remove
    with monkeypatch.context() as patch:
        patch.setattr(Place, "remove", killed_at_the_second)
        with pytest.raises(KeyboardInterrupt):
            build(plan, tiny.path, overwrite=True, quiet=True)
    assert removed[0] == "dataset.json"
    with pytest.raises(DatasetError, match="no finished dataset"):
        open_dataset(tiny.path)
    with pytest.raises(DatasetError, match="other settings"):
        build(plan, tiny.path, quiet=True)
    assert build(plan, tiny.path, overwrite=True, quiet=True).id == tiny.id
    assert not (tiny.path / JOURNAL).exists()


def test_a_foreign_file_at_a_url_is_never_cleared(plan):
    place = Place("memory://foreign/set")
    build(plan, place.url, fmt="webdataset", quiet=True)
    place.write_text("thesis.txt", "dear")
    with pytest.raises(UsageError, match=r"holds other files \(thesis.txt\)"):
        build(plan, place.url, fmt="webdataset", overwrite=True, quiet=True)
    assert place.read_text("thesis.txt") == "dear"
    assert place.exists("dataset.json")
    place.remove("thesis.txt")
    build(plan, place.url, fmt="parquet", overwrite=True, quiet=True)
    assert not [name for name in place.names() if name.endswith(".tar") or name.startswith(JOURNAL)]


def test_a_build_whose_shards_did_not_arrive_is_not_finished(plan, tmp_path, monkeypatch):
    """As where a worker elsewhere sees another folder of the same name."""
    monkeypatch.setattr("deblurbench.dataset.build.build_shard", lambda job: len(job.photos))
    with pytest.raises(DatasetError, match="all workers must see the same folder"):
        build(plan, tmp_path / "out", quiet=True)
    assert (tmp_path / "out" / PLAN).exists()
    assert not (tmp_path / "out" / "dataset.json").exists()


def test_jobs_mean_the_same_in_any_working_directory(tmp_path, monkeypatch):
    """Workers of a cluster have another one; `--out` and `--photos` are mostly relative."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    write_png(tmp_path / "photos" / "a.png", noise(9, 9))
    measured = '{ family = "measured", path = "k.npy", orientation = "as-is" }'
    blurs = [
        measured,
        '{ family = "box", width = 3, light = "crf:curve.npy" }',
        f'{{ family = "spatially-varying", rows = 1, columns = 2, blur = {measured} }}',
    ]
    (tmp_path / "r.toml").write_text(MINE.replace('{ family = "box", width = 3 }', ", ".join(blurs)))
    plan = make_plan(read_recipe(tmp_path / "r.toml"), photos=(tmp_path / "photos").relative_to(tmp_path))
    job = next(shard_jobs(plan, Place("data/out"), find_format("png"), "auto"))
    assert job.place.folder == tmp_path / "data/out"
    bank, box, varying = job.degradations
    assert (bank.blur.path, box.light) == (str(tmp_path / "k.npy"), f"crf:{tmp_path}/curve.npy")
    assert str(tmp_path / "k.npy") in repr(varying.blur)
    monkeypatch.chdir("/")
    assert job.photos[0].sharp.shape == (9, 9, 3)


def test_one_writer_stays_one_on_a_cluster(plan, tmp_path, monkeypatch):
    def never(*_, **__):
        raise AssertionError("LMDB was given to several workers")

    monkeypatch.setattr("deblurbench.dataset.build.run_jobs", never)
    built = build(plan, tmp_path / "out", fmt="lmdb", executor="dask", scheduler="tcp://host:1", quiet=True)
    assert verify(built.path, pixels=True, quiet=True) == []


def test_photos_and_dataset_never_lie_in_one_another(tmp_path, cli, plan):
    (tmp_path / "photos").mkdir()
    write_png(tmp_path / "photos" / "a.png", noise(9, 9))
    (tmp_path / "link").symlink_to(tmp_path / "photos")
    (tmp_path / "r.toml").write_text(MINE)
    before = sorted((tmp_path / "photos").rglob("*"))
    photos = f"sources.0.path={json.dumps(str(tmp_path / 'photos'))}"
    for out in ("photos", "photos/out", "link", "link/out", "."):
        for source in (["--photos", tmp_path / "photos"], ["--set", photos]):
            result = cli("build-dataset", tmp_path / "r.toml", "--out", tmp_path / out, *source)
            assert (result.code, "inside" in result.err) == (2, True), result.err
    assert sorted((tmp_path / "photos").rglob("*")) == before
    with pytest.raises(UsageError, match="lies inside the input"):
        build(make_plan(read_recipe(tmp_path / "r.toml", [photos])), tmp_path / "photos" / "x", quiet=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--engine", "fast"], "no engine 'fast'"),
        (["--executor", "dask"], "name it with --scheduler"),
        (["--scheduler", "tcp://host:1"], "give --executor dask"),
        (["--set", "splits.0.draw=3"], "there are 2 blurs to draw from"),
        (["--format", "gif"], "unknown format 'gif'"),
        (["--workers", str(10**20)], "not in the range"),
        (["--shard", "0/3"], "write I/N"),
        (["--shard", "4/3"], "write I/N"),
        (["--shard", "1/3/3"], "write I/N"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_written(tmp_path, tiny_recipe, cli, options, message):
    result = cli("build-dataset", tiny_recipe, "--out", tmp_path / "out", *options)
    assert result.code == 2
    assert message in result.err
    assert not (tmp_path / "out").exists()
