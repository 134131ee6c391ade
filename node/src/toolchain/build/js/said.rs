//! What esbuild and componentize-qjs say, where they mean other programs or say too much.
//!
//! Exists because their hints are for programs that run in Node.js or a browser. It must not know how they are called.

/// What componentize-qjs puts before an error of the project's own modules, outermost first.
const LAYERS: [&str; 3] = [
    "Error: : ",
    "Failed to evaluate user JavaScript module: ",
    "Failed to finish JavaScript module evaluation: ",
];

/// What esbuild says, with advice that helps here.
pub fn advised(said: &str) -> String {
    let advised = |line: &str| {
        let package = line.split('"').nth(1).unwrap_or_default();
        if line.contains("is built into node") {
            return Some(format!("  Handlers have no Node.js around them, and so no \"{package}\".\n"));
        }
        if line.contains("as external to exclude it from the bundle") {
            return Some(format!(
                "  `npm install {}` in the project's folder installs it.\n",
                installed(package)
            ));
        }
        let (before, _) = line
            .split_once(" is not available in the configured target environment")
            .filter(|(before, _)| before.contains("Top-level await"))?;
        Some(format!("{before} is not there: `await` in a function, such as that of `start`\u{1b}[0m\n"))
    };
    said.split_inclusive('\n').map(|line| advised(line).unwrap_or_else(|| line.to_owned())).collect()
}

/// What componentize-qjs says of an error in the project's modules: the error itself, and where in the project it was; `sdk`
/// is the folder of the SDK, whose own places help nobody.
pub fn bare(said: &str, sdk: Option<&str>) -> String {
    let plain = LAYERS.iter().fold(said, |rest, layer| rest.strip_prefix(layer).unwrap_or(rest));
    let ours = sdk.map(|sdk| format!("({}/src/", sdk.trim_end_matches('/')));
    let is_ours = |line: &str| {
        let ours = ours.as_ref().is_some_and(|ours| line.contains(ours));
        ours && line.trim_start().starts_with("at ")
    };
    plain.split_inclusive('\n').filter(|line| !is_ours(line)).collect()
}

/// What npm calls the package that a module is of: `@scope/name/deep/file` is of `@scope/name`.
fn installed(module: &str) -> String {
    module.split('/').take(1 + usize::from(module.starts_with('@'))).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_is_for_handlers() {
        let check = |said: &str, want: &str| assert_eq!(advised(said), want, "{said}");
        check(
            "x [ERROR] Could not resolve \"node:fs\"\n\n  The package \"node:fs\" wasn't found on the file system but is \
             built into node. Are you trying to bundle for node? You can use \"--platform=node\" to do that.\n\n",
            "x [ERROR] Could not resolve \"node:fs\"\n\n  Handlers have no Node.js around them, and so no \"node:fs\".\n\n",
        );
        check(
            "  You can mark the path \"@a/b/c\" as external to exclude it from the bundle, which will remove this error.\n",
            "  `npm install @a/b` in the project's folder installs it.\n",
        );
        check(
            "[ERROR] Top-level await is not available in the configured target environment (\"es2022\" + 4 overrides)\n",
            "[ERROR] Top-level await is not there: `await` in a function, such as that of `start`\u{1b}[0m\n",
        );
        check("1 error\n", "1 error\n");
    }

    #[test]
    fn an_error_of_a_module_is_said_without_what_is_around_it() {
        let said = "Error: : Failed to evaluate user JavaScript module: Failed to finish JavaScript module evaluation: \
                    Error: no option\n    at known (.hive/sdk/src/registry.js:9)\n    at <anonymous> (src/index.js:3)\n";
        let want = "Error: no option\n    at <anonymous> (src/index.js:3)\n";
        assert_eq!(bare(said, Some(".hive/sdk")), want);
        assert_eq!(bare(want, None), want);
    }
}
