"""The feed on the device: every crop equals, bit for bit, that of the built pair."""

import itertools
from contextlib import closing

import numpy as np
import pytest
import torch
from conftest import noise

from deblurbench.blur.convolve import convolve
from deblurbench.blur.kernel import quantise
from deblurbench.dataset.build import build
from deblurbench.dataset.plan import make_plan
from deblurbench.dataset.recipe import read_recipe
from deblurbench.errors import DatasetError, PictureError, RunError
from deblurbench.images.codec import read_rgb, write_png
from deblurbench_baselines.data import device_crops, exactness
from deblurbench_baselines.data.crop_kernel import SAME, CropKernel
from deblurbench_baselines.data.crops import CropSource
from deblurbench_baselines.data.device import DeviceFeed
from deblurbench_baselines.data.device_crops import DeviceCrops
from deblurbench_baselines.data.frames import Wanted, pack, read_pictures
from deblurbench_baselines.data.host_crops import HostCrops, loops
from deblurbench_baselines.data.memory import MemoryFeed
from deblurbench_baselines.data.pairs import Pair
from deblurbench_baselines.data.sampler import Crop, cut

END = (1 << 32) - 1
CPU = torch.device("cpu")
SIZES = [(40, 33), (24, 24), (29, 64), (24, 25)]
REMADE = [
    '{ family = "gaussian-opencv", size = 7, sigma = 1.0 }',
    '{ family = "gaussian-opencv", sigma = [0.4, 2.5] }',
    '{ family = "gaussian", sigma = 9.0 }',  # 73 taps: more than any picture here has pixels
    '{ family = "defocus", radius = 3.3 }',
    '{ family = "linear-motion", length = 40, angle = 33 }',
    '{ family = "camera-shake" }',
    '{ family = "defocus", radius = 2.5, light = "gamma-2.2" }',
    '{ family = "gaussian", sigma = 0.9, light = "srgb" }',
]
KEPT = [
    '{ family = "spatially-varying", rows = 2, columns = 2, blur = { family = "gaussian", sigma = [0.5, 2.0] } }',
    '{ family = "gaussian", sigma = 1.0, camera = { noise = true } }',
    '{ family = "gaussian", sigma = 1.0, camera = { jpeg = 60 } }',
    '{ family = "gaussian", sigma = 1.0, camera = { crf = "a7r3" } }',
]
RECIPE = """
schema = 1
name = "mixed"
version = 1
summary = "Every kind of blur, pictures of several sizes."
seed = 3
[[sources]]
source = "folder"
path = "{photos}"
scenes = {{ train = 1 }}
[[splits]]
name = "train"
blurs = [{blurs}]
"""


def made(tmp_path, blurs, extra="", fmt="png", sizes=SIZES):
    """A dataset, built from a folder of photos of several sizes."""
    photos = tmp_path / "photos"
    photos.mkdir()
    for number, (height, width) in enumerate(sizes):
        write_png(photos / f"photo-{number}.png", noise(height, width, seed=number))
    file = tmp_path / "mixed.toml"
    file.write_text(RECIPE.format(photos=photos, blurs=", ".join(blurs)) + extra)
    return build(make_plan(read_recipe(file)), tmp_path / "built", fmt=fmt, quiet=True)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    return made(tmp_path_factory.mktemp("mixed"), REMADE + KEPT)


def crops_everywhere(pairs):
    """Of every pair, crops at its four corners and in its middle, in all orientations."""
    places = [(0, 0), (0, END), (END, 0), (END, END), (1 << 31, 1 << 31)]
    rows = [(pair, *place, turn) for pair in range(pairs) for place in places for turn in range(8)]
    return [Crop(1, index, *row) for index, row in enumerate(rows)]


def pairs_of(dataset, records):
    with closing(dataset.reader("train")) as pictures:
        return [Pair(r.name, pictures.read(r, "blur"), pictures.read(r, "sharp")) for r in records]


def assert_same_pixels(feed, dataset, records, side, device=CPU, every=1):
    crops = crops_everywhere(len(records))[::every]
    plan = [crops[start::7] for start in range(7)]
    wanted = MemoryFeed(pairs_of(dataset, records), side, CPU)
    for ours, theirs in zip(feed.batches(plan), wanted.batches(plan), strict=True):
        for one, other in zip(ours, theirs, strict=True):
            assert one.dtype == torch.float32
            assert one.device.type == device.type
            assert one.is_contiguous(memory_format=torch.channels_last)
            assert torch.equal(one.cpu(), other)


@pytest.fixture(params=["compiled", "torch", "cuda"])
def device(request, monkeypatch):
    """Each way to make crops; those of a GPU by torch, which is tried on the CPU, too."""
    exactness._is_exact.cache_clear()
    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device here")
    if request.param == "compiled" and loops() is None:
        pytest.skip("no numba here")
    if request.param == "torch":
        monkeypatch.setattr(exactness, "loops", lambda: None)
    yield torch.device("cuda" if request.param == "cuda" else "cpu")
    exactness._is_exact.cache_clear()


@pytest.mark.parametrize("side", [1, 17, 24])
def test_every_crop_is_that_of_the_built_pair(mixed, device, side, capsys):
    records = list(mixed.records("train"))
    feed = DeviceFeed(mixed, records, side, device)
    assert feed.pairs == len(records) == len(SIZES) * len(REMADE + KEPT)
    kept = len(SIZES) * len(KEPT)
    assert f"{kept} of {len(records)} pairs are kept with their blurred pictures" in capsys.readouterr().err
    # Batches by torch take long on a CPU: every 11th crop has all places and orientations, too, but not of each pair.
    assert_same_pixels(feed, mixed, records, side, device, every=1 if isinstance(feed._crops, HostCrops) else 11)


def test_the_ways_that_crops_are_made(mixed):
    """Both implementations were asked for, and lines, scattered taps and the table of light are all among them."""
    records = list(mixed.records("train"))
    feed = DeviceFeed(mixed, records, 24, CPU, quiet=True)
    assert isinstance(feed._crops, HostCrops if loops() else DeviceCrops)
    sources = [feed.source(crop) for crop in crops_everywhere(len(records))]
    assert {source.light for source in sources} == {"stored", "srgb", "gamma-2.2"}
    assert {source.kernel and source.kernel.lines is None for source in sources} == {None, True, False}
    assert max(source.kernel.shape[0] for source in sources if source.kernel) > 64


def test_what_one_kernel_made_takes_one_byte_per_sample(mixed):
    records = [r for r in mixed.records("train") if not r.camera and len(r.kernels) == 1]
    feed = DeviceFeed(mixed, records, 24, CPU, quiet=True)
    per_photo = sum(height * width for height, width in SIZES)
    assert feed._crops._frames.pixels.shape == (len(REMADE) * per_photo, 3)


@pytest.mark.parametrize("fmt", ["webdataset", "parquet"])
def test_sharded_formats(tmp_path, device, fmt):
    dataset = made(tmp_path, [REMADE[0], KEPT[1]], fmt=fmt)
    records = list(dataset.records("train"))
    assert_same_pixels(DeviceFeed(dataset, records, 20, device, quiet=True), dataset, records, 20, device)


def test_tiles_are_kept(tmp_path):
    """A tile's blur knows what lay around it; so it is not made from the tile."""
    dataset = made(tmp_path, REMADE[:1], 'tiles = { size = "20x20" }', sizes=[(44, 51)])
    records = list(dataset.records("train"))
    feed = DeviceFeed(dataset, records, 16, CPU, quiet=True)
    assert all(feed.source(crop).kernel is None for crop in crops_everywhere(len(records)))
    assert_same_pixels(feed, dataset, records, 16)


def test_a_blur_that_comes_out_otherwise_is_kept(tmp_path):
    """Whatever a manifest says: the pixels are those of the dataset."""
    dataset = made(tmp_path, REMADE[:2])
    records = list(dataset.records("train"))
    wrong = [record.model_copy(update={"blur": {**record.blur, "light": "srgb"}}) for record in records]
    feed = DeviceFeed(dataset, wrong, 24, CPU, quiet=True)
    assert all(feed.source(crop).kernel is None for crop in crops_everywhere(len(records)))
    assert_same_pixels(feed, dataset, records, 24)


def test_other_datasets_than_built_ones(dataset):
    """Their manifest names no kernel."""
    records = list(dataset.records("train"))
    feed = DeviceFeed(dataset, records, 24, CPU, quiet=True)
    assert_same_pixels(feed, dataset, records, 24)


def test_the_random_draws_of_an_epoch(mixed):
    """Crops at drawn places, too: at borders they see a part of the mirrored rows."""
    rng = np.random.default_rng(5)
    records = list(mixed.records("train"))
    feed, wanted = DeviceFeed(mixed, records, 13, CPU, quiet=True), MemoryFeed(pairs_of(mixed, records), 13, CPU)
    words = rng.integers(0, 1 << 32, (200, 2)).tolist()
    plan = [[Crop(2, i, i % len(records), down, right, i % 8) for i, (down, right) in enumerate(words)]]
    for ours, theirs in zip(feed.batches(plan), wanted.batches(plan), strict=True):
        assert torch.equal(ours.blur, theirs.blur)
        assert torch.equal(ours.sharp, theirs.sharp)


def test_a_batch_of_no_crops(mixed):
    """As one process of several may get it."""
    feed = DeviceFeed(mixed, list(mixed.records("train"))[:2], 13, CPU, quiet=True)
    some, none = feed.batches([crops_everywhere(2)[:3], []])
    assert [len(some.blur), len(none.blur), len(none.sharp)] == [3, 0, 0]


def test_kernels_that_centre_off_the_middle(device):
    """Kernels of even sizes, together in one batch with odd ones and with none."""
    rng = np.random.default_rng(1)
    picture = noise(30, 26)
    frames = pack([picture.copy()], device)
    kernels = [quantise(rng.random(shape)) for shape in [(1, 1), (2, 2), (4, 3), (3, 8), (1, 6), (5, 1)]]
    crop = Crop(1, 0, 0, END, 0, 5)
    maker = exactness.crops_of(frames, 20)
    sources = [CropSource(crop, 0, 0, CropKernel(kernel), "stored") for kernel in kernels]
    batch = maker.batch([*sources, CropSource(crop, 0, 0, None, "stored"), CropSource(crop, 0, 0, SAME, "stored")])
    whole = [convolve(picture, kernel, "numpy") for kernel in kernels] + [picture, picture]
    for ours, blurred in zip(batch.blur, whole, strict=True):
        wanted = cut(blurred, crop, 20).astype(np.float32) / np.float32(255)
        assert np.array_equal(ours.permute(1, 2, 0).cpu().numpy(), wanted)


def test_every_place_in_a_picture(device):
    """One pixel from a border, and two, and so on: wherever the kernel's reach ends."""
    picture, side = noise(19, 18), 13
    rng = np.random.default_rng(2)
    kernels = [quantise(np.outer([1, 2, 1], [1, 3, 3, 1])), quantise(rng.random((5, 4)))]
    # The least words that choose a place: see `Crop.corner`.
    downs, rights = ([-(-(place << 32) // count) for place in range(count)] for count in (19 - side + 1, 18 - side + 1))
    crops = [Crop(1, i, 0, down, right, i % 8) for i, (down, right) in enumerate(itertools.product(downs, rights))]
    assert {crop.corner(19, 18, side) for crop in crops} == set(itertools.product(range(7), range(6)))
    maker = exactness.crops_of(pack([picture.copy()], device), side)
    for kernel in kernels:
        whole = convolve(picture, kernel, "numpy")
        batch = maker.batch([CropSource(crop, 0, 0, CropKernel(kernel), "stored") for crop in crops])
        for crop, blur, sharp in zip(crops, *batch, strict=True):
            for ours, theirs in ((blur, whole), (sharp, picture)):
                wanted = cut(theirs, crop, side).astype(np.float32) / np.float32(255)
                assert np.array_equal(ours.permute(1, 2, 0).cpu().numpy(), wanted)


def test_a_machine_that_computes_otherwise_is_found_out(mixed, monkeypatch):
    exactness._is_exact.cache_clear()
    monkeypatch.setattr(exactness, "loops", lambda: None)
    sums = device_crops.line_sums
    monkeypatch.setattr(device_crops, "line_sums", lambda *args: sums(*args) * (1 + 2**-12))  # TensorFloat-32's error
    with pytest.raises(RunError, match="not blurred exactly on cpu"):
        DeviceFeed(mixed, list(mixed.records("train")), 24, CPU, quiet=True)
    exactness._is_exact.cache_clear()


def test_errors_name_the_pair(tmp_path, capsys):
    dataset = made(tmp_path, [REMADE[0], KEPT[1]])
    records = list(dataset.records("train"))
    with pytest.raises(RunError, match=r"train/photo-\S+ is 2[45]x24, smaller than a crop of 25"):
        DeviceFeed(dataset, records, 25, CPU, quiet=True)
    file = dataset.path / "train" / "blur" / f"{records[1].name}.png"
    picture = read_rgb(file)
    write_png(file, picture[:-1])
    with pytest.raises(DatasetError, match=records[1].name):
        DeviceFeed(dataset, records, 20, CPU, quiet=True)
    file.unlink()
    with pytest.raises(PictureError, match=records[1].name):
        DeviceFeed(dataset, records, 20, CPU, quiet=True)
    (dataset.path / "kernels.npz").unlink()
    with pytest.raises(DatasetError, match=r"kernels\.npz"):
        DeviceFeed(dataset, records, 20, CPU, quiet=True)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("expected", [0, 100, 10_000])
def test_frames_grow_as_they_must(expected):
    """Pictures of any sizes, read-only ones and strided ones among them, lie one after the other."""
    pictures = [noise(height, width, seed=height) for height, width in [(3, 5), (40, 2), (1, 1), (9, 9)]]
    odd = [np.broadcast_to(np.uint8(7), (4, 3, 3)), pictures[0][:, ::-1]]
    frames = pack(iter(pictures + odd), CPU, expected)
    assert frames.pixels.shape == (15 + 80 + 1 + 81 + 12 + 15, 3)
    for index, picture in enumerate(pictures + odd):
        assert frames.size(index) == picture.shape[:2]
        assert np.array_equal(frames.picture(index).numpy(), picture)


def test_pictures_are_read_in_order_with_progress(mixed, capsys):
    records = list(mixed.records("train"))
    pictures = list(read_pictures(mixed, [Wanted(r, s) for r in records for s in ("sharp", "blur")]))
    for record, sharp, blur in zip(records, pictures[::2], pictures[1::2], strict=True):
        assert np.array_equal(sharp, mixed.read(record, "sharp"))
        assert np.array_equal(blur, mixed.read(record, "blur"))
    assert f"read: {2 * len(records)}/{2 * len(records)} pictures" in capsys.readouterr().err
