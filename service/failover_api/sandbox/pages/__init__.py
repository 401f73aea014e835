"""The host's pages for people: what its API calls `html_url`."""
