"""One recipe, one dataset id: whatever works, wherever it works, however the pictures lie, whenever it was killed."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import write_bmp

from deblurbench.dataset.build import build
from deblurbench.dataset.executors import run_jobs
from deblurbench.dataset.merge import merge
from deblurbench.dataset.plan import Part, make_plan
from deblurbench.dataset.reader import open_dataset
from deblurbench.dataset.rebuild import rebuild
from deblurbench.dataset.recipe import read_recipe
from deblurbench.dataset.verify import verify
from deblurbench.errors import DeblurbenchError, UsageError
from deblurbench.sources.deadleaves import draw

HEAD = """
schema = 1
name = "small"
version = 1
summary = "A recipe for tests."
seed = 5
[[sources]]
source = "deadleaves"
count = 6
size = "61x45"
scenes = { train = 1, test = 1 }
"""

FAMILIES = """
[[splits]]
name = "train"
blurs = [
    { family = "gaussian", sigma = [0.6, 3.0], sigma_y = 1.0, angle = [0.0, 180.0], light = "srgb" },
    { family = "gaussian-opencv", sigma = 1.2 },
    { family = "box", width = 4, height = 3 },
    { family = "defocus", radius = [1.0, 6.0], blades = 6, rotation = [0.0, 360.0] },
    { family = "linear-motion", length = [3.0, 31.0], angle = [0.0, 180.0], light = "gamma-2.2" },
    { family = "camera-shake", length = [20.0, 60.0], light = "srgb" },
    { family = "diffraction", size = 15 },
    { family = "spatially-varying", rows = 2, columns = 3, blur = { family = "camera-shake", length = 20.0 } },
]
[[splits]]
name = "test-mix"
draw = 1
blurs = [{ family = "defocus", radius = 3.0 }, { family = "camera-shake" }]
"""

CAMERA = """
[cameras.a7r3]
saturation = true
colour = "a7r3"
bayer = true
white_balance = true
noise = true
[[splits]]
name = "train"
blurs = [{ family = "linear-motion", length = 9.0, angle = 30.0, light = "srgb", camera = "a7r3" }]
[[splits]]
name = "test"
tiles = { size = "24x16", mode = "grid" }
blurs = [{ family = "defocus", radius = 2.0, camera = { noise = true } }]
"""

FRAMES = """
schema = 1
name = "frames"
version = 1
summary = "A recipe for tests."
seed = 5
[[sources]]
source = "frames"
window = [3, 5]
scenes = { train = 1, test = 1 }
[[splits]]
name = "train"
blurs = [{ family = "frame-average", light = "stored" }, { family = "frame-average", light = "gamma-2.2" }]
[[splits]]
name = "test"
blurs = [{ family = "frame-average", light = "srgb" }]
"""

# The hash of every pixel of three recipes: a change here is a change of the promise.
IDS = {
    "families": "cc7e5c7e1c7b37ec137828f891ce8186bdcf1eea9064a1fa97fd7addfbf05fe9",
    "camera": "6323c8054504277428aa923f532420d4e3878dba6fc364f13bc19ece0fb457b0",
    "frames": "acc98a82d3ef69da8f79f2eab3a6f0f8d87f1a134ac5a7169e2f5d97515613ec",
}


@pytest.fixture(scope="module")
def frames(tmp_path_factory):
    """Two videos as folders: a window that moves over a drawn picture."""
    root = tmp_path_factory.mktemp("frames")
    for scene in range(4):
        large = draw(9, scene, 60, 90)
        for i in range(11):
            file = root / f"scene{scene}" / f"{i}.bmp"  # 10 comes after 9
            file.parent.mkdir(exist_ok=True)
            write_bmp(file, large[i : i + 40, 2 * i : 2 * i + 60])
    return root


@pytest.fixture
def plan_of(tmp_path, frames):
    """The plan of one of the three recipes, or of a part of it."""

    def plan(name, part=None):
        text = {"families": HEAD + FAMILIES, "camera": HEAD + CAMERA, "frames": FRAMES}[name]
        (tmp_path / f"{name}.toml").write_text(text)
        photos = frames if name == "frames" else None
        return make_plan(read_recipe(tmp_path / f"{name}.toml"), photos, part=part)

    return plan


@pytest.mark.parametrize("name", IDS)
@pytest.mark.parametrize(
    "how",
    [
        {"workers": 1, "engine": "numpy"},
        {"workers": 2, "engine": "scipy"},
        {"workers": 4, "engine": "opencv"},
        {"engine": "torch"},
        {"fmt": "qoi"},
        {"fmt": "npy", "engine": "auto"},
        {"fmt": "webdataset", "workers": 2},
        {"fmt": "parquet"},
        {"fmt": "lmdb", "workers": 2},
    ],
    ids=lambda how: "-".join(map(str, how.values())),
)
def test_the_id_depends_on_the_recipe_alone(plan_of, tmp_path, name, how):
    built = build(plan_of(name), tmp_path / "out", quiet=True, **how)
    assert built.id == IDS[name]
    assert verify(tmp_path / "out", pixels=True, quiet=True) == []


@pytest.mark.parametrize("name", IDS)
@pytest.mark.parametrize("fmt", ["png", "webdataset", "lmdb"])
def test_parts_merge_to_the_whole(plan_of, tmp_path, name, fmt):
    parts = [tmp_path / f"part{i}" for i in (1, 2, 3)]
    for i, part in enumerate(parts, 1):
        build(plan_of(name, Part(i, 3)), part, fmt=fmt, quiet=True)
    merged = merge(parts, tmp_path / "merged", quiet=True)
    whole = build(plan_of(name), tmp_path / "whole", fmt=fmt, quiet=True)
    assert merged.id == whole.id == IDS[name]
    assert verify(tmp_path / "merged", pixels=True, quiet=True) == []
    assert merged.splits == whole.splits
    assert list(merged.records()) == list(whole.records())


def test_parts_that_do_not_fit_are_refused(plan_of, tmp_path):
    one = tmp_path / "one"
    build(plan_of("camera", Part(1, 2)), one, quiet=True)
    with pytest.raises(UsageError, match=r"the part 2/2 is missing"):
        merge([one], tmp_path / "out", quiet=True)
    with pytest.raises(UsageError, match=r"the part 2/2 is missing"):
        merge([one, one], tmp_path / "out", quiet=True)
    build(plan_of("families", Part(2, 2)), tmp_path / "two", quiet=True)
    with pytest.raises(UsageError, match=r"of another build"):
        merge([one, tmp_path / "two"], tmp_path / "out", quiet=True)
    build(plan_of("camera"), tmp_path / "whole", quiet=True)
    with pytest.raises(UsageError, match=r"no part of one"):
        merge([tmp_path / "whole"], tmp_path / "out", quiet=True)
    with pytest.raises(UsageError, match=r"lies inside"):
        merge([one], one / "out", quiet=True)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", IDS)
def test_rebuilding_proves_it_and_finds_a_lie(plan_of, tmp_path, frames, name):
    built = build(plan_of(name), tmp_path / "out", quiet=True)
    photos = frames if name == "frames" else None
    count = sum(built.splits.values())
    assert rebuild(tmp_path / "out", count, photos, quiet=True) == []
    manifest = tmp_path / "out" / "manifest.jsonl"
    lines = manifest.read_text().splitlines()
    record = next(built.records())
    lines[0] = lines[0].replace(record.blur_sha256, "0" * 64)
    manifest.write_text("\n".join(lines) + "\n")
    assert rebuild(tmp_path / "out", count, photos, quiet=True) == [
        f"{record.pair}: the blurred picture comes out otherwise"
    ]


def test_rebuilding_needs_the_photos(plan_of, tmp_path, frames, cli):
    build(plan_of("frames"), tmp_path / "out", quiet=True)
    result = cli("verify-dataset", tmp_path / "out", "--rebuild", 2)
    assert result.code == 2
    assert "--photos" in result.err
    lost = tmp_path / "fewer"
    shutil.copytree(frames, lost)
    shutil.rmtree(lost / "scene0")
    result = cli("verify-dataset", tmp_path / "out", "--rebuild", 99, "--photos", lost)
    assert result.code == 1
    assert "its photo is not there: say --photos" in result.out


def a_cluster(distributed, workers):
    """A cluster on free ports: left to itself it asks for the one of its page, which another test may hold."""
    return distributed.LocalCluster(
        n_workers=workers, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0"
    )


def test_a_dask_cluster_gives_the_same(plan_of, tmp_path):
    distributed = pytest.importorskip("distributed")
    with a_cluster(distributed, workers=2) as cluster:
        for name in ("camera", "families"):
            built = build(
                plan_of(name), tmp_path / name, executor="dask", scheduler=cluster.scheduler_address, quiet=True
            )
            assert built.id == IDS[name]
    with pytest.raises(UsageError, match="no Dask scheduler answers"):
        build(plan_of("camera"), tmp_path / "x", executor="dask", scheduler="tcp://127.0.0.1:9", quiet=True)
    with pytest.raises(UsageError, match="name it with --scheduler"):
        build(plan_of("camera"), tmp_path / "y", executor="dask", quiet=True)


def lose_connection(job):
    """As where a cluster's network fails."""
    raise ConnectionResetError(f"while it did {job}\nand more")


def test_a_cluster_that_fails_is_an_error_for_people():
    distributed = pytest.importorskip("distributed")
    with a_cluster(distributed, workers=1) as cluster:
        jobs = run_jobs(lose_connection, ["a task"], executor="dask", scheduler=cluster.scheduler_address)
        with pytest.raises(DeblurbenchError, match=r"failed \(ConnectionResetError: while it did a task\): look"):
            list(jobs)


@pytest.mark.parametrize("fmt", ["webdataset", "parquet", "lmdb", "npy"])
def test_an_unfinished_build_of_any_format_goes_on(plan_of, tmp_path, monkeypatch, fmt):
    calls = []

    def fail_at_the_third(*arguments, **keywords):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*arguments, **keywords)

    from deblurbench.dataset import shot

    real = shot.expose
    monkeypatch.setattr(shot, "expose", fail_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        build(plan_of("camera"), tmp_path / "out", fmt=fmt, quiet=True)
    assert not (tmp_path / "out" / "dataset.json").exists()
    built = build(plan_of("camera"), tmp_path / "out", fmt=fmt, quiet=True)
    assert built.id == IDS["camera"]
    assert verify(tmp_path / "out", pixels=True, quiet=True) == []


@pytest.mark.parametrize("fmt", ["webdataset", "parquet"])
def test_a_url_will_do(plan_of, fmt):
    built = build(plan_of("camera"), f"memory://sets/{fmt}", fmt=fmt, quiet=True)
    assert built.id == IDS["camera"]
    assert verify(f"memory://sets/{fmt}", pixels=True, quiet=True) == []
    assert build(plan_of("camera"), f"memory://sets/{fmt}", fmt=fmt, quiet=True).id == built.id
    records = list(open_dataset(f"memory://sets/{fmt}").records())
    assert np.array_equal(built.read(records[0], "sharp").shape[2:], (3,))


def test_picture_files_need_a_folder(plan_of):
    with pytest.raises(UsageError, match="png needs a local folder"):
        build(plan_of("camera"), "memory://sets/png", quiet=True)


def test_frames_become_the_layout_of_gopro(plan_of, tmp_path):
    built = build(plan_of("frames"), tmp_path / "out", fmt="gopro", quiet=True)
    assert built.id == IDS["frames"]
    folders = sorted(p.relative_to(tmp_path / "out").as_posix() for p in Path(tmp_path / "out").glob("train/*/*"))
    assert {folder.rpartition("/")[2] for folder in folders} == {"blur", "blur_gamma", "sharp"}
    assert verify(tmp_path / "out", pixels=True, quiet=True) == []


def test_two_pairs_never_share_a_file(frames, tmp_path):
    (tmp_path / "twice.toml").write_text(FRAMES.replace("gamma-2.2", "stored"))
    plan = make_plan(read_recipe(tmp_path / "twice.toml"), frames)
    with pytest.raises(UsageError, match="cannot hold both"):
        build(plan, tmp_path / "out", fmt="gopro", quiet=True)
    assert not (tmp_path / "out" / "dataset.json").exists()


def test_what_a_recipe_reads_is_part_of_its_plan(tmp_path):
    """Another kernel under the same name is another dataset: an unfinished build never mixes them."""
    text = (
        HEAD
        + f"""
[[splits]]
name = "train"
blurs = [
    {{ family = "measured", path = "{tmp_path}/k.npy", orientation = "as-is" }},
    {{ family = "box", width = 3, light = "crf:{tmp_path}/curve.npy" }},
]
"""
    )
    (tmp_path / "r.toml").write_text(text)
    hashes = set()
    for size, power in ((3, 2.0), (5, 2.0), (5, 1.8)):
        np.save(tmp_path / "k.npy", np.ones((size, size)))
        np.save(tmp_path / "curve.npy", np.linspace(0, 1, 256) ** power)
        hashes.add(make_plan(read_recipe(tmp_path / "r.toml")).hash())
    assert len(hashes) == 3
    built = build(make_plan(read_recipe(tmp_path / "r.toml")), tmp_path / "out", quiet=True)
    blurs = [record.blur for record in built.records()]
    assert {blur["light"] for blur in blurs} == {"stored", "crf:curve.npy"}
    assert all(len(blur["curve"]) == 64 for blur in blurs if "curve" in blur)
    assert str(tmp_path) not in (tmp_path / "out" / "manifest.jsonl").read_text()
    (tmp_path / "k.npy").write_bytes(b"no kernel")
    with pytest.raises(DeblurbenchError, match=r"k\.npy"):
        build(make_plan(read_recipe(tmp_path / "r.toml")), tmp_path / "other", quiet=True)
    assert not (tmp_path / "other").exists()
