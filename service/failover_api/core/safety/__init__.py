"""What stands between a commit and a running app: hazards, found in what is planned and in what is known around it."""
