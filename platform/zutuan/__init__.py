"""组团 (Zutuan): the kernel. Features live in the top packages beside it."""
