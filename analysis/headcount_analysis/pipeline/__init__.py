"""The pipeline: turns a run's ledger and topic into a verdict and a report.

`verify.py` reads from top to bottom. Each stage takes and returns frozen values:

1. plan:     `VerificationPlan`, the run and its criteria; `Tools`, Spark, the source, the tables.
2. read:     `RunRead`, the ledger's overview and the topic's rows by block.
3. compare:  `ComparedRun`, the compared blocks. Both stages repeat until the topic has settled.
4. evidence: `RunEvidence`, everything that the verdict rests on.
5. checks:   `CheckedRun`, the judgement and the thresholds' results.
6. report:   `Report`.

Following a run that is still under way (`follow/`) fills a `RunCache`. The cache only saves work:
a verification with an empty cache runs the same stages and reaches the same verdict.
"""
