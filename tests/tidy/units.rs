//! What cargo would build: for the program, and for the tests of everything.

use std::collections::{BTreeMap, BTreeSet};

use hive_tests::{cargo::cargo, workspace};
use serde_json::Value;

/// One thing cargo builds, and the ways in which it does: features and profiles.
type Units = BTreeMap<String, BTreeSet<String>>;

/// The dependencies of the program that the tests need in another way.
pub(crate) fn built_again() -> Vec<String> {
    let program = units(&["build", "--release"]);
    let tests = units(&["test", "--workspace", "--release", "--no-run"]);
    assert!(program.len() > 100, "cargo named only {} things to build", program.len());
    let again = program.iter().filter(|(unit, ways)| {
        let ours = unit.contains("path+file");
        !ours && tests.get(*unit).is_some_and(|others| !ways.is_subset(others))
    });
    again.map(|(unit, _)| unit.clone()).collect()
}

fn units(arguments: &[&str]) -> Units {
    let output = cargo(&workspace())
        .args(arguments)
        .args(["--unit-graph", "-Z", "unstable-options"])
        // The plan is for people who look at cargo itself, so it is not among what is stable.
        .env("RUSTC_BOOTSTRAP", "1")
        .output()
        .expect("cargo starts");
    let said = String::from_utf8_lossy(&output.stderr);
    let graph: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"));
    let mut units = Units::new();
    for unit in graph["units"].as_array().expect("a list of units") {
        if matches!(unit["mode"].as_str(), Some("build" | "run-custom-build")) {
            let name = format!("{} {} {}", unit["pkg_id"], unit["target"]["kind"], unit["mode"]);
            units.entry(name).or_default().insert(format!("{} {}", unit["features"], unit["profile"]));
        }
    }
    units
}
