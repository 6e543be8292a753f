"""The feedback role: what came back is taken from files, read, and settled."""
