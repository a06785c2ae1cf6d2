"""The house rules: one-way imports, a fast `--help`, data folders without code."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

PACKAGE = ROOT / "deblurbench"
GROUND = {"compiled", "config", "draws", "errors", "files", "grid", "paths", "plugins", "progress", "versions", ""}
# Which rooms each room may import, beside itself and the ground floor.
MAY_IMPORT = {
    "images": set(),
    "sources": {"images"},
    "fetch": {"images", "sources"},
    "blur": {"images"},
    "dataset": {"images", "sources", "blur"},
    "scoring": {"images"},
    "runs": {"images", "blur", "dataset", "scoring"},
    "leaderboard": {"images", "dataset", "scoring", "runs"},
    "cli": {"images", "sources", "fetch", "blur", "dataset", "scoring", "runs", "leaderboard"},
    "ground": set(),
}
BASELINES = ROOT / "baselines" / "deblurbench_baselines"
# Each room may import those before it, what lies beside the rooms, and the settings of any: they import no torch.
ROOMS = ("classical", "networks", "inference", "losses", "data", "training")


def imported(file: Path) -> set[str]:
    """The modules that a file imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file}: relative import"
            names |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def room_of(file: Path) -> str:
    parts = file.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else "ground"


def test_imports_follow_the_data():
    for file in sorted(PACKAGE.rglob("*.py")):
        room = room_of(file)
        if file.name in ("__init__.py", "__main__.py") and room == "ground":
            continue
        for name in imported(file):
            assert not name.startswith("deblurbench_baselines"), f"{file}: the core imports the baselines"
            if name.startswith("deblurbench."):
                target = name.split(".")[1]
                allowed = {room} | MAY_IMPORT[room] | GROUND
                assert target in allowed or not (PACKAGE / target).is_dir(), f"{file} imports {name}"


def test_imports_follow_the_data_in_the_baselines():
    for file in sorted(BASELINES.glob("*/**/*.py")):
        room = file.relative_to(BASELINES).parts[0]
        for name in imported(file):
            parts = name.split(".")[1:]
            if name.startswith("deblurbench_baselines.") and parts[0] in ROOMS and "settings" not in parts:
                assert ROOMS.index(parts[0]) <= ROOMS.index(room), f"{file} imports {name}"


def test_every_room_is_known():
    assert {p.name for p in PACKAGE.iterdir() if (p / "__init__.py").is_file()} == MAY_IMPORT.keys() - {"ground"}
    assert {p.name for p in BASELINES.iterdir() if (p / "__init__.py").is_file()} == set(ROOMS)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["list", "baselines"],
        ["list", "protocols"],
        ["list", "datasets"],
        ["list", "blurs"],
        ["score", "-h"],
    ],
)
def test_help_and_list_import_nothing_heavy(arguments):
    code = (
        "import sys\nfrom deblurbench.cli.main import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit as stop:\n    assert not stop.code, stop.code\n"
        "heavy = {'cv2', 'torch', 'scipy', 'pandas', 'matplotlib', 'skimage', 'numba'} & sys.modules.keys()\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code, *arguments], check=True, stdout=subprocess.DEVNULL)


def test_top_level_folders():
    expected = {"deblurbench", "datasets", "baselines", "leaderboard", "tests", "docs", "pyproject.toml"}
    assert expected <= {p.name for p in ROOT.iterdir()}
    assert not list((ROOT / "datasets").rglob("*.py"))
    assert not (ROOT / "baselines" / "__init__.py").exists()


def test_hugging_face_datasets_keeps_working_beside_us(tmp_path):
    """A package called `datasets` wins over our folder of that name, even with the checkout as working directory."""
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "__init__.py").write_text("NAME = 'somebody else'\n")
    code = "import sys; sys.path.insert(0, ''); import datasets; print(datasets.NAME)"
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    )
    assert shown.stdout.strip() == "somebody else"


def test_files_stay_short():
    for folder in (PACKAGE, ROOT / "baselines"):
        for file in folder.rglob("*.py"):
            assert len(file.read_text().splitlines()) <= 300, f"{file}: one noun each"


def test_nothing_names_a_machine():
    """No path of a developer's machine gets into the project."""
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    home = str(Path.home())
    for name in filter(None, tracked.split("\0")):
        file = ROOT / name
        if file.is_file() and file.suffix in (".py", ".md", ".toml", ".json", ".csv", ".txt"):
            text = file.read_text(encoding="utf-8")
            assert f"{ROOT}/" not in text, name
            assert f"{home}/" not in text, name
