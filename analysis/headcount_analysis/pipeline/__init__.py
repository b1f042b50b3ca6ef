"""The pipeline: takes a run from its ledger and its topic to a verdict and a report.

`verify.py` reads from top to bottom. Each stage takes and returns frozen values:

1. plan:     `VerificationPlan`, what is judged and by what; `Tools`, what does the work.
2. read:     `RunRead`, the ledger's overview and the topic's rows by block.
3. compare:  `ComparedRun`, the compared blocks. Both stages repeat until the topic has settled.
4. evidence: `RunEvidence`, all that the verdict rests on.
5. checks:   `CheckedRun`, the judgement and the thresholds' results.
6. report:   `Report`.

A run that is followed while it goes on (`follow.py`) fills a `RunCache`. The cache only saves work:
a verification with an empty cache takes the same way and comes to the same verdict.
"""
