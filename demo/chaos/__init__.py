"""Chaos: a site of its own whose processes are stopped, killed and starved while it works; in the end nothing may be lost."""
