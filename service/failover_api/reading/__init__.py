"""What stands in Git: services and their files, where a manifest is, what happened to it."""
