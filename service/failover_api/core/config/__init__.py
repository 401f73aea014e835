"""Configuration files: YAML with its line numbers, schemas with errors in plain words, secrets as people paste them."""
