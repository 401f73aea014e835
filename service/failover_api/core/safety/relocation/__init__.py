"""The ladder home: a planned move in five steps, each one commit, each with the proof that lets it go on.

    1 reverse      replication towards the target brings what it can while the app still runs
    2 quiesce      the app stops, and is seen to hold its claims no more
    3 final-sync   a sync that began after that brings the rest
    4 cutover      that replication is parked, and the app starts on the target
    5 protect      replication away from the target begins

Where it stands is told by Git alone: by the trailers of its commits, and by the values that stand there. What it
waits for is told by the cluster alone. So anybody can go on with it, and nobody has to remember anything. Until 4 the
way back is one commit too, and it puts back what was.

    steps       the names of the steps, and of what ends them early
    places      what stands where in Git, as plain values
    subject     what is moved: documents, switches, limits; `subject_of` makes it from the catalog
    tags        manual tags of ours: each used once
    gitview     what Git says: the commits of the operation, the values now and before it
    sight       what the cluster says; `sight_of` makes it from what is observed
    proofs      what was seen, as text in a commit, and read back
    values      what should stand in Git at each step, what a step changes, and what undoes it
    sync        has a tag been answered, how well, and with data of when
    quiet       has the app stopped
    table       every position and every way from one to another
    going_up    what each position waits for
    ladder      decide(): the next step, or why there is none
    manifests   the same in YAML; `rehearsal` is all of it at once
    in_order    several of them, one after the other

https://volsync.readthedocs.io/en/stable/usage/triggers.html
"""
