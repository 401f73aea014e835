"""What is made of more than one commit: each part is written once the one before has come to its end.

    move_runner            moves that are made up, alone or as the parts of one operation
    wave_runner            waves: who goes when, by `after`; wave_operation, wave_sight: one of them, and how far it is
    group_runner           moves of a group or of what is on a node: at once, or by waves
    relocation_runner      relocations: relocation_sight says what is due, relocation_writer writes it;
                           relocation_report, relocation_news: how that is told
    group_relocations      those of a group or a node, one after the other; group_operation, group_sight: one of
                           them, and how far it is

Nothing is kept but Git: any replica goes on, and so does the same command that is asked again.
"""
