"""Looking for a manifest: what a file holds, and what comes nearest to one that is not there."""
