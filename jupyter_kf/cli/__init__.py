"""CLI, a face: ``jupyter kf …``. Parses with the workbench's grammar, calls it, prints what it answers."""
