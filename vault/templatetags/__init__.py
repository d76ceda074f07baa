"""Template tags of the vault's rooms."""
