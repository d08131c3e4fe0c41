"""Server, a face's room: the workbench under a Jupyter server, as REST and as events (``openapi.yaml`` is the contract)."""
