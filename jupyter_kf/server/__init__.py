"""Server room, a face: the workbench as an extension of Jupyter Server. REST by ``openapi.yaml``, live events."""
