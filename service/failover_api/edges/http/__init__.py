"""What any request meets: who calls, what it may cost, ETags, the headers of every answer."""
