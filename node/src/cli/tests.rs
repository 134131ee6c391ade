//! The command line is what clap takes it for.

use super::*;

#[test]
fn the_definition_holds() {
    Cli::command().debug_assert();
}

#[test]
fn every_verb_says_what_it_does() {
    for verb in verbs(&Cli::command()) {
        let about = verb.get_about().map(ToString::to_string).unwrap_or_default();
        assert!(about.len() > 10, "{} says nothing", verb.get_name());
        for arg in verb.get_arguments().filter(|arg| !matches!(arg.get_id().as_str(), "help" | "version")) {
            assert!(arg.get_help().is_some(), "{} --{} says nothing", verb.get_name(), arg.get_id());
        }
    }
}

/// What follows the flags is wrapped by hand; a line that is too long would be broken once more, before its last word.
#[test]
fn no_line_of_help_is_too_long() {
    for verb in verbs(&Cli::command()) {
        let text = verb.get_after_help().map(ToString::to_string).unwrap_or_default();
        let long = text.lines().find(|line| line.chars().count() > WIDTH_MAX);
        assert_eq!(long, None, "in the help of `{}`", verb.get_name());
    }
}

/// A command, and all below it.
fn verbs(command: &clap::Command) -> Vec<clap::Command> {
    let mut all = vec![command.clone()];
    all.extend(command.get_subcommands().flat_map(verbs));
    all
}

#[test]
fn flags_are_read() {
    let parse = |line: &str| Cli::try_parse_from(line.split(' ')).map(|cli| format!("{:?}", cli.verb));
    assert!(parse("hive-node echo a/* b/** --count 3 --timeout 5s").expect("subscribe").contains("\"b/**\""));
    assert!(parse("hive-node publish a/b -").is_ok());
    assert!(parse("hive-node plugins reload greet --json").is_ok());
    assert!(parse("hive-node plugins --json").is_ok());
    for wrong in
        ["call a/b x --timeout 5", "subscribe", "publish a/b x --count 0", "dance", "status -q -v", ""]
    {
        assert!(parse(&format!("hive-node {wrong}")).is_err(), "{wrong}");
    }
}
