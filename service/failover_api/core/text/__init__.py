"""What is written for people and read back: commit messages, pull requests, diffs, sentences, trailers, notices."""
