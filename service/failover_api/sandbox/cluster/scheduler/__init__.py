"""The scheduler: which node a pod runs on, or why none will do."""
