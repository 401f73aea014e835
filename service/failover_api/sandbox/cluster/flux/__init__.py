"""Flux: what stands in the repository is applied to the cluster, by controllers that run on its nodes."""
