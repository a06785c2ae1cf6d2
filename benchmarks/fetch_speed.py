"""How near a fetch comes to what its rate and its places at a host allow, over the replica with a latency of 50 ms.

    python benchmarks/fetch_speed.py [--photos 400] [--rounds 3]

allowed: photos per second, the lesser of the rate and of concurrency / latency. got: by the server's own log, from the
first to the last request for a file; whole: from the start of the command to its end, listings and all. ratio: what is
allowed by what is got; at most 1.3 is promised.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from replica_kit import Site, replica
from replica_world import KEYWORDS

LATENCY = 0.05
SETTINGS = ((4, 4, 40), (20, 4, 100), (50, 4, 0), (1000, 4, 0), (1000, 8, 0))  # rate, concurrency, photos (0: all)


def run(site: Site, rate: int, concurrency: int, count: int) -> dict[str, float]:
    """Fetch some photos; seconds."""
    with tempfile.TemporaryDirectory() as folder:
        queries = [part for word in KEYWORDS for part in ("--query", word)]
        hosts = [part for host in site.hosts for part in ("--allow-host", host)]
        options = [
            f"--rate={rate}",
            f"--concurrency={concurrency}",
            f"--count={count}",
            "--quiet",
            "--contact=me@example.org",
        ]
        before = len(site.requests("files"))
        start = time.monotonic()
        subprocess.run(
            [sys.executable, "-m", "deblurbench", "fetch", *queries, *hosts, *options, "--out", f"{folder}/photos"],
            env=os.environ | site.variables | {"DEBLURBENCH_STATE": f"{folder}/state"},
            stdout=subprocess.DEVNULL,
            check=True,
        )
        whole = time.monotonic() - start
    hits = [hit for hit in site.requests("files")[before:] if hit.status == 200 and "robots" not in hit.path]
    span = max(hit.time for hit in hits) - min(hit.time for hit in hits)
    return {"got": (len(hits) - 1) / span, "whole": count / whole}


def main() -> None:
    """Measure, and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    rows = []
    with replica(photos=2 * asked.photos, latency=LATENCY, seed=21) as site:
        found: dict[tuple[int, int, int], list[dict[str, float]]] = {}
        for _ in range(asked.rounds):
            for rate, concurrency, some in SETTINGS:
                count = min(some or asked.photos, asked.photos)
                found.setdefault((rate, concurrency, count), []).append(run(site, rate, concurrency, count))
        for (rate, concurrency, count), runs in found.items():
            allowed = min(rate, concurrency / LATENCY)
            got, whole = (statistics.median(each[key] for each in runs) for key in ("got", "whole"))
            row = {"rate": rate, "concurrency": concurrency, "photos": count, "allowed": allowed}
            rows.append(row | {"got": round(got, 1), "ratio": round(allowed / got, 2), "whole": round(whole, 1)})
    print(json.dumps({"latency_s": LATENCY, "rounds": asked.rounds, "photos_per_second": rows}, indent=2))


if __name__ == "__main__":
    main()
