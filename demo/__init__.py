"""Sample courses, the demonstration and the benchmark."""
