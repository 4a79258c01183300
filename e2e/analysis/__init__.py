"""From records to verdicts: pure functions, no browser, no file, no pytest.

``frames.assemble(runs)`` makes one `Run` out of recorded runs; every check is ``f(run) -> Verdict``; `catalogue` lists them
in report order and judges a run by all of them; `diagnosis` names the causes of what failed.
"""
