"""How far a bundle is proven, and what is said of one that is not."""

from pathlib import Path

import pytest

from handler.manifest import BundleManifest, ProofEntry
from packager.checking.gates import Gates
from packager.checking.proof import describe_proof, problem_of_proof, proof_of
from packager.checking.report import Check, Problem
from packager.checking.story import check_bundle
from tests.support.bundles import make_bundle
from tests.support.commands import packager

NAMES = ("import and init", "prediction", "same predictions as the source model")


def made(*statuses: str) -> list[Check]:
    problem = [Problem("failed so", "mend it")]
    return [
        Check.not_made(name, "not made so")
        if status == "not made"
        else Check.of(name, problem if status == "failed" else [], f"{name} went well")
        for name, status in zip(NAMES, statuses, strict=True)
    ]


@pytest.mark.parametrize(
    ("statuses", "state", "reason"),
    [
        (("passed", "passed", "passed"), "proven", f"{NAMES[2]} went well"),
        (("passed", "passed", "not made"), "not compared", "not made so"),
        (("passed", "not made", "not made"), "not compared", "not made so"),
        (("failed", "not made", "not made"), "not compared", "failed so"),
        (("passed", "passed", "failed"), "not compared", "failed so"),
        (("not made", "not made", "not made"), "not run", "not made so"),
    ],
)
def test_proven_is_what_ran_and_predicted_what_the_source_does(
    statuses: tuple[str, ...], state: str, reason: str
) -> None:
    proof = proof_of(check.entry for check in made(*statuses))

    assert (proof.state, proof.reason) == (state, reason)
    assert (problem_of_proof(proof) is None) == (state == "proven")


def test_what_was_not_run_and_what_was_not_compared_have_different_ways_on() -> None:
    not_run = problem_of_proof(ProofEntry("not run", "no Python 3.13 here"))
    not_compared = problem_of_proof(ProofEntry("not compared", "there is no example"))

    assert not_run is not None
    assert not_compared is not None
    assert "no Python 3.13 here" in not_run.message
    assert "--input-example" in not_compared.hint
    assert "--input-example" not in not_run.hint


def test_a_bundle_that_was_not_run_says_so_first_and_passes_unless_a_proof_is_required(
    tmp_path: Path,
) -> None:
    make_bundle(tmp_path, model=None, architecture="arm64")

    done = packager("check", tmp_path)
    required = packager("check", tmp_path, "--require-proof")

    assert done.stdout.startswith("not run: the bundle is for arm64")
    assert done.returncode == 0
    assert required.returncode == 3
    assert "gate: proof" in required.stdout
    assert "the bundle is not proven" in required.stderr


def test_the_report_for_machines_has_the_proof(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path, model=None, architecture="arm64")

    report = check_bundle(bundle, gates=Gates(requires_proof=True))

    document = report.to_dict()
    assert document["proof"]["state"] == "not run"
    assert document["is_ok"] is False


def test_a_bundle_of_before_there_were_proofs_is_read(tmp_path: Path) -> None:
    manifest = make_bundle(tmp_path, model=None).manifest
    without = manifest.to_json().replace('"proof": null,', "")

    assert "proof" not in without
    assert BundleManifest.from_json(without).proof is None


@pytest.mark.parametrize("state", ["proven", "not compared", "not run"])
def test_a_proof_survives_the_way_through_its_file(tmp_path: Path, state: str) -> None:
    proof = ProofEntry(state, "so it is")  # type: ignore[arg-type]
    bundle = make_bundle(tmp_path, model=None, proof=proof)

    assert BundleManifest.from_json(bundle.manifest.to_json()).proof == proof
    assert "so it is" in describe_proof(proof)
