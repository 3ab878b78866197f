"""What an installed wheel holds, beyond the modules."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXTENSIONS = ROOT / "extensions"
LABEXTENSION = "share/jupyter/labextensions/@autoresearch/workbench"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(folder),
        str(ROOT),
    ]
    subprocess.run(command, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_built_in_experiments_are_found_by_name_without_a_checkout(
    wheel: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    script = "from workbench.recognise import experiments\nfor name in ('tinygpt', 'binpacking'): print(experiments.load(name).program().digest)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", script],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "installed")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) == 2


def test_the_magic_is_there_without_load_ext(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        assert any(
            name.endswith("data/etc/ipython/startup/50-autoresearch.py")
            for name in archive.namelist()
        )
        assert not any("__pycache__" in name or "/studies/" in name for name in archive.namelist())


def shared(wheel: Path) -> dict[str, bytes]:
    """What the wheel lays below the environment's prefix."""
    with zipfile.ZipFile(wheel) as archive:
        return {
            name.partition(".data/data/")[2]: archive.read(name)
            for name in archive.namelist()
            if ".data/data/" in name
        }


def test_jupyterlab_and_its_server_find_their_extensions(wheel: Path) -> None:
    files = shared(wheel)
    config = json.loads(files["etc/jupyter/jupyter_server_config.d/autoresearch-workbench.json"])
    assert config == {"ServerApp": {"jpserver_extensions": {"workbench.lab.server": True}}}
    manifest = json.loads(files[f"{LABEXTENSION}/package.json"])
    assert manifest["name"] == "@autoresearch/workbench"
    entry = manifest["jupyterlab"]["_build"]["load"]
    assert re.fullmatch(r"static/remoteEntry\.[0-9a-f]{16}\.js", entry), (
        "browsers keep this file for a year: its name tells its content"
    )
    assert sorted(name for name in files if name.startswith(f"{LABEXTENSION}/static/")) == [
        f"{LABEXTENSION}/{entry}"
    ]
    assert (
        json.loads(files[f"{LABEXTENSION}/install.json"])["packageName"] == "autoresearch-workbench"
    )
    with zipfile.ZipFile(wheel) as archive:
        assert {"workbench/lab/static/widget.js", "workbench/lab/static/widget.css"} <= set(
            archive.namelist()
        )
        assert not any(
            name.startswith("workbench/lab/labextension/") for name in archive.namelist()
        )


def sources() -> str:
    """Digest of what the bundles are made of, as `digest` of build.mjs has it."""
    walked = (
        path
        for folder in ("src", "style")
        for path in (EXTENSIONS / folder).rglob("*")
        if path.is_file()
    )
    names = [
        "build.mjs",
        "package.json",
        "package-lock.json",
        *(path.relative_to(EXTENSIONS).as_posix() for path in walked),
    ]
    digest = hashlib.sha256()
    for name in sorted(names):
        digest.update(f"{name}\n".encode() + (EXTENSIONS / name).read_bytes())
    return digest.hexdigest()


def test_the_bundles_are_those_of_the_sources() -> None:
    lab = ROOT / "workbench" / "lab"
    banner = f"/* sources {sources()} */"
    for name in ("widget.js", "widget.css"):
        assert (lab / "static" / name).read_text(encoding="utf-8").startswith(banner), (
            "run: cd extensions && npm ci && npm run build"
        )
    (entry,) = (lab / "labextension" / "static").iterdir()
    assert entry.name == f"remoteEntry.{sources()[:16]}.js"
    assert banner in entry.read_text(encoding="utf-8")


@pytest.mark.skipif(
    not (EXTENSIONS / "node_modules").is_dir() and not os.environ.get("CI"),
    reason="npm ci was not run in extensions/",
)
def test_a_build_gives_the_bundles_that_are_shipped_and_the_types_hold() -> None:
    node = shutil.which("node")
    assert node is not None, "the build needs Node; installing the package does not"
    for command in (
        [node, "build.mjs", "--check"],
        [node, "node_modules/typescript/bin/tsc", "--noEmit"],
    ):
        done = subprocess.run(command, cwd=EXTENSIONS, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
