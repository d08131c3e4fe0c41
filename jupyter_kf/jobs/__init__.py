"""Jobs, a feature's room: distributed training. What a job is, what each replica gets and what its state means."""
