//! What the rules of the configuration leave of a plugin's wishes. They hold event by event; here whoever runs the node
//! hears of them when the plugin is loaded, and what would never come is not asked for.

use crate::{
    bus::{Actor, Bus},
    plugin::description::{Listen, Wishes},
    trust::may::Action,
};

/// Leaves out the subscriptions of which the rules refuse everything, and says of each what they refuse.
pub fn obey(wishes: &mut Wishes, who: &Actor, bus: &Bus) {
    let Wishes { listens, left_out, warnings, .. } = wishes;
    listens.retain(|listen @ Listen { pattern, group, .. }| {
        let (lines, all) = refusals(listen, who, bus);
        let verb = if group.is_some() { "join a group on" } else { "subscribe to" };
        let whole = if all { "" } else { "all of " };
        let said = |line| format!("the rules do not let it {verb} {whole}`{pattern}`: {line}");
        warnings.extend(lines.into_iter().map(said));
        left_out.extend(all.then(|| listen.clone()));
        !all
    });
}

/// Says which subscriptions miss what durable channels carry while the plugin is away.
pub fn doubt(wishes: &mut Wishes, bus: &Bus) {
    let Wishes { listens, warnings, .. } = wishes;
    let misses = |listen: &&Listen| {
        listen.group.is_none() && !listen.durable && !listen.is_timer() && bus.is_durable(&listen.scope)
    };
    warnings.extend(listens.iter().filter(misses).map(|Listen { pattern, .. }| {
        format!(
            "`{pattern}` is durable, and its subscription there is not: what comes while it is away is lost to it, unless its \
             code says `durable` there, or names a group"
        )
    }));
}

/// Whether the rules, which may be others by now, leave something of a subscription that was left out.
pub fn allow_more(wishes: &Wishes, who: &Actor, bus: &Bus) -> bool {
    wishes.left_out.iter().any(|listen| !refusals(listen, who, bus).1)
}

/// What would have to be allowed, and whether all of it is refused.
fn refusals(Listen { scope, group, .. }: &Listen, who: &Actor, bus: &Bus) -> (Vec<String>, bool) {
    let action = if group.is_some() { Action::Group } else { Action::Subscribe };
    bus.refusals(who, action, scope)
}
