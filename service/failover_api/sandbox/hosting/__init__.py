"""What a Git host knows beyond Git: pull requests, people, rules, limits, and faults that can be asked for."""
