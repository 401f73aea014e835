"""The finders of hazards that are seen in the cluster, in the files of what they look at."""
