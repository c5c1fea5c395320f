"""Terms, period tables, and the one book of everything that takes time."""
