"""Two archives compared, whatever their ids."""
