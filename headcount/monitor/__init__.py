"""Live: what is known of a run while it goes on, from its generators and from the topic.

It is quick, and no judgement: what counts is what Spark reads when the run is over. `progress.py`
is what a generator tells, `sight.py` what is seen in the topic, `watch.py` the process that looks,
`gauge.py` puts the two together, `missing.py` holds what was acknowledged against what was seen,
and `guard.py` tells of a threshold that is broken for good.
"""
