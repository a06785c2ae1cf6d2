"""Where a model's pictures are wrong: a sheet of blurred, restored and sharp, with maps of both errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deblurbench.images.codec import Picture, write_png
from deblurbench.images.sheet import Cell, Section, section_sheet
from deblurbench.runs.explain.subjects import Subject
from deblurbench.scoring.metrics.compared import Compared
from deblurbench.scoring.reports.error_map import ErrorMap, coloured, error_map, scale_bar, scale_for, worst_part

_SIDE = 256  # pixels, of the square that is shown at its full scale: shrinking it would hide the blur
_MOST = 3  # pictures of a group


@dataclass(frozen=True)
class _Shown:
    """The part of a picture that is shown."""

    subject: Subject
    part: tuple[slice, slice]
    before: ErrorMap
    after: ErrorMap


def write_error_sheet(path: Path, subjects: Sequence[Subject], title: str) -> None:
    """Write a PNG with up to three pictures of each group, all of which have sharp ones.

    What is larger than 256 x 256 is cut at its full scale to the part where the restored picture's squared error is
    largest. All maps have one scale, which the sheet states.
    """
    groups: dict[str, list[_Shown]] = {}
    for subject in subjects:
        if len(groups.setdefault(subject.group, [])) < _MOST:
            groups[subject.group].append(_shown(subject))
    every = [one for group in groups.values() for one in group]
    scale = scale_for([errors[one.part] for one in every for errors in (one.before, one.after)])
    sections = [Section(name, [cell for one in of for cell in _cells(one, scale)]) for name, of in groups.items()]
    legend = "Error maps: mean over the channels of the absolute difference, in levels of 255"
    sections.append(Section(legend, [Cell(scale_bar(scale, _SIDE), "")]))
    write_png(path, section_sheet(title, sections, 5))


def psnr(picture: Picture, sharp: Picture) -> float:
    """In dB, of the protocol `gnr638-eval`: of 8-bit pictures, all channels together; infinite for equal ones."""
    return Compared(picture, sharp).psnr()


def _shown(subject: Subject) -> _Shown:
    assert subject.sharp is not None
    assert subject.restored is not None
    before, after = (error_map(picture, subject.sharp) for picture in (subject.blurred, subject.restored))
    return _Shown(subject, worst_part(after, _SIDE, _SIDE), before, after)


def _cells(shown: _Shown, scale: int) -> list[Cell]:
    subject, part = shown.subject, shown.part
    assert subject.sharp is not None
    assert subject.restored is not None
    rows, columns = part
    where = f"{columns.stop - columns.start}x{rows.stop - rows.start} from x {columns.start}, y {rows.start}"
    return [
        Cell(subject.blurred[part], f"blurred\n{psnr(subject.blurred, subject.sharp):.2f} dB"),
        Cell(subject.restored[part], f"restored\n{psnr(subject.restored, subject.sharp):.2f} dB"),
        Cell(subject.sharp[part], f"sharp: {subject.name}\n{where}"),
        *(
            Cell(coloured(errors[part], scale), f"error, {name}\nmean {errors[part].mean():.3g} here")
            for name, errors in (("blurred", shown.before), ("restored", shown.after))
        ),
    ]
