"""The benchmark: backup and restore against what the same data cost at the very least. `bin/bench` runs it."""
