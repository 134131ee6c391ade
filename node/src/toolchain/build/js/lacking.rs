//! What JavaScript has elsewhere and not in a component, and what to use instead.
//!
//! Exists so that TypeScript's compiler and an error of a handler that runs say the same. It must not know how either is
//! called: the SDK's `lacking.js` is given the table when a project is bundled.

use std::collections::BTreeMap;

const TIMERS: &str = "there are no timers of JavaScript here: `tick` and `after` of hive-guest are there";
const NETWORK: &str =
    "there is no network here: `call` a handler in Rust, which asks over HTTP with the grant `http`";
const NODE: &str = "there is no Node.js here: modules are `import`ed, and nothing is read from files";
const BROWSER: &str = "there is no browser here";
const STATE: &str = "there is no browser here: `state` keeps values";
const URL: &str =
    "a component has none: `import \"core-js/actual/url\"`, of the npm package core-js, brings one";
const ALONE: &str = "a component has one thread";
const ABORT: &str = "nothing that is waited for can be broken off here: `call` has a `timeout`";

const INTL: &str =
    "there are neither languages nor time zones here: `Date` is in UTC, and `toFixed` writes numbers";

/// Names, and what helps.
const LACKING: [(&[&str], &str); 15] = [
    (
        &["setTimeout", "setInterval", "setImmediate", "clearTimeout", "clearInterval", "clearImmediate"],
        TIMERS,
    ),
    (&["requestAnimationFrame"], TIMERS),
    (&["fetch", "XMLHttpRequest", "WebSocket", "EventSource"], NETWORK),
    (&["Headers", "Request", "Response", "FormData"], NETWORK),
    (&["require", "module", "exports", "__dirname", "__filename"], NODE),
    (&["process"], "there is no Node.js here: `config.get` has the configuration"),
    (&["Buffer"], "there is no Node.js here: `Uint8Array` is there"),
    (&["global", "self"], "it is called `globalThis` here"),
    (&["window", "document", "navigator", "location", "alert", "prompt", "confirm"], BROWSER),
    (&["localStorage", "sessionStorage", "indexedDB", "caches"], STATE),
    (&["URL", "URLSearchParams"], URL),
    (
        &["structuredClone"],
        "a component has none: `JSON.parse(JSON.stringify(value))` copies JSON, and `import \
         \"core-js/actual/structured-clone\"`, of the npm package core-js, brings it",
    ),
    (&["AbortController", "AbortSignal"], ABORT),
    (&["Worker", "SharedArrayBuffer", "Atomics"], ALONE),
    (&["Intl"], INTL),
];

/// Of modules of Node.js.
const NODE_MODULES: &str = "handlers have no Node.js around them, and so none of its modules, with or without types for them; \
                            packages of npm that are JavaScript alone work, and unit tests stand beside `src`";

fn table() -> BTreeMap<&'static str, &'static str> {
    let several = LACKING.iter().flat_map(|(names, instead)| names.iter().map(|name| (*name, *instead)));
    several.collect()
}

/// All of them as the SDK takes them: an object in JSON.
pub fn json() -> String {
    // Texts cannot fail to be written.
    serde_json::to_string(&table()).unwrap_or_default()
}

/// What TypeScript's compiler says, with advice that helps here: its own is for programs in Node.js and browsers.
pub fn advised(said: &str) -> String {
    let table = table();
    let advised = |line: &str| {
        let (before, rest) = line.split_once("Cannot find name '")?;
        let (name, _) = rest.split_once('\'')?;
        let instead = if name.starts_with("node:") { NODE_MODULES } else { table.get(name)? };
        Some(format!("{before}Cannot find name '{name}': {instead}\n"))
    };
    said.split_inclusive('\n').map(|line| advised(line).unwrap_or_else(|| line.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_types_do_not_know_is_told_with_what_is_there() {
        let check = |said: &str, want: &str| assert_eq!(advised(said), want, "{said}");
        check(
            "src/index.ts(5,3): error TS2591: Cannot find name 'process'. Do you need to install type definitions for \
             node? Try `npm i --save-dev @types/node`\nsrc/index.ts(6,3): error TS2304: Cannot find name 'mine'.\n",
            "src/index.ts(5,3): error TS2591: Cannot find name 'process': there is no Node.js here: `config.get` has the \
             configuration\nsrc/index.ts(6,3): error TS2304: Cannot find name 'mine'.\n",
        );
        check(
            "src/a.ts(1,22): error TS2591: Cannot find name 'node:fs'. Do you need to install type definitions?\n",
            &format!("src/a.ts(1,22): error TS2591: Cannot find name 'node:fs': {NODE_MODULES}\n"),
        );
        check("1 error\n", "1 error\n");
        assert!(json().contains(r#""Intl":"there are neither"#), "{}", json());
    }
}
