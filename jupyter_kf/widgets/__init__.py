"""Widgets, a face's room: answers of the workbench as text, SVG and HTML. Pure functions, no I/O but reading outputs."""
