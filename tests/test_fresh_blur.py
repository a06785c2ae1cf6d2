"""Fresh blur: each crop is the whole picture's blur by the kernel drawn for it, whatever the order and the batch."""

import itertools

import numpy as np
import pytest
import torch
from conftest import noise

from deblurbench.blur.camera import Camera
from deblurbench.blur.camera.noise import Noise
from deblurbench.blur.exposure import Exposure, expose
from deblurbench.blur.gaussian import Gaussian, GaussianOpenCV
from deblurbench.dataset.build import build
from deblurbench.dataset.degradation import Degradation
from deblurbench.dataset.plan import make_plan
from deblurbench.dataset.recipe import read_recipe
from deblurbench.draws import Draws
from deblurbench.errors import UsageError
from deblurbench.images.codec import write_png
from deblurbench_baselines.data import exactness
from deblurbench_baselines.data.crop_kernel import SAME
from deblurbench_baselines.data.crops import CropCamera, CropSource
from deblurbench_baselines.data.frames import pack
from deblurbench_baselines.data.fresh import FreshFeed, degradations_of
from deblurbench_baselines.data.host_crops import loops
from deblurbench_baselines.data.room import has_room, needed_bytes
from deblurbench_baselines.data.sampler import Crop, cut
from deblurbench_baselines.free_memory import free_bytes

END = (1 << 32) - 1
CPU = torch.device("cpu")
SIDE = 20
SEED = 11
RECIPE = """
schema = 1
name = "drawn"
version = 1
summary = "Blurs that are drawn."
seed = 3
[[sources]]
source = "folder"
path = "{photos}"
scenes = {{ train = 1 }}
[cameras.noisy]
noise = true
white_balance = true
[cameras.phone]
jpeg = 80
[[splits]]
name = "train"
draw = 1
blurs = [{blurs}]
"""
DRAWN = [
    '{ family = "gaussian-opencv", sigma = [0.3, 1.6] }',
    '{ family = "gaussian", sigma = [1.0, 9.0], light = "srgb" }',
    '{ family = "linear-motion", length = [3.0, 30.0], angle = [0.0, 180.0] }',
    '{ family = "defocus", radius = [1.0, 4.0], camera = "noisy" }',
]


def made(tmp_path, blurs):
    photos = tmp_path / "photos"
    photos.mkdir()
    for number, (height, width) in enumerate([(24, 33), (20, 21), (41, 20)]):
        write_png(photos / f"photo-{number}.png", noise(height, width, seed=number))
    file = tmp_path / "drawn.toml"
    file.write_text(RECIPE.format(photos=photos, blurs=", ".join(blurs)))
    return build(make_plan(read_recipe(file)), tmp_path / "built", quiet=True)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    return made(tmp_path_factory.mktemp("drawn"), DRAWN)


@pytest.fixture(params=["compiled", "torch", "cuda"])
def device(request, monkeypatch):
    exactness._is_exact.cache_clear()
    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device here")
    if request.param == "compiled" and loops() is None:
        pytest.skip("no numba here")
    if request.param == "torch":
        monkeypatch.setattr(exactness, "loops", lambda: None)
    yield torch.device("cuda" if request.param == "cuda" else "cpu")
    exactness._is_exact.cache_clear()


def feed_of(dataset, device=CPU, seed=SEED, degradations=None):
    records = list(dataset.records("train"))
    chosen = degradations_of(dataset) if degradations is None else degradations
    return FreshFeed(dataset, records, SIDE, device, seed=seed, degradations=chosen, quiet=True)


def crops_of_epoch(epoch, count=60):
    places = [(0, 0), (END, 0), (0, END), (END, END), (1 << 31, 1 << 30)]
    return [Crop(epoch, i, i % 3, *places[i % 5], i % 8) for i in range(count)]


def by_the_library(dataset, crop, degradations, seed=SEED):
    """The crop as deblurbench itself would make it: the whole picture blurred, cut, seen by the camera, and turned."""
    item = f"epoch-{crop.epoch}-crop-{crop.number}"
    chosen = degradations[Draws(seed, item, "which-blur").integer(0, len(degradations) - 1)]
    kernel = chosen.blur.draw(Draws(seed, item, "blur")).operator
    sharp = dataset.read(list(dataset.records("train"))[crop.pair], "sharp")
    blurred = expose(Exposure(sharp, lambda: [sharp], lambda _: sharp), kernel, chosen.light, "numpy")
    upright = cut(blurred, crop._replace(orientation=0), SIDE)
    if chosen.camera is not None:
        upright = chosen.camera.apply(upright, upright, lambda purpose: Draws(seed, item, purpose)).blurred
    return cut(upright, crop, SIDE), cut(sharp, crop, SIDE), chosen, kernel


def as_pictures(batch):
    return [np.rint(side.permute(0, 2, 3, 1).cpu().numpy() * 255).astype(np.uint8) for side in batch]


def test_every_crop_is_the_library_s_blur_by_the_kernel_drawn_for_it(drawn, device):
    degradations = degradations_of(drawn)
    crops = crops_of_epoch(1)
    plan = [crops[start : start + 7] for start in range(0, len(crops), 7)]
    families, kernels = set(), set()
    for some, batch in zip(plan, feed_of(drawn, device).batches(plan), strict=True):
        for crop, blur, sharp in zip(some, *as_pictures(batch), strict=True):
            wanted, wanted_sharp, chosen, kernel = by_the_library(drawn, crop, degradations)
            assert np.array_equal(blur, wanted)
            assert np.array_equal(sharp, wanted_sharp)
            families.add(chosen.blur.family)
            kernels.add(kernel.id)
    assert len(families) == len(DRAWN)
    assert len(kernels) > 50


def test_a_crop_depends_on_seed_epoch_and_index_alone(drawn):
    def blurs(crops, size, seed=SEED):
        plan = [crops[start : start + size] for start in range(0, len(crops), size)]
        return torch.cat([batch.blur for batch in feed_of(drawn, seed=seed).batches(plan)])

    crops = crops_of_epoch(1, 24)
    one = blurs(crops, 24)
    assert torch.equal(blurs(crops, 5), one)
    assert torch.equal(blurs(crops[::-1], 1).flip(0), one)
    assert torch.equal(blurs(crops[12:], 4), one[12:])  # as after a resumption in the middle of an epoch
    for other in (blurs(crops_of_epoch(2, 24), 24), blurs(crops, 24, seed=SEED + 1)):
        assert all(not torch.equal(ours, theirs) for ours, theirs in zip(other, one, strict=True))


def test_degradations_need_no_recipe(dataset):
    """A recorded dataset's sharp pictures, blurred as somebody likes."""
    degradations = [Degradation(GaussianOpenCV(sigma=1.2)), Degradation(Gaussian(sigma=2.0), camera=Camera())]
    records = list(dataset.records("train"))
    feed = FreshFeed(dataset, records, SIDE, CPU, seed=SEED, degradations=degradations, quiet=True)
    crop = Crop(1, 4, 2, END, 0, 6)
    blur, sharp = as_pictures(next(feed.batches([[crop]])))
    wanted, wanted_sharp, *_ = by_the_library(dataset, crop, degradations)
    assert np.array_equal(blur[0], wanted)
    assert np.array_equal(sharp[0], wanted_sharp)


def test_no_blurred_picture_is_read(tmp_path):
    dataset = made(tmp_path, DRAWN[:1])
    for file in (dataset.path / "train" / "blur").iterdir():
        file.unlink()
    assert feed_of(dataset).pairs == 3


def test_a_feed_that_is_left_early_ends(drawn):
    plan = [[crop] for crop in crops_of_epoch(1, 50)]
    assert len(list(itertools.islice(feed_of(drawn).batches(plan), 3))) == 3
    assert list(feed_of(drawn).batches([])) == []


@pytest.mark.parametrize(
    ("blur", "named"),
    [
        ('{ family = "gaussian", sigma = 1.0, camera = "phone" }', "gaussian has a camera with jpeg"),
        (
            '{ family = "spatially-varying", rows = 2, columns = 2, blur = { family = "gaussian", sigma = 1.0 } }',
            "spatially",
        ),
    ],
)
def test_what_cannot_be_drawn_anew_is_refused_by_name(tmp_path, blur, named):
    with pytest.raises(UsageError, match=named) as caught:
        feed_of(made(tmp_path, [DRAWN[0], blur]))
    assert "training.blur=built" in caught.value.hint


def test_how_much_memory_it_takes(drawn):
    records = list(drawn.records("train"))
    pixels = sum(np.prod(drawn.read(record, "sharp").shape) for record in records)
    assert needed_bytes(drawn, records, fresh=True) == pixels == feed_of(drawn)._crops._frames.pixels.numel()
    cameras = sum(bool(record.camera) for record in records)
    assert needed_bytes(drawn, records) == round(pixels / 3 * (3 + cameras))
    assert needed_bytes(drawn, []) == 0
    assert free_bytes(CPU) > 1 << 20
    assert has_room(drawn, records, CPU)


def test_little_memory(drawn, monkeypatch):
    monkeypatch.setattr("deblurbench_baselines.data.room.free_bytes", lambda _: 1000)
    assert not has_room(drawn, list(drawn.records("train")), CPU)


def test_noise_is_what_the_camera_draws():
    """Its words fill the crop: two crops of one place differ, and their noise has the spread that was asked for."""
    camera = Camera(noise=Noise(shot=0.0, read=0.02, scale=1.0))
    grey = np.full((64, 64, 3), 188, dtype=np.uint8)  # half of white in light
    frames = pack([grey.copy()], CPU)
    crop = Crop(1, 0, 0, 0, 0, 3)
    sources = [CropSource(crop, 0, 0, SAME, "stored", CropCamera(camera, 1, str(item))) for item in range(2)]
    batch = exactness.crops_of(frames, 64).batch(sources)
    light = ((batch.blur.double() + 0.055) / 1.055) ** 2.4
    assert light.std().item() == pytest.approx(0.02, rel=0.02)
    assert not torch.equal(batch.blur[0], batch.blur[1])
    assert torch.equal(batch.sharp[0], batch.sharp[1])
