"""Widgets, a face's room: answers of the workbench as text, SVG and HTML, and runs under way as live widgets."""
