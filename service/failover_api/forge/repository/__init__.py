"""What holds for a repository of any host: reads that lag behind our writes (`lag`), writes without a reply."""
