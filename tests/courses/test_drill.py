"""The drill (`make drill`) in its short form: a whole term on each database."""

from __future__ import annotations

from pathlib import Path

from drill import term


def test_a_term_from_the_import_to_the_frozen_figures(empty_url: str, tmp_path: Path) -> None:
    said: list[str] = []
    term.play(empty_url, tmp_path, term.SHORT, said.append)
    assert sum(line.lstrip().startswith("✓") for line in said) >= 20, said
