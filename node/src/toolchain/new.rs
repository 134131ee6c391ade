//! A new project: a handler that builds at once, with a test, in any of the languages.
//!
//! What it owns: the templates, and how the SDK comes into a project. It must not know how a project is built.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use include_dir::{Dir, include_dir};

use super::{
    build::js::link_to,
    sdk::{self, FOLDER as SDK_FOLDER, Sdk},
};

static TEMPLATES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/src/toolchain/new/templates");

/// Bytes of a name: it becomes a file's, a crate's and a channel's.
const NAME_BYTES_MAX: usize = 64;

/// What a project is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Rust.
    Rust,
    /// JavaScript.
    Js,
    /// TypeScript.
    Ts,
    /// Python.
    Python,
    /// C.
    C,
    /// Go.
    Go,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Rust, Self::Js, Self::Ts, Self::Python, Self::C, Self::Go];

    /// What people type, too.
    #[must_use]
    pub fn others(self) -> &'static [&'static str] {
        match self {
            Self::Rust => &["rs"],
            Self::Js => &["javascript"],
            Self::Ts => &["typescript"],
            Self::Python => &["py"],
            Self::C => &[],
            Self::Go => &["golang"],
        }
    }

    /// What people type.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Js => "js",
            Self::Ts => "ts",
            Self::Python => "python",
            Self::C => "c",
            Self::Go => "go",
        }
    }

    /// What handlers in it are written with.
    fn sdk(self) -> Sdk {
        match self {
            Self::Rust => Sdk::Rust,
            Self::Js | Self::Ts => Sdk::Js,
            Self::Python => Sdk::Python,
            Self::C => Sdk::C,
            Self::Go => Sdk::Go,
        }
    }

    /// The language of a name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.name() == name || language.others().contains(&name))
    }
}

/// The package that every project depends on.
const SDK: &str = "hive-guest";

/// Why there is no new project.
#[derive(Debug, thiserror::Error)]
pub enum NewError {
    /// The name cannot be a plugin's.
    #[error(
        "`{0}` cannot be a plugin's name: small letters, digits and `-`, beginning with a letter, at most 64"
    )]
    Name(String),
    /// It is the SDK's.
    #[error("`{0}` is what the SDK is called: a project cannot be called so, too")]
    Sdk(String),
    /// Something is there already.
    #[error("{} is there already, and not empty", .0.display())]
    Exists(PathBuf),
    /// It cannot be written.
    #[error("cannot write {}: {source}", .path.display())]
    Write {
        /// Where.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Makes a project in the folder; its name is the folder's own.
///
/// # Errors
/// When the name cannot be a plugin's, something is there, or it cannot be written.
pub fn project(folder: &Path, language: Language) -> Result<(), NewError> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if !is_name(&name) {
        return Err(NewError::Name(name));
    }
    if name == SDK {
        return Err(NewError::Sdk(name));
    }
    if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) || folder.is_file() {
        return Err(NewError::Exists(folder.into()));
    }
    write(folder, &name, language).map_err(|source| NewError::Write { path: folder.into(), source })
}

fn write(folder: &Path, name: &str, language: Language) -> io::Result<()> {
    let Some(template) = TEMPLATES.get_dir(language.name()) else {
        return Err(io::Error::other("this build of the program has no such template"));
    };
    for (path, content) in sdk::everything(template) {
        let file = folder.join(target(path.strip_prefix(language.name()).unwrap_or(&path)));
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent)?;
        }
        let text = String::from_utf8_lossy(content).replace("{{name}}", name);
        fs::write(file, text.replace("{{crate}}", &name.replace('-', "_")))?;
    }
    language.sdk().write(&folder.join(SDK_FOLDER))?;
    match language {
        // As `npm install` would: so tests and editors find it at once.
        Language::Js | Language::Ts => link_to(Path::new(SDK_FOLDER), &folder.join("node_modules").join(SDK)),
        Language::Rust | Language::Python | Language::C | Language::Go => Ok(()),
    }
}

/// A template's file as the project has it: `Cargo.toml.in` is none of this repository's manifests, and `dot.gitignore`
/// hides nothing here.
fn target(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let name = name.strip_suffix(".in").unwrap_or(&name);
    match name.strip_prefix("dot.") {
        Some(hidden) => path.with_file_name(format!(".{hidden}")),
        None => path.with_file_name(name),
    }
}

fn is_name(name: &str) -> bool {
    name.len() <= NAME_BYTES_MAX
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_a_project_with_its_sdk_and_without_a_gap() {
        let parent = tempfile::tempdir().expect("a folder");
        for language in Language::ALL {
            let folder = parent.path().join(format!("my-{}", language.name()));
            project(&folder, language).expect("a project");
            for file in ["README.md", ".gitignore", "cases.yaml", "hive.yaml", SDK_FOLDER] {
                assert!(folder.join(file).exists(), "{file} of {language:?}");
            }
            let readme = fs::read_to_string(folder.join("README.md")).expect("a readme");
            assert!(
                readme.contains(&format!("my-{}", language.name())) && !readme.contains("{{"),
                "{readme}"
            );
            assert!(readme.lines().count() <= 20, "{readme}");
            let again = project(&folder, language).expect_err("it is there");
            assert!(matches!(again, NewError::Exists(_)), "{again}");
            assert_eq!(Language::of(language.name()), Some(language));
        }
        assert_eq!(Language::of("cobol"), None);
    }

    #[test]
    fn names_are_those_of_plugins_everywhere() {
        for name in ["greeter", "a1", "two-words"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "Greeter", "1a", "a_b", "a b", "é", "..", &"a".repeat(65)] {
            assert!(!is_name(name), "{name}");
        }
        let parent = tempfile::tempdir().expect("a folder");
        let sdks = project(&parent.path().join(SDK), Language::Go).expect_err("two of one name");
        assert!(matches!(sdks, NewError::Sdk(_)) && !parent.path().join(SDK).exists(), "{sdks}");
    }
}
