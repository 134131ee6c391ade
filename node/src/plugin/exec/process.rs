//! One process of a plugin: started with what it needs to find the node, heard, and ended with everything it started.
//!
//! What it owns: the child, its process group, and what it writes. It must not know why it is started or ended, or what is
//! said over its socket.

use std::{
    fs, io,
    path::Path,
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{Child, Command},
    time::timeout,
};
use tokio_util::task::TaskTracker;

use crate::{
    dispatch::process::Words,
    plugin::{
        allowance::Allowance,
        host::{LINE_BYTES_MAX, say},
        settings::Exec,
    },
    shutdown::end_with_this_process,
    status::LineLevel,
    trust::{hex, random_bytes},
};

/// How long is waited for what a process that has ended wrote last; what it started may hold its outputs open.
const LAST_WORDS: Duration = Duration::from_millis(200);
/// How often it is looked whether what a process has started is there, once it has ended itself.
const LOOK: Duration = Duration::from_millis(20);
/// Bytes read at a time.
const READ_BYTES: usize = 8 << 10;

/// A running process. Dropped, it is killed with everything in its group.
pub(super) struct Process {
    child: Child,
    group: Option<Pid>,
    /// What it has to say to be let in.
    pub(super) token: String,
    /// What it wrote to its stderr last.
    pub(super) words: Arc<Words>,
    /// What reads its outputs.
    readers: TaskTracker,
}

/// Where a process finds its node, and how.
pub(super) struct Surroundings<'a> {
    /// The plugin's name.
    pub(super) plugin: &'a str,
    /// The API's socket.
    pub(super) socket: &'a Path,
    /// What the configuration adds to its environment.
    pub(super) env: &'a std::collections::BTreeMap<String, String>,
}

impl Process {
    /// Starts it. Its lines go to the plugin's log.
    ///
    /// # Errors
    /// When there is no such program, or it cannot be run.
    pub(super) fn start(exec: &Exec, around: &Surroundings<'_>, heard: &Arc<Allowance>) -> io::Result<Self> {
        let (program, arguments) = exec.command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let token = hex(&random_bytes::<16>());
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(&exec.folder)
            .env("HIVE_PLUGIN", around.plugin)
            .env("HIVE_NODE", around.socket)
            .env("HIVE_TOKEN", &token)
            // What is said shall be read while it is news.
            .env("PYTHONUNBUFFERED", "1")
            .envs(around.env)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        end_with_this_process(&mut command);
        let mut child = command.spawn()?;
        let (words, readers) = (Arc::<Words>::default(), TaskTracker::new());
        if let Some(stdout) = child.stdout.take() {
            readers.spawn(hear(stdout, Arc::clone(heard), LineLevel::Info, None));
        }
        if let Some(stderr) = child.stderr.take() {
            readers.spawn(hear(stderr, Arc::clone(heard), LineLevel::Warn, Some(Arc::clone(&words))));
        }
        readers.close();
        let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        Ok(Self { child, group, token, words, readers })
    }

    /// Waits for its end, and says how it ended. Cancel-safe.
    pub(super) async fn ended(&mut self) -> String {
        let status = self.child.wait().await;
        let _ = timeout(LAST_WORDS, self.readers.wait()).await;
        let how = match status {
            Ok(status) => describe(status),
            Err(error) => format!("it cannot be waited for: {error}"),
        };
        match self.words.last() {
            Some(last) => format!("{how}; it said last: {last}"),
            None => how,
        }
    }

    /// Asks it and what it started to end (SIGTERM), and ends those who do not within `grace`. True: all ended by
    /// themselves.
    pub(super) async fn end(mut self, grace: Duration) -> bool {
        self.signal(Signal::TERM);
        let group = self.group;
        let ending = async {
            let _ = self.child.wait().await;
            // What it has started may take longer than itself.
            let mut look = tokio::time::interval(LOOK);
            while group.is_some_and(is_alive) {
                look.tick().await;
            }
        };
        let in_time = timeout(grace, ending).await.is_ok();
        self.signal(Signal::KILL);
        if !in_time {
            let _ = self.child.wait().await;
        }
        let _ = timeout(LAST_WORDS, self.readers.wait()).await;
        in_time
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.group {
            // Nobody is left in it, or nobody who may be signalled: nothing is left to do about either.
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // What it started may be there when it is gone.
        self.signal(Signal::KILL);
    }
}

/// Whether anybody of a process group runs. Whoever has ended, and whose heir does not wait for him, does not.
fn is_alive(group: Pid) -> bool {
    if test_kill_process_group(group).is_err() {
        return false;
    }
    let Ok(processes) = fs::read_dir("/proc") else { return true };
    let stats =
        processes.flatten().filter_map(|process| fs::read_to_string(process.path().join("stat")).ok());
    stats.into_iter().any(|stat| {
        // `pid (name) state parent group`, and the name may have anything in it.
        let mut fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
        let (state, member) = (fields.next(), fields.nth(1).and_then(|field| field.parse().ok()));
        member.and_then(Pid::from_raw) == Some(group) && state != Some("Z")
    })
}

/// Whole lines of an output go to the log under the plugin's name.
async fn hear(
    mut output: impl AsyncRead + Unpin,
    heard: Arc<Allowance>,
    level: LineLevel,
    words: Option<Arc<Words>>,
) {
    let (mut line, mut buffer) = (Vec::new(), vec![0; READ_BYTES]);
    let tell = |line: &mut Vec<u8>| {
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end();
        if !text.is_empty() {
            say(&heard, level, text);
            words.iter().for_each(|words| words.push(text));
        }
        line.clear();
    };
    loop {
        let read = match output.read(&mut buffer).await {
            Ok(0) | Err(_) => break,
            Ok(read) => read,
        };
        for piece in buffer.get(..read).unwrap_or_default().split_inclusive(|byte| *byte == b'\n') {
            let room = LINE_BYTES_MAX.saturating_sub(line.len());
            line.extend_from_slice(piece.get(..room.min(piece.len())).unwrap_or_default());
            if piece.ends_with(b"\n") || line.len() >= LINE_BYTES_MAX {
                tell(&mut line);
            }
        }
    }
    tell(&mut line);
}

/// How a process ended, for people.
fn describe(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("it ended with exit code {code}"),
        (None, Some(signal)) => format!("it was ended by signal {signal}"),
        (None, None) => format!("it ended: {status}"),
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, os::unix::process::ExitStatusExt as _, path::PathBuf};

    use super::*;
    use crate::{
        plugin::limits::Limits,
        status::{Lines, Work},
    };

    fn started(script: &str) -> (Process, Arc<Lines>) {
        let (lines, env) =
            (Arc::<Lines>::default(), BTreeMap::from([("GREETING".to_owned(), "hello".to_owned())]));
        let work = Arc::<Work>::default();
        let heard = Arc::new(Allowance::new("x".into(), &Limits::default(), work, Arc::clone(&lines)));
        let command = ["sh", "-c", script].map(str::to_owned).to_vec();
        let exec = Exec { command, folder: PathBuf::from("/"), ..Exec::default() };
        let around = Surroundings { plugin: "x", socket: Path::new("/nowhere/node.sock"), env: &env };
        (Process::start(&exec, &around, &heard).expect("a shell"), lines)
    }

    fn texts(lines: &Lines) -> Vec<String> {
        lines.after(0, 100).0.into_iter().map(|line| line.text).collect()
    }

    #[tokio::test]
    async fn it_is_told_where_the_node_is_and_heard() {
        let (mut process, lines) =
            started("echo $HIVE_PLUGIN $HIVE_NODE $GREETING; pwd; printf 'bad\\n\\nworse' >&2; exit 3");
        assert_eq!(process.ended().await, "it ended with exit code 3; it said last: worse");
        let said = texts(&lines);
        for text in ["x /nowhere/node.sock hello", "/", "bad", "worse"] {
            assert!(said.iter().any(|line| line == text), "{said:?}");
        }
    }

    #[tokio::test]
    async fn what_it_started_ends_with_it() {
        let (process, lines) = started(
            "trap '' TERM; sh -c 'trap \"\" TERM; echo child $$; exec sleep 1000' >&2 & echo up; wait",
        );
        let child = async {
            loop {
                let said = texts(&lines);
                let pid = said.iter().find_map(|line| line.strip_prefix("child ")?.parse::<i32>().ok());
                if let Some(pid) = pid.filter(|_| said.iter().any(|line| line == "up")) {
                    return pid;
                }
                tokio::task::yield_now().await;
            }
        };
        let child = timeout(Duration::from_secs(10), child).await.expect("both are there");
        let pid = Pid::from_raw(child).expect("a pid");
        assert!(!process.end(Duration::from_millis(50)).await, "it does not end by itself");
        let gone = async {
            while rustix::process::test_kill_process(pid).is_ok() && !is_zombie(child) {
                tokio::task::yield_now().await;
            }
        };
        timeout(Duration::from_secs(10), gone).await.expect("nobody is left");
    }

    /// Who takes a while to end after the process itself has ended has that while.
    #[tokio::test]
    async fn what_it_started_has_the_same_time_to_end() {
        let child = "(trap 'sleep 0.3; echo put away; exit' TERM; echo up; while :; do sleep 0.05; done) &";
        let script = format!("{child} trap 'exit' TERM; wait");
        let (process, lines) = started(&script);
        let up = async {
            while !texts(&lines).iter().any(|line| line == "up") {
                tokio::task::yield_now().await;
            }
        };
        timeout(Duration::from_secs(10), up).await.expect("it is up");
        assert!(process.end(Duration::from_secs(10)).await, "all ended by themselves");
        assert!(texts(&lines).iter().any(|line| line == "put away"), "{:?}", texts(&lines));
    }

    /// Whoever inherits it may take its time to wait for it.
    fn is_zombie(pid: i32) -> bool {
        fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") Z "))
    }

    #[test]
    fn ends_are_told_apart() {
        assert_eq!(describe(ExitStatus::from_raw(9)), "it was ended by signal 9");
        assert_eq!(describe(ExitStatus::from_raw(0x100)), "it ended with exit code 1");
    }
}
