"""Our `platform/` folder must never shadow Python's own `platform` module (design 2)."""

import importlib
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_folder_is_no_package() -> None:
    assert (ROOT / "platform" / "zutuan" / "__init__.py").exists()
    assert not (ROOT / "platform" / "__init__.py").exists()


def test_import_platform_is_the_standard_library() -> None:
    module = importlib.import_module("platform")
    assert Path(module.__file__ or "").parent == Path(sysconfig.get_paths()["stdlib"])


def test_python_m_works_from_the_root() -> None:
    """`python -m` puts the current folder first on the path: where a shadow would bite."""
    code = "import platform; print(platform.system())"
    for arguments in (["-m", "pytest", "--version"], ["-c", code]):
        done = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_no_packages_under_tests() -> None:
    assert list((ROOT / "tests").rglob("__init__.py")) == []
