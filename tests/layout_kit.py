"""Small trees of the true layout of published datasets, of 8x6 noise."""

import numpy as np
from conftest import noise

from deblurbench.images.codec import write_png

SEQUENCES = {"train": "GOPR0372_07_00", "test": "GOPR0384_11_00"}


def put(root, *names, first=0):
    """Write a picture of its own under each name; returns the root."""
    for seed, name in enumerate(names, first):
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        write_png(file.with_suffix(".png"), noise(6, 8, seed=seed))
        file.with_suffix(".png").rename(file)
    return root


def gopro(root, frames=("000047", "000048"), variants=("blur", "blur_gamma")):
    """GOPRO_Large: blur_gamma is brighter than blur, as it must be."""
    for index, (split, sequence) in enumerate(SEQUENCES.items()):
        for number, frame in enumerate(frames):
            dark = noise(6, 8, seed=100 + 10 * index + number) // 2
            for side, picture in (("sharp", noise(6, 8, seed=10 * index + number)), ("blur", dark)):
                save(root / split / sequence / side / f"{frame}.png", picture)
            save(root / split / sequence / "blur_gamma" / f"{frame}.png", dark + 20)
        for side in {"blur", "blur_gamma"} - set(variants):
            for file in (root / split / sequence / side).iterdir():
                file.unlink()
            (root / split / sequence / side).rmdir()
    return root


def save(file, picture):
    file.parent.mkdir(parents=True, exist_ok=True)
    write_png(file, picture)


def reds(root):
    sides = ("sharp", "blur", "blur_comp")
    for split, scene in (("train", "000"), ("train", "001"), ("val", "000")):
        put(root, *(f"{split}/{split}_{side}/{scene}/0000000{i}.png" for side in sides for i in range(2)))
    low = [f"val/val_{side}/X4/000/00000000.png" for side in ("sharp_bicubic", "blur_bicubic")]
    return put(root, *low, "test/test_blur/000/00000000.png", first=50)


def hide(root):
    names = ["train/1fromGOPR1096.MP4.png", "test/test-close-ups/3fromGOPR0950.png"]
    names += ["test/test-long-shot/9fromGOPR1087.MP4.png"]
    return put(root, *names, *(f"GT/{name.rsplit('/', 1)[1]}" for name in names))


def realblur(root, kind="J"):
    top = {"J": "RealBlur-J_ECC_IMCORR_centroid_itensity_ref"}.get(
        kind, "RealBlur-R_BM3D_ECC_IMCORR_centroid_itensity_ref"
    )
    for split, scene in (("train", "scene183"), ("test", "scene230")):
        lines = [(f"{top}/{scene}/gt/gt_{i}.png", f"{top}/{scene}/blur/blur_{i}.png") for i in (2, 10)]
        put(root, *(name for line in lines for name in line), first=40 if split == "test" else 0)
        # as published: a space ends each line but the last, which has no line end
        text = " \n".join(" ".join(line) for line in lines)
        (root / f"RealBlur_{kind}_{split}_list.txt").write_text(text)
    return root


def rsblur(root):
    for split, number in (("train", 122), ("val", 42), ("test", 22)):
        lines = []
        for i in (number, number + 1):
            pair = f"RSBlur/0001/{i:06d}"
            put(
                root,
                f"{pair}/gt/gt_sharp.png",
                f"{pair}/real_blur/real_blur.png",
                f"{pair}/avg65_img/avg_blur.png",
                first=i,
            )
            lines.append(f"{pair}/gt/gt_sharp.png {pair}/real_blur/real_blur.png\n")
        (root / f"RSBlur_real_{split}.txt").write_text("".join(lines))
    return root


def dpdd(root, pairs=None):
    """The official names of the first scenes, 16-bit RGB."""
    import cv2

    names = pairs or {"train": {"0890": "0891", "0892": "0893"}, "val": {"0983": "0982"}, "test": {"0917": "0916"}}
    for split, scenes in names.items():
        for seed, (source, target) in enumerate(scenes.items()):
            for folder, number in (
                (f"{split}_c/source", source),
                (f"{split}_l/source", source),
                (f"{split}_c/target", target),
            ):
                file = root / folder / f"1P0A{number}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                levels = np.random.default_rng([seed, int(number)]).integers(0, 65536, (6, 8, 3)).astype(np.uint16)
                cv2.imwrite(str(file), levels)
    return root


def levin(root):
    blurred = [f"im{i}_kernel{k}_img.png" for i in (1, 2) for k in (1, 8)]
    return put(root, *blurred, "gt/im1.png", "gt/im2.png", "gt/kernel1.png", "gt/kernel8.png")


def custom_test(root):
    return put(root, *(f"{side}/{name}.png" for side in ("blur", "sharp") for name in ("02800000071", "00600000043")))


TREES = {
    "gopro": gopro,
    "reds": reds,
    "hide": hide,
    "realblur-j": realblur,
    "realblur-r": lambda root: realblur(root, "R"),
    "rsblur": rsblur,
    "dpdd": dpdd,
    "levin": levin,
    "custom-test": custom_test,
}
