"""Configuration as people write it: YAML with its lines, secrets with their line ends."""
