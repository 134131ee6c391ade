//! The languages' own tools: how they are called, and where those are kept that a project needs and nobody installed.
//!
//! What it owns: clean environments, what a tool's end means, and the cache of tools and interfaces in the user's cache
//! folder, which projects share. It must not know what a tool does.

use std::{
    env,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

use rustix::fs::{FlockOperation, flock};
use tokio::process::Command;

use super::{BuildError, Options};
use crate::toolchain::sdk;

/// A program that somebody has to install, and what to say when it is not there.
#[derive(Debug, Clone, Copy)]
pub struct Tool {
    /// What is called.
    pub program: &'static str,
    /// What it is needed for.
    pub why: &'static str,
    /// How to get it.
    pub hint: &'static str,
}

impl Tool {
    /// A command of it in a folder, without what a cargo that started this program has set for its own build.
    #[must_use]
    pub fn command(self, folder: &Path) -> Command {
        self.command_of(Path::new(self.program), folder)
    }

    /// The same where the program is at a place of its own.
    #[must_use]
    pub fn command_of(self, program: &Path, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(folder).stdin(Stdio::null()).kill_on_drop(true);
        for (name, _) in env::vars_os() {
            if is_leak(&name.to_string_lossy()) {
                command.env_remove(&name);
            }
        }
        command
    }

    /// Runs a command of it; what it writes to stderr belongs to the person who watches. `said` is what people call it.
    ///
    /// # Errors
    /// When it is not installed, or fails.
    pub async fn run(self, command: Command, said: &str, folder: &Path) -> Result<Output, BuildError> {
        let output = self.output(command, folder).await?;
        if output.status.success() {
            return Ok(output);
        }
        Err(BuildError::Failed { command: said.to_owned(), folder: folder.into() })
    }

    /// The same for a tool that says on stdout what is wrong: that goes to stderr, too, as our stdout is data.
    ///
    /// # Errors
    /// When it is not installed, or fails.
    pub async fn run_aloud(self, command: Command, said: &str, folder: &Path) -> Result<(), BuildError> {
        let output = self.output(command, folder).await?;
        if output.status.success() {
            return Ok(());
        }
        anstream::eprint!("{}", String::from_utf8_lossy(&output.stdout));
        Err(BuildError::Failed { command: said.to_owned(), folder: folder.into() })
    }

    async fn output(self, mut command: Command, folder: &Path) -> Result<Output, BuildError> {
        // tokio's `output` alone would keep stderr.
        let child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn();
        let output = match child {
            Ok(child) => child.wait_with_output().await,
            Err(error) => Err(error),
        };
        output.map_err(|source| self.fault(folder, source))
    }

    /// Sees to it that the tool is of a version that will do.
    ///
    /// # Errors
    /// When it is missing or too old.
    pub async fn at_least(self, args: &[&str], least: (u32, u32), folder: &Path) -> Result<(), BuildError> {
        let mut command = self.command(folder);
        command.args(args);
        let output = self.run(command, self.program, folder).await?;
        let text = String::from_utf8_lossy(&output.stdout);
        match version(&text) {
            Some(found) if found < least => Err(BuildError::TooOld {
                tool: self.program,
                found: format!("{}.{}", found.0, found.1),
                least: format!("{}.{}", least.0, least.1),
                hint: self.hint,
            }),
            // A version that cannot be read may do: the tool itself will say.
            _ => Ok(()),
        }
    }

    fn fault(self, folder: &Path, source: io::Error) -> BuildError {
        if source.kind() == io::ErrorKind::NotFound {
            let Self { program, why, hint } = self;
            return BuildError::NoTool { tool: program, why, hint };
        }
        BuildError::Folder { folder: folder.into(), source }
    }
}

/// The first two numbers of a version somewhere in a text: `go version go1.26.8 linux/amd64`.
fn version(text: &str) -> Option<(u32, u32)> {
    let begins = text.char_indices().filter(|(at, c)| {
        c.is_ascii_digit() && !text.get(..*at).unwrap_or_default().ends_with(|c: char| c.is_ascii_digit())
    });
    begins.filter_map(|(at, _)| text.get(at..)).find_map(|rest| {
        let (major, rest) = rest.split_once('.')?;
        let minor: String = rest.chars().take_while(char::is_ascii_digit).collect();
        Some((major.parse().ok()?, minor.parse().ok()?))
    })
}

/// Whether a variable was set for another build. Where toolchains live, which one is used and where results go stays.
fn is_leak(name: &str) -> bool {
    const KEPT: [&str; 5] =
        ["CARGO_HOME", "CARGO_TARGET_DIR", "CARGO_NET_OFFLINE", "CARGO_HTTP_PROXY", "CARGO_TERM_COLOR"];
    let cargos = name == "CARGO" || name.starts_with("CARGO_");
    let compilers = name.starts_with("RUSTC") || name.ends_with("RUSTFLAGS") || name == "RUSTDOC";
    let scripts =
        matches!(name, "TARGET" | "HOST" | "OUT_DIR" | "PROFILE" | "OPT_LEVEL" | "NUM_JOBS" | "DEBUG");
    (cargos && !KEPT.contains(&name)) || compilers || scripts
}

/// The user's cache: tools and interfaces that the projects of all languages share.
pub struct Shop<'s> {
    folder: PathBuf,
    options: Options,
    say: &'s (dyn Fn(&str) + Sync),
}

/// Something that is installed into the cache once.
pub struct Kit {
    /// Its folder's name: with the versions of what is in it.
    pub name: String,
    /// What people call it.
    pub called: String,
    /// What it is needed for.
    pub why: &'static str,
}

impl<'s> Shop<'s> {
    /// The cache of whoever runs this.
    ///
    /// # Errors
    /// When there is no place for it.
    pub fn open(options: Options, say: &'s (dyn Fn(&str) + Sync)) -> Result<Self, BuildError> {
        let variable = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let cache = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
        let folder = cache.ok_or(BuildError::NoCache)?.join("hive-node");
        Ok(Self { folder, options, say })
    }

    /// Whether something may be installed.
    #[must_use]
    pub fn installs(&self) -> bool {
        self.options.install
    }

    /// Says something to the person who watches.
    pub fn say(&self, text: &str) {
        (self.say)(text);
    }

    /// A folder of the cache for what a tool itself keeps, such as objects.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn folder(&self, name: &str) -> Result<PathBuf, BuildError> {
        let folder = self.folder.join(name);
        fs::create_dir_all(&folder).map_err(|source| place(&folder, source))?;
        Ok(folder)
    }

    /// The folder with the interfaces between handler and node, as this program has them.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn wit(&self) -> Result<PathBuf, BuildError> {
        let folder = self.folder.join("wit").join(sdk::wit_hash());
        if folder.is_dir() {
            return Ok(folder);
        }
        let fresh = fresh(&folder, &format!("{}.new", std::process::id()))?;
        sdk::write(&sdk::WIT, &fresh).map_err(|source| place(&fresh, source))?;
        let renamed = fs::rename(&fresh, &folder);
        if renamed.is_err() && folder.is_dir() {
            // Somebody else was faster, with the same.
            fs::remove_dir_all(&fresh).map_err(|source| place(&fresh, source))?;
            return Ok(folder);
        }
        renamed.map_err(|source| place(&folder, source))?;
        Ok(folder)
    }

    /// The folder of a kit; it is installed when it is not there: `install` is given an empty folder.
    ///
    /// # Errors
    /// When it is not there and must not or cannot be installed.
    pub async fn kit(
        &self,
        kit: &Kit,
        install: impl AsyncFnOnce(&Path) -> Result<(), BuildError>,
    ) -> Result<PathBuf, BuildError> {
        let folder = self.folder.join("tools").join(&kit.name);
        if folder.is_dir() {
            return Ok(folder);
        }
        if !self.options.install {
            return Err(BuildError::NotInstalled {
                what: kit.called.clone(),
                why: kit.why,
                hint: "leave out `--no-install` once: it goes into your cache, not into the system".into(),
            });
        }
        // One installs it at a time, whichever process it is in; the lock goes with the file.
        let _lock = lock(&folder).await?;
        if folder.is_dir() {
            return Ok(folder);
        }
        self.say(&format!("{} is not in your cache yet; installing it there ({})", kit.called, kit.why));
        let fresh = fresh(&folder, "new")?;
        let installed = install(&fresh).await;
        if let Err(error) = installed {
            // What is half there is of no use; the error that made it so is what counts.
            let _ = fs::remove_dir_all(&fresh);
            return Err(error);
        }
        fs::rename(&fresh, &folder).map_err(|source| place(&folder, source))?;
        Ok(folder)
    }
}

/// An empty folder beside the one that it will be renamed to.
fn fresh(folder: &Path, extension: &str) -> Result<PathBuf, BuildError> {
    let fresh = folder.with_added_extension(extension);
    if fresh.exists() {
        // Of somebody who was ended in between.
        fs::remove_dir_all(&fresh).map_err(|source| place(&fresh, source))?;
    }
    fs::create_dir_all(&fresh).map_err(|source| place(&fresh, source))?;
    Ok(fresh)
}

/// The lock on a folder to be. Waiting for it holds up nobody else.
async fn lock(folder: &Path) -> Result<File, BuildError> {
    let path = folder.with_added_extension("lock");
    let taken = tokio::task::spawn_blocking(move || {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(|source| place(parent, source))?;
        }
        let lock = File::create(&path).map_err(|source| place(&path, source))?;
        flock(&lock, FlockOperation::LockExclusive).map_err(|error| place(&path, error.into()))?;
        Ok(lock)
    });
    taken.await.unwrap_or_else(|error| Err(place(folder, io::Error::other(error))))
}

/// What it is called when a file cannot be written.
pub fn place(file: &Path, source: io::Error) -> BuildError {
    BuildError::Place { file: file.into(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_the_outer_build_is_not_handed_on() {
        for name in
            ["CARGO", "CARGO_MANIFEST_DIR", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "RUSTC_WRAPPER", "TARGET"]
        {
            assert!(is_leak(name), "{name}");
        }
        for name in ["CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "PATH", "HOME", "CARGOES"] {
            assert!(!is_leak(name), "{name}");
        }
    }

    #[test]
    fn versions_are_found_where_tools_say_them() {
        let check = |text: &str, want| assert_eq!(version(text), want, "{text}");
        check("v20.20.2\n", Some((20, 20)));
        check("Python 3.11.7\n", Some((3, 11)));
        check("go version go1.26.8 linux/amd64\n", Some((1, 26)));
        check("no number", None);
    }

    #[tokio::test]
    async fn a_tool_that_is_missing_or_too_old_is_said_with_a_cure() {
        let tool = |program| Tool { program, why: "tests need it", hint: "get it" };
        let here = Path::new(".");
        let missing = tool("hive-no-such-tool").at_least(&["--version"], (1, 0), here).await;
        assert!(matches!(missing, Err(BuildError::NoTool { hint: "get it", .. })), "{missing:?}");
        let old = tool("rustc").at_least(&["--version"], (999, 0), here).await.expect_err("too old");
        assert!(old.to_string().ends_with("999.0 or later is needed"), "{old}");
        tool("rustc").at_least(&["--version"], (1, 0), here).await.expect("new enough");
    }

    #[tokio::test]
    async fn a_kit_is_installed_once_and_a_failed_one_leaves_nothing() {
        let cache = tempfile::tempdir().expect("a folder");
        let shop = |install| Shop { folder: cache.path().into(), options: Options { install }, say: &|_| {} };
        let kit = Kit { name: "kit-1".into(), called: "kit".into(), why: "tests need it" };
        let refused = shop(false).kit(&kit, async |_: &Path| Ok(())).await.expect_err("not installed");
        assert!(matches!(refused, BuildError::NotInstalled { .. }), "{refused}");
        shop(true).kit(&kit, async |_: &Path| Err(BuildError::NoCache)).await.expect_err("it fails");
        let install =
            async |folder: &Path| fs::write(folder.join("a"), b"x").map_err(|error| place(folder, error));
        let folder = shop(true).kit(&kit, install).await.expect("installed");
        assert!(folder.join("a").is_file());
        let again = async |_: &Path| Err(BuildError::NoCache);
        assert_eq!(shop(true).kit(&kit, again).await.expect("there already"), folder);
    }

    #[test]
    fn the_interfaces_are_written_once() {
        let cache = tempfile::tempdir().expect("a folder");
        let shop = Shop { folder: cache.path().into(), options: Options { install: false }, say: &|_| {} };
        let folder = shop.wit().expect("written");
        assert!(folder.join("worlds.wit").is_file());
        assert_eq!(shop.wit().expect("there already"), folder);
    }
}
