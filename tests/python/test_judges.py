"""Validation and conformance, from Python."""
import pytest

import heatbath
from heatbath import errors, judges


def test_a_ladder_runs_on_a_device_and_on_emulators():
    with heatbath.open("func:cells=64&lanes=256&threads=1") as device:
        told = []
        ladder = judges.validate(["equilibrium"], [device], effort=0.02, seed=3, progress=told.append)
        assert ladder.checks and not ladder.failed and ladder.stopped_at == ""
        assert all(check.suite == "equilibrium" and check.bound in ("equal", "at least", "at most", "exact") for check in ladder.checks)
        assert told[-1] == 1.0 and told == sorted(told)
        assert "checks passed" in ladder._repr_html_()
        again = judges.validate(["equilibrium"], [device], effort=0.02, seed=3)
        assert [check.measured for check in again.checks] == [check.measured for check in ladder.checks]
    suites = judges.validation_suites()
    assert "equilibrium" in suites and len(suites) > 5
    row = f"equilibrium/{suites['equilibrium'][0]}"
    assert judges.validate([row], effort=0.02, threads=1).checks
    with pytest.raises(errors.BadArgError, match="equilibrium"):
        judges.validate(["colour"])


def test_what_a_device_cannot_run_is_named():
    with heatbath.open("func:cell=pbit&cells=4&lanes=8&threads=1") as device:
        ladder = judges.validate(["equilibrium"], [device], effort=0.02)
        assert not ladder.checks and ladder.skipped and all(row.missing for row in ladder.skipped)


def test_conformance_gives_a_verdict_per_claim():
    with heatbath.open("func:cells=4&lanes=4&threads=1") as device:
        verdicts = judges.conformance(device, ["identity", "reset-values"])
        assert [verdict.claim for verdict in verdicts] == ["identity", "reset-values"]
        assert all(verdict.verdict == "kept" and verdict.text for verdict in verdicts)
        with pytest.raises(errors.BadArgError, match="nothing"):
            judges.conformance(device, ["nothing"])
        with pytest.raises(errors.AbortedError):
            judges.conformance(device, progress=lambda fraction: False)
