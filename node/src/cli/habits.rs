//! What verbs are called by other programs: whoever types such a word is told what it is called here.

use clap::{
    builder::StyledStr,
    error::{ContextKind, ContextValue},
};

/// What it is called elsewhere, and here.
const CALLED: &[(&[&str], &str)] = &[
    (&["create", "generate", "init", "scaffold"], "new NAME --lang LANGUAGE"),
    (&["compile", "make"], "build"),
    (&["watch"], "dev"),
    (&["daemon", "serve", "server", "start", "up"], "run"),
    (&["deploy", "install", "load"], "run --plugins DIR"),
    (&["handlers", "list", "ls", "ps"], "plugins"),
    (&["log", "logs", "tail"], "plugins logs NAME --follow"),
    (&["reload", "restart"], "plugins reload NAME"),
    (&["rollback", "undo"], "plugins rollback NAME"),
    (&["kv", "state"], "plugins state NAME"),
    (&["inspect", "validate", "verify"], "check"),
    (&["emit", "pub", "put", "send"], "publish CHANNEL DATA"),
    (&["listen", "sub"], "subscribe PATTERN"),
    (&["get", "invoke", "query", "req", "request"], "call CHANNEL DATA"),
    (&["info", "health", "metrics", "prometheus", "stats", "top"], "status"),
    (&["members", "nodes", "ping"], "peers"),
    (&["dead", "retry"], "replay PLUGIN"),
    (&["key", "secret"], "keygen"),
];

/// Words for what other programs read.
const COUNTS: &[&str] = &["metrics", "prometheus", "stats"];
/// Where they read it.
const COUNTS_TIP: &str = "for Prometheus it is `/metrics` of the API: `curl --unix-socket DATA-DIR/node.sock http://localhost/metrics`, \
     with the path that `status` shows as `api`";

/// Adds to an error about an unknown verb what is meant, where clap has no word that is like it.
pub(super) fn suggest(error: &mut clap::Error) {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) else { return };
    let known = CALLED.iter().find(|(words, _)| words.contains(&word.as_str()));
    let Some((_, verb)) = known else { return };
    let mut tips = vec![StyledStr::from(format!("that is `hive-node {verb}`"))];
    tips.extend(COUNTS.contains(&word.as_str()).then(|| StyledStr::from(COUNTS_TIP)));
    error.remove(ContextKind::SuggestedSubcommand);
    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(tips));
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn what_is_suggested_is_there_and_no_word_of_ours_is_called_otherwise() {
        for (words, verb) in CALLED {
            let mut line = verb.split(' ');
            let ours = line.next().expect("a verb");
            let command = Cli::command();
            assert!(command.find_subcommand(ours).is_some(), "{verb}");
            assert!(words.iter().all(|word| command.find_subcommand(word).is_none()), "{words:?}");
            let line = ["hive-node", ours].into_iter().chain(line.map(|word| match word {
                "LANGUAGE" => "rust",
                other => other,
            }));
            assert!(Cli::try_parse_from(line).is_ok(), "{verb}");
        }
    }

    #[test]
    fn a_word_of_others_is_told_what_it_is_here_and_an_unknown_one_is_not() {
        let said = |word: &str| {
            let mut error = Cli::try_parse_from(["hive-node", word]).expect_err("no such verb");
            suggest(&mut error);
            error.to_string()
        };
        assert!(
            said("logs").contains("tip: that is `hive-node plugins logs NAME --follow`"),
            "{}",
            said("logs")
        );
        assert!(said("pub").contains("tip: that is `hive-node publish"), "{}", said("pub"));
        let counts = said("metrics");
        assert!(counts.contains("tip: that is `hive-node status`"), "{counts}");
        assert!(counts.contains("http://localhost/metrics"), "{counts}");
        assert!(!said("xyzzy").contains("tip:"), "{}", said("xyzzy"));
        assert!(said("calll").contains("a similar subcommand exists: 'call'"), "{}", said("calll"));
    }
}
