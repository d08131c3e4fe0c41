"""The guest: runs one step in any process. Standard library only, Python 3.9 and later, no import from the rest."""
