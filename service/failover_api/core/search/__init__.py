"""Finding a manifest: what a file holds (`file_summary`), what is close to one that was not found (`near_misses`)."""
