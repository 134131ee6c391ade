//! Transcripts: commands as a person types them and everything they print, in `*.trycmd` beside this file.
//!
//! `TRYCMD=overwrite` writes what is printed now; read the difference before keeping it. `[PROGRAM]` stands for the
//! path that the program was started by, `[..]` for what differs from run to run.

#[test]
fn transcripts_are_true() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let transcripts = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/cmd/*.trycmd");
    let cases = trycmd::TestCases::new();
    cases.insert_var("[PROGRAM]", env!("CARGO_BIN_EXE_hive-node")).expect("a new variable");
    // Nothing of the person who runs the tests, and no node of theirs.
    for name in ["HIVE_NODE", "HIVE_DATA_DIR", "HIVE_CONFIG", "RUST_LOG", "XDG_DATA_HOME"] {
        cases.env(name, "");
    }
    for name in ["HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"] {
        cases.env(name, home.path().to_string_lossy());
    }
    cases.case(transcripts).run();
}
