"""Words: frozen dataclasses that every other room speaks in. Standard library only, no I/O."""
