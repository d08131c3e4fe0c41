"""Widgets, a face's room: answers of the workbench as text, SVG and HTML. Pure functions over what they are given."""
