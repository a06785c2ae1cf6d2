"""How long a large board takes to become a site, and how long its page takes to answer a reader.

    python benchmarks/leaderboard_page.py --methods 2000 --pictures 1000 --json page.json

Needs Chromium on the path. Times are medians in milliseconds of what the reader waits for: from the event until the
page has been laid out anew.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import CDPSession, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from board_kit import make_entry, make_track
from browser_kit import ARGUMENTS, find_chromium

from deblurbench.leaderboard.board import Contest
from deblurbench.leaderboard.site.build import build_site
from deblurbench.leaderboard.tables.standing import standing
from deblurbench.runs.cost import Cost, SizeCost

REPEATS = 9

# Runs an action, then waits until the page is laid out and painted: two frames later.
TIMED = """async (action) => {
    const start = performance.now();
    (0, eval)(action);
    document.body.offsetHeight;
    const done = performance.now();
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    return [done - start, performance.now() - start];
}"""


def large_contest(methods: int, pictures: int) -> Contest:
    """A track with methods that have every kind of number."""
    track = make_track(n=pictures, scenes=max(2, pictures // 4))
    draw = np.random.default_rng(1)
    entries = []
    for place in range(methods):
        parameters = int(10 ** draw.uniform(4, 8))
        sizes = {
            "256x256": SizeCost(macs=parameters * 1000, seconds=parameters / 1e7, memory_mb=parameters / 1e5),
            "1280x720": SizeCost(macs=parameters * 14000, seconds=parameters / 7e5, memory_mb=parameters / 7e3),
        }
        gains = draw.normal(np.log10(parameters) - 5, 1, pictures)
        cost = Cost(device="a processor", sizes=sizes)
        entries.append(make_entry(track, f"method {place:04}", gains, parameters=parameters, cost=cost))
    return Contest(track, entries)


def time_of(page: Page, actions: list[str]) -> dict[str, float]:
    """Medians: `work`, until the page is laid out; `shown`, until it is painted; `cpu`, what the page's thread worked
    for that, which does not depend on what else this machine does.
    """
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    times = []
    for action in actions:
        before = busy(session)
        work, shown = page.evaluate(TIMED, action)
        times.append((work, shown, 1000 * (busy(session) - before)))
        page.wait_for_timeout(250)  # what follows when the reader pauses
    session.detach()
    names = ("work_ms", "shown_ms", "cpu_ms")
    return {name: round(statistics.median(of), 1) for name, of in zip(names, zip(*times, strict=True), strict=True)}


def busy(session: CDPSession) -> float:
    """Seconds that the thread of the page has worked."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return next(one["value"] for one in metrics if one["name"] == "TaskDuration")


def measure_page(index: Path) -> dict[str, object]:
    """What a reader waits for."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        paints, ready = [], []
        for _ in range(3):
            page.goto(index.as_uri() + "?" + str(len(paints)))
            page.wait_for_timeout(500)
            paints.append(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
            ready.append(
                page.evaluate("performance.timing.domContentLoadedEventEnd - performance.timing.navigationStart")
            )
        sort = "document.querySelector('th[data-key={}] button').click()".format
        find = (
            "document.getElementById('find').value='{}';"
            "document.getElementById('find').dispatchEvent(new Event('input'))"
        ).format
        typed = ["m", "me", "meth", "method 1", "method 12", "method 123", "method 12", "method", ""]
        figures: dict[str, object] = {
            "first_paint_ms": round(statistics.median(paints), 1),
            "scripts_ready_ms": statistics.median(ready),
            "sort": time_of(page, [sort("gain"), sort("parameters"), sort("method")] * (REPEATS // 3)),
            "filter_per_key": time_of(page, [find(text) for text in typed]),
            "columns": time_of(page, ["document.getElementById('col-ssim').click()"] * REPEATS),
            "all_columns": time_of(page, ["document.querySelector('[data-preset=\"*\"]').click()"]),
        }
        page.evaluate("document.querySelector('[data-preset=\"\"]').click()")
        page.wait_for_timeout(300)
        options = page.evaluate("[...document.getElementById('cost').options].map(o => o.value)")
        change = (
            "document.getElementById('cost').value='{}';"
            "document.getElementById('cost').dispatchEvent(new Event('change'))"
        )
        figures["plot"] = time_of(page, [change.format(option) for option in options])
        figures["show_all_rows"] = time_of(page, ["document.getElementById('all').click()"])
        figures["sort_all_rows"] = time_of(page, [sort("gain"), sort("ssim"), sort("method")])
        browser.close()
    return figures


def clocks() -> tuple[float, float]:
    """Seconds of the wall clock and of this process."""
    return time.perf_counter(), time.process_time()


def main() -> None:
    """Build, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--methods", type=int, default=2000)
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--json", type=Path, help="write the figures there as well")
    parser.add_argument("--keep", type=Path, help="build the site there, and leave it")
    options = parser.parse_args()
    contest = large_contest(options.methods, options.pictures)
    with tempfile.TemporaryDirectory() as folder:
        start = clocks()
        standings = [standing(contest)]
        ranked = clocks()
        index = build_site(Path(folder), standings, options.keep or Path(folder) / "site")
        built = clocks()
        page = index.parent / "tracks" / contest.track.name / "index.html"
        files = [file for file in index.parent.rglob("*") if file.is_file()]
        figures = {
            "methods": options.methods,
            "pictures": options.pictures,
            "standing_s, cpu": [round(b - a, 2) for a, b in zip(start, ranked, strict=True)],
            "site_s, cpu": [round(b - a, 2) for a, b in zip(ranked, built, strict=True)],
            "page_mb": round(page.stat().st_size / 1e6, 2),
            "site_mb": round(sum(file.stat().st_size for file in files) / 1e6, 1),
            "files": len(files),
            **measure_page(page),
        }
    text = json.dumps(figures, indent=2)
    if options.json:
        options.json.write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
