"""GitHub's endpoints and texts."""
