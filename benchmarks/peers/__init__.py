"""Scripts that run in the environments of peers; each prints one line of JSON."""
