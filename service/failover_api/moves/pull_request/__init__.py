"""Policy pull_request: a branch of ours, a commit on it, and a pull request that a person merges."""
