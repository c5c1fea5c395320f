"""Imports on pages: a file is checked by a worker, its differences are looked at, and then it is applied whole."""
