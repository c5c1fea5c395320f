"""A whole term, from the import to the frozen figures, on the movable clock: `make drill`. Everybody acts through the API
with a token of their own; what only pages do is asked of the same services. Nothing is measured here, all is checked."""
