//! What the rules of the configuration leave of a plugin's wishes. They hold event by event; here whoever runs the node
//! hears of them when the plugin is loaded, and what would never come is not asked for.

use crate::{
    bus::{Actor, Bus},
    plugin::description::{Listen, Wishes},
    trust::may::Action,
};

/// Leaves out the subscriptions of which the rules refuse everything, and says of each what they refuse.
pub fn obey(wishes: &mut Wishes, who: &Actor, bus: &Bus) {
    let Wishes { listens, warnings, .. } = wishes;
    listens.retain(|Listen { scope, pattern, group, .. }| {
        let action = if group.is_some() { Action::Group } else { Action::Subscribe };
        let (lines, all) = bus.refusals(who, action, scope);
        let verb = if group.is_some() { "join a group on" } else { "subscribe to" };
        let whole = if all { "" } else { "all of " };
        let said = |line| format!("the rules do not let it {verb} {whole}`{pattern}`: {line}");
        warnings.extend(lines.into_iter().map(said));
        !all
    });
}
