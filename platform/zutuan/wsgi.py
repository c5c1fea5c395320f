"""What an HTTP server runs: `zutuan.wsgi:app`."""

import gc
import os

from zutuan.app import create_app
from zutuan.beside import end_with

app = create_app()
end_with(os.getppid())  # a server that is killed leaves no process on its port

# What start-up made lives as long as the process: looking through it again and again cost some requests 20 ms.
gc.collect()
gc.freeze()
gc.set_threshold(20_000, 20, 20)
