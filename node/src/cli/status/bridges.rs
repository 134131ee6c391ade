//! A line for each bridge.

use hive_client::types::{BridgeState, BridgeStatus};

use crate::cli::output;

pub(super) fn line(bridge: &BridgeStatus) -> String {
    let BridgeStatus { name, with, imported, exported, clients, dropped, .. } = bridge;
    let kind = if bridge.kind == *name { String::new() } else { format!(" ({})", bridge.kind) };
    let with = if with.is_empty() { String::new() } else { format!(", {with}") };
    let mut text = format!("{name}{kind}: {}{with}, {imported} in, {exported} out", state(bridge.state));
    if *clients > 0 {
        text.push_str(&format!(", {}", output::count(*clients, "client")));
    }
    let reasons: Vec<String> = dropped.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    if !reasons.is_empty() {
        text.push_str(&format!(", dropped {}", reasons.join(", ")));
    }
    if let Some(problem) = &bridge.problem {
        text.push_str(&format!("; {problem}"));
    }
    text
}

fn state(state: BridgeState) -> &'static str {
    match state {
        BridgeState::Connecting => "connecting",
        BridgeState::Up => "up",
        BridgeState::Waiting => "waiting",
        BridgeState::Standby => "standing by for another node",
        BridgeState::Failed => "failed",
        BridgeState::Stopped => "stopped",
        BridgeState::Unknown => "in a state that this program does not know",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_is_going_on() {
        let mut bridge = BridgeStatus {
            name: "spoke".into(),
            kind: "spoke".into(),
            state: BridgeState::Up,
            with: "127.0.0.1:7181".into(),
            since_ms: None,
            problem: None,
            imported: 3,
            exported: 4,
            clients: 1,
            retries: 0,
            dropped: [("name".to_owned(), 2)].into(),
        };
        assert_eq!(line(&bridge), "spoke: up, 127.0.0.1:7181, 3 in, 4 out, 1 client, dropped 2 name");
        (bridge.name, bridge.state, bridge.clients) = ("other".into(), BridgeState::Waiting, 0);
        bridge.problem = Some("connection refused".into());
        assert_eq!(
            line(&bridge),
            "other (spoke): waiting, 127.0.0.1:7181, 3 in, 4 out, dropped 2 name; connection refused"
        );
    }
}
