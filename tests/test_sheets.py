"""The contact sheet and the kernel sheet."""

import numpy as np
import pytest
from description_kit import Small, blocks, gaussian, line, make_small, pair, photo, record

from deblurbench.blur.kernel import UNIT
from deblurbench.dataset.formats.format import Made
from deblurbench.dataset.sheets import CONTACT, KERNEL, describe, write_sheets
from deblurbench.images.codec import read_rgb
from deblurbench.images.sheet import Cell, Section, kernel_grid, section_sheet, side_by_side
from deblurbench.places import Place


def write(small):
    write_sheets(small.place, small.facts, small.records, small.read, small.kernels)


def holds(sheet, picture):
    """Whether the picture lies somewhere in the sheet, pixel for pixel."""
    height, width = picture.shape[:2]
    corners = np.argwhere((sheet[: sheet.shape[0] - height + 1, : sheet.shape[1] - width + 1] == picture[0, 0]).all(2))
    return any(np.array_equal(sheet[y : y + height, x : x + width], picture) for y, x in corners)


def test_the_contact_sheet_shows_pairs_of_every_split(tmp_path):
    small = make_small(tmp_path / "small")
    write(small)
    sheet = read_rgb(tmp_path / "small" / CONTACT)
    for made in small.made:  # at most 4 of each split: all
        assert holds(sheet, made.sharp), made.record.pair
        assert holds(sheet, made.blurred), made.record.pair


def test_few_of_many_are_shown_whatever_their_order(tmp_path):
    kernels = {"gaussian": gaussian(1.0), "motion": line(9)}
    made = [pair(f"p{i}", "train", i, kernels["gaussian"], sigma=1.0) for i in range(9)]
    made.append(pair("q", "train", 99, kernels["motion"], family="motion", length=9))
    taps = {kernel.id: kernel.taps for kernel in kernels.values()}
    sheets = []
    for name, order in (("a", made), ("b", made[::-1])):
        small = Small(Place(tmp_path / name), order, taps, "png")
        small.place.folder.mkdir()
        write(small)
        sheets.append(read_rgb(tmp_path / name / CONTACT))
    assert np.array_equal(*sheets)
    assert sum(holds(sheets[0], m.sharp) for m in made) == 4
    assert holds(sheets[0], made[-1].sharp)  # the rare family has its place


@pytest.mark.parametrize("shape", [(1, 1), (1, 400), (50, 30_000), (3000, 2), (192, 224)])
def test_odd_sizes(tmp_path, shape):
    sharp = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    small = Small(Place(tmp_path), [pair("p", "train", 1, gaussian(0.3), sharp=sharp)], {}, "png")
    small.kernels[gaussian(0.3).id] = gaussian(0.3).taps
    write(small)
    sheet = read_rgb(tmp_path / CONTACT)
    assert max(sheet.shape) < 1000
    assert shape[0] > 192 or shape[1] > 224 or holds(sheet, sharp)


def test_a_busy_part_is_shown(tmp_path):
    sharp = np.full((900, 1200, 3), 100, dtype=np.uint8)
    sharp[-64:, -64:] = blocks(1, 64, 64)
    small = Small(Place(tmp_path), [pair("p", "train", 1, gaussian(1.0), sharp=sharp)], {}, "png")
    small.kernels[gaussian(1.0).id] = gaussian(1.0).taps
    write(small)
    assert holds(read_rgb(tmp_path / CONTACT), sharp[-64:, -64:])


def test_without_kernels_there_is_no_kernel_sheet(tmp_path):
    sharp = blocks(1)
    of = record("train/p", photo("p"), sharp, sharp, {"family": "frame-average", "light": "stored"})
    write(Small(Place(tmp_path), [Made(of, sharp, sharp)], {}, "png"))
    assert (tmp_path / CONTACT).is_file()
    assert not (tmp_path / KERNEL).exists()


def test_kernels_are_drawn_tap_by_tap():
    kernel = line(9)
    drawn = kernel_grid([kernel.taps], 1, 1, 124)
    zoom = 124 // 15
    start = (124 - 15 * zoom) // 2
    centres = drawn[start + zoom // 2 :: zoom, start + zoom // 2 :: zoom][:15, :15, 0]
    assert ((centres > 200) == (kernel.taps > 0)).all()
    assert len({tuple(colour) for colour in centres[kernel.taps == 0].reshape(-1, 1).tolist()}) == 1


def test_faint_taps_show():
    taps = np.zeros((5, 5), dtype=np.int32)
    taps[2, 2], taps[0, 0] = UNIT - UNIT // 100, UNIT // 100
    drawn = kernel_grid([taps], 1, 1, 50)
    ground = int(drawn[45, 45, 0])
    assert drawn[25, 25].tolist() == [255, 255, 255]
    assert ground + 15 < drawn[5, 5, 0] < 100  # a hundredth is a tenth of the way, not a hundredth


def test_a_huge_kernel_loses_no_tap():
    taps = np.zeros((1001, 701), dtype=np.int32)
    taps[777, 333] = UNIT
    drawn = kernel_grid([taps], 1, 1, 124)
    assert drawn.shape == (124, 124, 3)
    assert (drawn == 255).all(2).sum() == 1


def test_fields_are_drawn_as_grids(tmp_path):
    field = [gaussian(1.0), line(5), line(9), gaussian(2.0), gaussian(3.0), line(13)]
    sharp = blocks(1)
    blur = {"family": "spatially-varying", "light": "stored", "rows": 2, "columns": 3}
    of = record("train/p", photo("p"), sharp, sharp, blur, kernels=[kernel.id for kernel in field])
    small = Small(Place(tmp_path), [Made(of, sharp, sharp)], {kernel.id: kernel.taps for kernel in field}, "png")
    write(small)
    assert holds(read_rgb(tmp_path / KERNEL), kernel_grid([kernel.taps for kernel in field], 2, 3, 124))


def test_text_keeps_to_its_place():
    long = Cell(blocks(1), "an_exceedingly_long_name_that_has_no_room_0123456789abcdef")
    sheet = section_sheet("title", [Section("heading " * 40, [long, long])], 2)
    width = blocks(1).shape[1]
    gap = sheet[:, 18 + width : 18 + width + 18]  # between the two
    assert (gap[75:] == 255).all()  # below the heading
    assert (sheet[:, -18:] == 255).all()


def test_small_pictures_stand_in_the_middle():
    dot = np.array([[[1, 2, 3]]], dtype=np.uint8)
    both = side_by_side(dot, dot, 5, 5)
    assert both[2, 2].tolist() == [1, 2, 3]
    assert both[2, 5 + 4 + 2].tolist() == [1, 2, 3]


def test_blurs_in_words():
    blur = {"family": "defocus", "light": "srgb", "radius": 3.14159, "blades": 5, "nodes": []}
    assert describe(record("train/p", photo("p"), blur=blur, camera={"jpeg": 90})) == (
        "defocus, radius 3.14, blades 5, in srgb light, then a camera"
    )
    disk = {"family": "defocus", "light": "stored", "radius": 2.0, "blades": 0}
    assert describe(record("train/p", photo("p"), blur=disk)) == "defocus, radius 2"
    frames = photo("p", frames=("0" * 64,) * 11)
    mean = {"family": "frame-average", "light": "gamma-2.2"}
    assert describe(record("train/p", frames, blur=mean)) == "frame-average, frames 11, in gamma-2.2 light"
    recorded = {"family": "recorded", "light": "recorded", "variant": "blur_gamma"}
    assert describe(record("train/p", photo("p"), blur=recorded)) == "recorded, variant blur_gamma"


def test_each_kind_of_blur_is_shown(tmp_path):
    """Of one family, too, where the light differs: `blur` and `blur_gamma` are both on the sheet."""
    sharp = blocks(1)
    kinds = [(f"family-{i}", "stored") for i in range(6)] + [("family-0", "srgb")]
    made = [
        Made(
            record(
                f"train/{i:02d}",
                photo(str(i)),
                sharp,
                blocks(10 + i),
                {"family": kinds[i % 7][0], "light": kinds[i % 7][1]},
            ),
            sharp,
            blocks(10 + i),
        )
        for i in range(14)
    ]
    write(Small(Place(tmp_path), made, {}, "png"))
    sheet = read_rgb(tmp_path / CONTACT)
    shown = {i % 7 for i in range(14) if holds(sheet, blocks(10 + i))}
    assert shown == set(range(7))
