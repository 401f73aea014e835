"""How a wish becomes a change in Git. A task is thought through; then one of two ways:

writer, batch, ticket              policy direct: those who wait are written in one commit
proposer, proposal                 policy pull_request: a branch, a commit and a pull request of ours
  own_branch, tip, finishing       that branch, what is on it, what comes after
grouping, members, repeats         a group as tasks; what a pull request holds of it; a key that comes again
  task                             a wish, and how it is thought through
"""
