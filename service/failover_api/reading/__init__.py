"""Reads what stands in Git: services and their manifests, where a manifest is, what happened to it."""
