"""The files with which a project begins: a scenario, its options, and a job for its CI."""
