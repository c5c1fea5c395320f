"""Mail: asked for in the transaction it follows, sent by a worker, at least once, under one Message-ID."""
