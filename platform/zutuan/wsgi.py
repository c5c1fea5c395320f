"""What an HTTP server runs: `zutuan.wsgi:app`."""

import gc

from zutuan.app import create_app

app = create_app()

# What start-up made lives as long as the process: looking through it again and again cost some requests 20 ms.
gc.collect()
gc.freeze()
gc.set_threshold(20_000, 20, 20)
