"""Policy direct: those who wait for a branch are written in one commit."""
