"""Results at home: the recognised grade beside the original, and the papers made of it."""
