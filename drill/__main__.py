"""`python -m drill`: the whole term on each database, in a temporary folder that goes at the end."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import databases
from drill import term
from drill.stage import Failed


@contextmanager
def folder() -> Iterator[Path]:
    """PostgreSQL's own user must be able to pass through it."""
    made = Path(tempfile.mkdtemp(prefix="zutuan-drill-"))
    made.chmod(0o711)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def drill(open_database: databases.Opener, size: int) -> bool:
    """Whether everything was as it has to be; None of a database that is not here is said, and is a failure."""
    with folder() as place, open_database(place) as target:
        if target is None:
            print(databases.HOW_TO_GET_IT, file=sys.stderr)
            return False
        started = time.monotonic()
        print(f"\n# {target.about}\n", flush=True)
        try:
            term.play(target.url, place, size, lambda text: print(text, flush=True))
        except Failed as error:
            print(f"   ✗ {error}", flush=True)
            return False
        print(f"\n{target.name}：全部如期，{time.monotonic() - started:.0f} 秒 / all as it has to be", flush=True)
        return True


def main() -> None:
    parser = argparse.ArgumentParser(description=term.__doc__)
    parser.add_argument("--size", type=int, default=term.WHOLE, help="students of each home school")
    parser.add_argument("--on", choices=("both", "sqlite", "postgres"), default="both")
    chosen = parser.parse_args()
    openers = [each for each in (databases.sqlite, databases.postgres) if chosen.on in ("both", each.__name__)]
    sys.exit(0 if all([drill(each, max(chosen.size, term.SHORT)) for each in openers]) else 1)


if __name__ == "__main__":
    main()
