//! The languages' own tools: how they are called.
//!
//! What it owns: clean environments, and what a tool's end means. It must not know what a tool does.

mod script;

use std::{
    borrow::Cow,
    env,
    ffi::OsString,
    fs, io, iter,
    path::Path,
    process::{Output, Stdio},
};

use rustix::io::Errno;
use tokio::{
    io::AsyncReadExt as _,
    process::{Child, ChildStderr, Command},
};

use self::script::{cannot_run, is_bare_script};
use super::BuildError;
use crate::shutdown::end_with_this_process;

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
        end_with_this_process(&mut command);
        for name in leaks(env::vars_os().map(|(name, _)| name).collect()) {
            command.env_remove(name);
        }
        command
    }

    /// Runs a command of it; what it writes to stderr belongs to the person who watches. `called` is what people call it.
    ///
    /// # Errors
    /// When it is not installed, or fails.
    pub async fn run(self, command: Command, called: &str, folder: &Path) -> Result<Output, BuildError> {
        let output = self.output(command, Stdio::inherit(), folder).await?;
        failure(&output, called, folder).map_or(Ok(output), Err)
    }

    /// Runs one whose stdout counts for something even if it fails, and whose stderr is heard while it runs: whole lines, as
    /// many as come at a time.
    ///
    /// # Errors
    /// When it is not installed.
    pub async fn run_heard(
        self,
        command: Command,
        called: &str,
        folder: &Path,
        hear: impl FnMut(&str),
    ) -> Result<(Output, Option<BuildError>), BuildError> {
        let program = Path::new(command.as_std().get_program()).to_path_buf();
        let run = async {
            let mut child = begin(command, Stdio::piped(), folder)?;
            let said = child.stderr.take();
            let (output, heard) = tokio::join!(child.wait_with_output(), hear_lines(said, hear));
            heard.and(output)
        };
        let output = run.await.map_err(|source| self.fault(&program, folder, source))?;
        let failure = failure(&output, called, folder);
        Ok((output, failure))
    }

    /// The same for a compiler: what it says is kept together, as others compile at the same time.
    ///
    /// # Errors
    /// When it is not installed, or fails.
    pub async fn compile(self, command: Command, called: &str, folder: &Path) -> Result<Output, BuildError> {
        let output = self.output(command, Stdio::piped(), folder).await?;
        outcome(&output, &output.stderr, called, folder)?;
        Ok(output)
    }

    /// The same for a compiler that says on stdout what is wrong. Returns what it says there if nothing is.
    ///
    /// # Errors
    /// When it is not installed, or fails.
    pub async fn compile_aloud(
        self,
        command: Command,
        called: &str,
        folder: &Path,
    ) -> Result<String, BuildError> {
        let output = self.output(command, Stdio::piped(), folder).await?;
        outcome(&output, &[&output.stderr[..], &output.stdout[..]].concat(), called, folder)?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// What it writes to stdout, where nobody needs it enough to hear that it failed.
    pub async fn asked(self, command: Command, folder: &Path) -> String {
        let output = self.output(command, Stdio::null(), folder).await.ok();
        let output = output.filter(|output| output.status.success());
        output.map_or_else(String::new, |output| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    async fn output(self, command: Command, stderr: Stdio, folder: &Path) -> Result<Output, BuildError> {
        let program = Path::new(command.as_std().get_program()).to_path_buf();
        let output = match begin(command, stderr, folder) {
            Ok(child) => child.wait_with_output().await,
            Err(error) => Err(error),
        };
        output.map_err(|source| self.fault(&program, folder, source))
    }

    /// Sees to it that the tool is of a version that will do, and gives that, where it can be read.
    ///
    /// # Errors
    /// When it is missing or too old.
    pub async fn at_least(
        self,
        args: &[&str],
        least: (u32, u32),
        folder: &Path,
    ) -> Result<Option<(u32, u32)>, BuildError> {
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
            found => Ok(found),
        }
    }

    fn fault(self, program: &Path, folder: &Path, source: io::Error) -> BuildError {
        if !folder.is_dir() {
            return BuildError::Folder { folder: folder.into(), source };
        }
        // One that is called by its path and is there is not what is missing.
        if source.kind() == io::ErrorKind::NotFound && !program.is_file() {
            let Self { program, why, hint } = self;
            return BuildError::NoTool { tool: program, why, hint };
        }
        cannot_run(program, &source)
    }
}

/// Starts a command. tokio's `output` alone would keep stderr.
fn begin(mut command: Command, stderr: Stdio, folder: &Path) -> io::Result<Child> {
    tracing::debug!("in {}: {}", folder.display(), line(command.as_std()));
    if is_bare_script(Path::new(command.as_std().get_program())) {
        return Err(Errno::NOEXEC.into());
    }
    command.stdout(Stdio::piped()).stderr(stderr).spawn()
}

/// Bytes that are heard of a program at a time: what it writes at once stays together.
const HEARD_BYTES: usize = 64 << 10;

/// Hands on the whole lines of what a program says, as they come.
async fn hear_lines(said: Option<ChildStderr>, mut hear: impl FnMut(&str)) -> io::Result<()> {
    let Some(mut said) = said else { return Ok(()) };
    let (mut chunk, mut open) = (vec![0; HEARD_BYTES], Vec::new());
    loop {
        let count = said.read(&mut chunk).await?;
        open.extend_from_slice(chunk.get(..count).unwrap_or_default());
        // At the end, what has no end is a line, too.
        let end = open.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let whole: Vec<u8> = open.drain(..if count == 0 { open.len() } else { end }).collect();
        if !whole.is_empty() {
            hear(&String::from_utf8_lossy(&whole));
        }
        if count == 0 {
            return Ok(());
        }
    }
}

/// A program's failure, where what it said of it is on stderr.
fn failure(output: &Output, called: &str, folder: &Path) -> Option<BuildError> {
    (!output.status.success()).then(|| BuildError::Failed {
        command: called.to_owned(),
        folder: folder.into(),
        said: String::new(),
    })
}

/// A command as a shell takes it, with the variables that are set for it.
fn line(command: &std::process::Command) -> String {
    let sets = command.get_envs().filter_map(|(name, value)| {
        Some(format!("{}={}", name.to_string_lossy(), word(&value?.to_string_lossy())))
    });
    let words = iter::once(command.get_program()).chain(command.get_args());
    let words = words.map(|text| word(&text.to_string_lossy()).into_owned());
    sets.chain(words).collect::<Vec<_>>().join(" ")
}

/// A word as a shell takes it.
fn word(text: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:=,+@%".contains(c);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => Cow::Borrowed(text),
        false => Cow::Owned(format!("'{}'", text.replace('\'', r"'\''"))),
    }
}

/// What a compiler's end comes to. A failure has all that it said; of a success its warnings are shown.
fn outcome(output: &Output, said: &[u8], called: &str, folder: &Path) -> Result<(), BuildError> {
    if output.status.success() {
        anstream::eprint!("{}", String::from_utf8_lossy(&output.stderr));
        return Ok(());
    }
    let mut said = String::from_utf8_lossy(said).into_owned();
    if said.trim().is_empty() {
        said = format!("it said nothing, and ended with {}\n", output.status);
    }
    Err(BuildError::Failed { command: called.to_owned(), folder: folder.into(), said })
}

/// The first two numbers of a version somewhere in a text: `go version go1.26.8 linux/amd64`.
pub fn version(text: &str) -> Option<(u32, u32)> {
    let begins = text.char_indices().filter(|(at, c)| {
        c.is_ascii_digit() && !text.get(..*at).unwrap_or_default().ends_with(|c: char| c.is_ascii_digit())
    });
    begins.filter_map(|(at, _)| text.get(at..)).find_map(|rest| {
        let (major, rest) = rest.split_once('.')?;
        let minor: String = rest.chars().take_while(char::is_ascii_digit).collect();
        Some((major.parse().ok()?, minor.parse().ok()?))
    })
}

/// The variables that were set for another build, where cargo has started this program: the others are the user's own.
fn leaks(names: Vec<OsString>) -> Vec<OsString> {
    let is_within_cargo = names.iter().any(|name| name == "CARGO_MANIFEST_DIR");
    names.into_iter().filter(|name| is_within_cargo && is_leak(&name.to_string_lossy())).collect()
}

/// Whether cargo sets a variable for a build. Where toolchains live, which one is used, where results go and how cargo reaches
/// others stays.
fn is_leak(name: &str) -> bool {
    const KEPT: [&str; 4] = ["CARGO_HOME", "CARGO_TARGET_DIR", "CARGO_BUILD_BUILD_DIR", "CARGO_TERM_COLOR"];
    const KEPT_ALL: [&str; 3] = ["CARGO_REGISTR", "CARGO_HTTP_", "CARGO_NET_"];
    let is_kept = KEPT.contains(&name) || KEPT_ALL.iter().any(|begins| name.starts_with(begins));
    let cargos = name == "CARGO" || name.starts_with("CARGO_");
    let compilers = name.starts_with("RUSTC") || name.ends_with("RUSTFLAGS") || name == "RUSTDOC";
    let scripts =
        matches!(name, "TARGET" | "HOST" | "OUT_DIR" | "PROFILE" | "OPT_LEVEL" | "NUM_JOBS" | "DEBUG");
    (cargos && !is_kept) || compilers || scripts
}

/// A failure of a tool, with other words for what it said.
pub fn in_other_words(error: BuildError, words: impl Fn(&str) -> String) -> BuildError {
    match error {
        BuildError::Failed { command, folder, said } => {
            BuildError::Failed { command, folder, said: words(&said) }
        }
        other => other,
    }
}

/// Removes a file that need not be there.
///
/// # Errors
/// When it is there and cannot be removed.
pub fn remove(file: &Path) -> Result<(), BuildError> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(place(file, error)),
        _ => Ok(()),
    }
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
        let check = |name: &str, within: bool, without: bool| {
            let is_taken = |others: &[&str]| {
                let names = others.iter().chain(&[name]).map(OsString::from).collect();
                leaks(names).contains(&name.into())
            };
            assert_eq!((is_taken(&["CARGO_MANIFEST_DIR"]), is_taken(&["PATH"])), (within, without), "{name}");
        };
        check("CARGO_MANIFEST_DIR", true, true);
        for name in
            ["CARGO", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "RUSTC_WRAPPER", "TARGET", "CARGO_PKG_NAME"]
        {
            check(name, true, false);
        }
        for name in ["CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "PATH", "HOME", "CARGOES"] {
            check(name, false, false);
        }
        for name in
            ["CARGO_REGISTRIES_CORP_TOKEN", "CARGO_REGISTRY_TOKEN", "CARGO_HTTP_CAINFO", "CARGO_NET_OFFLINE"]
        {
            check(name, false, false);
        }
    }

    #[tokio::test]
    async fn whole_lines_are_heard_and_what_is_left_at_the_end() {
        let tool = Tool { program: "sh", why: "tests need it", hint: "get it" };
        let (mut command, mut heard) = (tool.command(Path::new(".")), Vec::new());
        command.args(["-c", "printf 'one\\ntwo\\nthr' >&2; echo out; printf 'ee\\nfour' >&2; exit 3"]);
        let ran = tool.run_heard(command, "sh", Path::new("."), |text| heard.push(text.to_owned())).await;
        let (output, failure) = ran.expect("it ran");
        assert!(heard.concat() == "one\ntwo\nthree\nfour", "{heard:?}");
        assert!(heard.iter().rev().skip(1).all(|text| text.ends_with('\n')), "{heard:?}");
        assert!(output.stdout == b"out\n" && failure.is_some(), "{failure:?}");
    }

    #[test]
    fn a_command_is_shown_as_a_shell_takes_it() {
        let mut command = std::process::Command::new("zig");
        command.args(["cc", "-DNAME=\"it's\"", "", "a b"]).env("GOOS", "wasip1").env_remove("CARGO");
        assert_eq!(line(&command), r#"GOOS=wasip1 zig cc '-DNAME="it'\''s"' '' 'a b'"#);
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
}
