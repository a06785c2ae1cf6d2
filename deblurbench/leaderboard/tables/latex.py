r"""Tables in LaTeX, for papers: `\input{gopro}` after `\usepackage{array,booktabs,longtable}`.

Each is a float of its own, or a `longtable` where a page is too short for it. Numbers have two decimals (SSIM four),
which is what papers print; the CSV files have all digits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from deblurbench.leaderboard.submission import Reported
from deblurbench.leaderboard.tables import words
from deblurbench.leaderboard.tables.cells import interval, ranks
from deblurbench.leaderboard.tables.row import Row
from deblurbench.leaderboard.tables.standing import Standing

_ON_A_PAGE = 40  # rows

_REPORTED = (
    "Numbers as their sources report them: not measured alike, hardly comparable, not ranked. secondary: not checked "
    "against the paper."
)

_ESCAPES = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': "''{}", "`": r"\textasciigrave{}",
    "'": "'{}", "-": "-{}", ",": ",{}", "!": "!{}", "?": "?{}",  # no ligatures
    "[": "{[}", "]": "{]}", "*": "{*}",  # after a line's end they would be its options
}  # fmt: skip
_LATIN = frozenset("ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝßàáâãäåæçèéêëìíîïñòóôõöøùúûüýÿ")


def latex(standings: Sequence[Standing]) -> str:
    """The tables of a dataset, one per test split, and one of what was reported on it."""
    parts = ["% needs \\usepackage{array,booktabs,longtable}"]
    for standing in standings:
        if standing.rows:
            parts += _table(_caption(standing), standing.contest.track.name, *_measured(standing))
        if standing.reported:
            caption = f"{escape(standing.contest.track.file.title)}. {escape(_REPORTED)}"
            parts += _table(caption, f"{standing.contest.track.name}-reported", *_reported(standing))
    return "\n".join(parts) + "\n"


def escape(text: str) -> str:
    """Text from a submission in LaTeX: it prints as it stands, and does nothing.

    No two signs join into another one (`--`). What plain LaTeX has no letter for stands as its code point, [U+4E2D].
    """
    return "".join(_ESCAPES.get(c) or (c if c.isascii() and c.isprintable() else _foreign(c)) for c in text)


def _foreign(character: str) -> str:
    if character in _LATIN:
        return character
    return " " if character.isspace() else f"{{[}}U+{ord(character):04X}{{]}}"


def _caption(standing: Standing) -> str:
    head, track = standing.rows[0], standing.contest.track
    text = [
        f"{escape(track.file.title)}: protocol {escape(head.protocol)}, {words.measured_on(track)},",
        f"dataset \\texttt{{{head.dataset_id[:16]}}}.",
        escape(standing.caution),
        r"Ranks and 95\,\% intervals by scenes; methods that share ranks cannot be told apart (bold: from the best).",
    ]
    if words.adds_ssim(track):
        text.append(f"$^+$: {escape(words.ADDED)}")
    if any(row.below_blurred for row in standing.rows):
        text.append(r"$^\downarrow$: worse than doing nothing.")
    if words.has_told([standing]):
        text.append(r"$^\ast$: told the kernels, so a ceiling.")
    return " ".join(filter(None, text))


Content = tuple[str, Sequence[str], list[Sequence[str]]]


def _measured(standing: Standing) -> Content:
    plus = "$^+$" if words.adds_ssim(standing.contest.track) else ""
    heads = ("Rank", "Method", "PSNR", r"95\,\%", "Gain", r"95\,\%", f"SSIM{plus}", "Parameters", "GMAC")
    some_are_worse = any((row.rank or 1) > 1 for row in standing.rows)
    return "rlrlrlrrr", heads, [_measured_row(row, some_are_worse) for row in standing.rows]


def _measured_row(row: Row, some_are_worse: bool) -> Sequence[str]:
    style = "textit" if row.reference else "textbf" if row.rank == 1 and some_are_worse else ""
    method = f"\\{style}{{{escape(row.method)}}}" if style else escape(row.method)
    macs = row.macs_1280x720
    return (
        ranks(row, "--").replace("-", "--", row.rank is not None),
        method + "$^\\ast$" * row.told + "$^\\downarrow$" * row.below_blurred,
        _number(row.psnr_db),
        _small(interval(row.psnr_low_db, row.psnr_high_db)),
        _number(row.gain_db, "+"),
        _small(interval(row.gain_low_db, row.gain_high_db, signed=True)),
        "" if row.ssim is None else f"{row.ssim:.4f}",
        "" if row.parameters is None else f"{row.parameters:,}",
        "" if macs is None else f"{macs / 1e9:.1f}",
    )


def _number(value: float, sign: str = "-") -> str:
    """With a true minus, and infinity as such."""
    text = f"{value:{sign}.2f}".replace("inf", r"\infty")
    return f"${text}$"


def _small(text: str) -> str:
    """An interval: in math, so that a minus is one."""
    return f"{{\\scriptsize ${text}$}}" if text else ""


def _reported(standing: Standing) -> Content:
    heads = ("Method", "Year", "PSNR", "SSIM", "Protocol", "Tier", "Source")
    rows = [_reported_row(one) for one in standing.reported]
    return rf"{_wide(3.6)}rrrll{_wide(4)}", heads, rows


def _wide(centimetres: float) -> str:
    """A column whose text breaks into lines."""
    return rf">{{\raggedright\arraybackslash}}p{{{centimetres}cm}}"


def _reported_row(one: Reported) -> Sequence[str]:
    return (
        escape(one.method),
        "" if one.year is None else str(one.year),
        "" if one.mean.psnr_db is None else f"{one.mean.psnr_db:.12g}",
        "" if one.mean.ssim is None else f"{one.mean.ssim:.12g}",
        escape(one.protocol or ""),
        one.tier,
        escape(one.source),
    )


def _table(
    caption: str, label: str, columns: str, heads: Sequence[str], rows: Sequence[Sequence[str]]
) -> Iterator[str]:
    head = [r"\toprule", _line(heads), r"\midrule"]
    body = map(_line, rows)
    title = f"\\caption{{{caption}}}\\label{{tab:{label}}}"
    if len(rows) > _ON_A_PAGE:
        start = [r"{\footnotesize", rf"\begin{{longtable}}{{{columns}}}", title + r" \\", *head, r"\endfirsthead"]
        start += [*head, r"\endhead", r"\bottomrule", r"\endfoot"]
        yield from ["", *start, *body, r"\end{longtable}", "}"]
    else:
        start = [
            r"\begin{table}",
            r"\centering\footnotesize",
            title,
            r"\medskip",
            rf"\begin{{tabular}}{{{columns}}}",
            *head,
        ]
        yield from ["", *start, *body, r"\bottomrule", r"\end{tabular}", r"\end{table}"]


def _line(cells: Iterable[str]) -> str:
    return " & ".join(cells) + r" \\"
