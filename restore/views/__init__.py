"""The pages of restores: where one begins, the stages of the wizard, and what they share."""
