//! What one plugin's calls may cost, what they did cost, and which limits were reached: for people, a line each.

use hive_client::types::{LimitsStatus, PluginStatus};

use crate::cli::output;

/// Rows below the table of one plugin.
pub(super) fn rows(plugin: &PluginStatus) -> Vec<Vec<String>> {
    let row = |name: &str, text: String| vec![name.to_owned(), text];
    let mut rows = Vec::new();
    rows.extend(plugin.limits.as_ref().map(|limits| row("an event", of_an_event(limits))));
    rows.extend(plugin.limits.as_ref().map(|limits| row("a second", of_a_second(limits))));
    // What a process takes is its user's business, and is not measured.
    rows.extend(plugin.limits.as_ref().map(|_| row("it took", spent(plugin))));
    let reached = reached(plugin);
    rows.extend((!reached.is_empty()).then(|| row("reached", reached)));
    rows
}

fn of_an_event(limits: &LimitsStatus) -> String {
    let LimitsStatus { deadline_ms, cpu_ms, memory_bytes, stack_bytes, payload_bytes, call_bytes, .. } =
        limits;
    let size = |bytes: &u64| output::size(*bytes);
    format!(
        "{} in all, {} of CPU time, {} of memory, {} of stack, {} of payload, {} in a call",
        output::span(*deadline_ms),
        output::span(*cpu_ms),
        size(memory_bytes),
        size(stack_bytes),
        size(payload_bytes),
        size(call_bytes)
    )
}

fn of_a_second(limits: &LimitsStatus) -> String {
    let LimitsStatus { host_calls_per_s, publishes_per_s, log_lines_per_s, log_bytes_per_s, .. } = limits;
    format!(
        "{host_calls_per_s} calls of the node, {publishes_per_s} events out, {log_lines_per_s} lines and {} in the log",
        output::size(*log_bytes_per_s)
    )
}

fn spent(plugin: &PluginStatus) -> String {
    let work = &plugin.work;
    let calls = work.handled.saturating_add(work.retried).saturating_add(work.dead);
    format!(
        "{} of CPU time in {}, {} of memory at most",
        output::span(work.cpu_us / 1000),
        output::count(calls, "attempt"),
        output::size(work.memory_peak_bytes)
    )
}

fn reached(plugin: &PluginStatus) -> String {
    let work = &plugin.work;
    let all = [
        (work.cut_deadline, ["cut at the deadline"; 2]),
        (work.cut_cpu, ["cut for CPU time"; 2]),
        (work.cut_memory, ["cut for memory"; 2]),
        (work.paced, ["call or event that had to wait", "calls and events that had to wait"]),
        (work.too_large, ["message that was too large", "messages that were too large"]),
        (work.lines_left_out, ["line left out of the log", "lines left out of the log"]),
        (work.pauses, ["pause", "pauses"]),
        (work.restarts, ["start of its process after its end", "starts of its process after its end"]),
    ];
    let some = all.iter().filter(|(count, _)| *count > 0);
    let some =
        some.map(|(count, [one, several])| format!("{count} {}", if *count == 1 { one } else { several }));
    some.collect::<Vec<_>>().join(", ")
}
