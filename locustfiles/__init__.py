"""Traffic stories: one scenario a file, nothing but users, tasks and weights."""
