//! Rules on dependencies: where their features stand, and which crate must stay without which.

use crate::Text;

/// Crates that must stay light, and what may never get into their manifests.
const WITHOUT: &[(&str, &[&str])] = &[
    ("node/proto/Cargo.toml", &["tokio", "quinn", "getrandom", "rand", "hive-node", "hive-client"]),
    ("node/client/Cargo.toml", &["wasmtime", "quinn", "hive-node"]),
    ("tests/Cargo.toml", &["wasmtime", "hive-node"]),
    ("guest-sdk/rust/Cargo.toml", &["tokio", "wasmtime", "hive-node", "hive-client"]),
];

/// What is wrong with a member's manifest.
pub(crate) fn problems(file: &Text) -> Vec<String> {
    // Workspaces of their own have their versions to themselves.
    let elsewhere =
        ["samples/", "tests/fuzz/", "tests/guests/"].iter().any(|folder| file.path.starts_with(folder));
    if !file.path.ends_with("/Cargo.toml") || elsewhere {
        return Vec::new();
    }
    let mut problems = Vec::new();
    let banned = WITHOUT.iter().find(|(path, _)| *path == file.path).map_or(&[][..], |(_, names)| names);
    let mut in_dependencies = false;
    for (number, line) in file.text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with('[') {
            in_dependencies = line.ends_with("dependencies]");
            continue;
        }
        let Some((key, value)) = line.split_once('=').filter(|_| in_dependencies && !line.starts_with('#'))
        else {
            continue;
        };
        let key = key.trim();
        let name = key.strip_suffix(".workspace").unwrap_or(key);
        let from_workspace = key.ends_with(".workspace") || value.contains("workspace = true");
        if !from_workspace {
            problems.push(format!(
                "{}:{}: `{name}` has its version outside the workspace",
                file.path,
                number + 1
            ));
        }
        // A feature switched on in one crate alone makes `-p` build another wasmtime than `--workspace`.
        let own_features = value.contains("features =") || value.contains("default-features");
        if own_features && !value.contains("\"sim\"") {
            problems.push(format!("{}:{}: `{name}` has features of its own", file.path, number + 1));
        }
        if banned.contains(&name) {
            problems.push(format!("{}:{}: this crate stays without `{name}`", file.path, number + 1));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_can_be_broken() {
        let check = |path: &str, line: &str, want: &str| {
            let text =
                format!("[package]\nname = \"x\"\n\n[dependencies]\n{line}\n\n[lints]\nworkspace = true\n");
            let said = problems(&Text { path: path.to_owned(), text }).join("\n");
            assert!(if want.is_empty() { said.is_empty() } else { said.contains(want) }, "{line}: {said}");
        };
        check("node/Cargo.toml", "tokio.workspace = true", "");
        check("node/Cargo.toml", "tokio = { workspace = true, optional = true }", "");
        check("node/Cargo.toml", "tokio = \"1\"", "node/Cargo.toml:5: `tokio` has its version");
        check("node/Cargo.toml", "tokio = { workspace = true, features = [\"x\"] }", "features of its own");
        check("node/client/Cargo.toml", "quinn.workspace = true", "stays without `quinn`");
        check("samples/greeter/rust/Cargo.toml", "serde = \"1\"", "");
    }
}
