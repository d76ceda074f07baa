"""The benchmark: backup and restore against what the same data cost at least. `bin/bench` runs it."""
