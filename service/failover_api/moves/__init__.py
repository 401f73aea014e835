"""A change in Git, by one of two policies.

direct          those who wait for a branch are written in one commit
pull_request    a branch of ours, a commit on it, and a pull request that a person merges
fallback        the first; the second where the branch takes no commits
evacuation      everything on a node as moves, each by its own action
group           the services of a group as moves, one for each branch and policy
idempotency     a key that comes again: its first outcome, as Git has it
empty_commit    a commit that changes no file, and only says something
tidy            the second commit of a move with `unblock: rolling`
relocation      a step of a relocation, as a commit
rollback        what a rollback undoes, read before it is planned
move            what is asked of one branch, and how it is planned
outcome         the outcome of a move
progress        the steps on the way, for whoever waits
"""
