//! Child processes that no end of this one leaves behind.

use rustix::{
    io::Errno,
    process::{Signal, getpid, getppid, set_parent_process_death_signal},
};
use tokio::process::Command;

/// Whoever is killed takes what it has started along: the system kills each when the thread is gone that has started it, so that
/// it has to be one that lasts, as a runtime's workers do.
#[expect(unsafe_code, reason = "the standard library has no other way to say it in the new process")]
pub fn end_with_this_process(command: &mut Command) {
    let parent = getpid();
    let before = move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // It may be gone already: then nobody would tell.
        if getppid() == Some(parent) { Ok(()) } else { Err(Errno::CHILD.into()) }
    };
    // SAFETY: between fork and exec the closure makes two system calls; it neither allocates nor takes a lock.
    unsafe {
        command.pre_exec(before);
    }
}
