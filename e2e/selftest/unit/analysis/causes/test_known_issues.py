"""A known issue is reported and does not fail a run until its last day; another cause beside it does."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from e2e.analysis.causes.registry import definitions
from e2e.analysis.diagnosis.known_issues import is_accepted, lapsed
from e2e.analysis.judge import judge
from e2e.analysis.model.run import Run, assemble
from e2e.analysis.model.verdict import UNEXPLAINED
from e2e.capture.target.policy import policy_of
from e2e.plugin.assertions import act_on
from e2e.profile.parts.policy import KnownIssue
from e2e.profile.profile import load
from e2e.profile.values.cause_names import cause_names
from e2e.records.records import Accepted, Policy
from e2e.selftest.unit.builders import START, make_run, with_meta
from reports.summary.page import conclusion, headline
from reports.summary.summary import summarise

DAY = dt.datetime.fromtimestamp(START, dt.UTC).date()
BEFORE = (DAY - dt.timedelta(days=1)).isoformat()


def judged(*faults: str, until: str = DAY.isoformat(), cause: str = "stale-state") -> Run:
    records = make_run(*faults)
    known = Accepted(cause, until, "the fix is in the next release")
    return assemble([with_meta(records, policy=replace(records.meta.policy, accepted=(known,)))])


def test_a_known_issue_is_reported_and_fails_nothing_until_its_last_day() -> None:
    run = judged("stale-state")
    summary = summarise(run, judge(run))
    assert judge(run).outcome == summary.outcome == "pass"
    assert {c.verdict for c in summary.checks if c.cause} == {"fail"}
    assert all("accepted until" in c.accepted for c in summary.checks if c.verdict == "fail")
    assert summary.causes[0].accepted_until == DAY.isoformat()
    assert "accepted" in headline(summary)
    assert "the fix is in the next release" in conclusion(summary)
    with pytest.raises(
        pytest.xfail.Exception, match=r"known issue: stale-state is accepted until .*16 of 16"
    ):
        act_on(judge(run).verdict("rotation.sent_id_is_fresh"))


def test_a_known_issue_counts_again_on_the_day_after() -> None:
    run = judged("stale-state", until=BEFORE)
    assert judge(run).outcome == "fail"
    assert set(lapsed(run)) == {"stale-state"}
    with pytest.raises(AssertionError, match="16 of 16"):
        act_on(judge(run).verdict("rotation.sent_id_is_fresh"))


def test_another_cause_beside_a_known_issue_fails_the_run() -> None:
    run = judged("stale-state", "label-stale")
    failed = {v.name: v for v in judge(run).verdicts if v.outcome == "fail"}
    assert judge(run).outcome == "fail"
    assert failed["rotation.sent_id_is_fresh"].accepted
    assert not failed["provider.label_is_true"].accepted


def test_a_check_with_two_causes_is_accepted_when_both_are() -> None:
    (verdict,) = [v for v in judge(judged("stale-state")).verdicts if v.name == "rotation.sent_id_is_fresh"]
    two = replace(verdict, causes=(*verdict.causes, replace(verdict.causes[0], name="late-rotation")))
    one_known = {"stale-state": Accepted("stale-state", "2999-01-01", "known")}
    assert is_accepted(verdict, one_known)
    assert not is_accepted(two, one_known)
    assert is_accepted(two, one_known | {"late-rotation": Accepted("late-rotation", "2999-01-01", "known")})


def test_runs_with_different_known_issues_can_be_pooled() -> None:
    one, other = make_run("stale-state"), make_run("stale-state", run_id="later", seed=9)
    accepted = replace(other.meta.policy, accepted=(Accepted("stale-state", "2999-01-01", "known"),))
    other = with_meta(other, policy=accepted, started=other.meta.started + 60)
    assert judge(assemble([one, other])).outcome == "pass"  # the newest run says what is accepted


def test_a_known_issue_is_the_same_after_writing_and_reading() -> None:
    policy = Policy(accepted=(Accepted("label-stale", "2027-01-31", "next design", "https://a.example/1"),))
    assert Policy.from_json(policy.to_json()) == policy


def test_a_known_issue_of_the_profile_reaches_the_policy() -> None:
    issue = KnownIssue(cause="label-stale", until=dt.date(2027, 1, 31), reason="next design")
    profile = load("reference").model_copy(update={"known_issues": (issue,)})
    assert policy_of(profile).accepted == (Accepted("label-stale", "2027-01-31", "next design"),)


def test_the_profile_accepts_every_cause_that_the_diagnosis_names() -> None:
    assert set(cause_names()) == set(definitions()) - {UNEXPLAINED}
