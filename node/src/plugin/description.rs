//! What a component says of itself, checked: patterns that parse, kinds of delivery this version has, sane numbers.
//!
//! Exists so that whatever runs a plugin works with values that are known to be good, and whoever wrote it hears of all
//! mistakes at once. It must not know how the description was got.

mod text;

use std::{collections::BTreeSet, fmt};

use hive_proto::{
    channel::{Channel, Names, NetworkIndex, Scope},
    group::GroupName,
    id::NodeId,
    pattern::{Pattern, Segment},
};

use self::text::{fill, shown};
use super::{
    asks::Ask,
    grants::{self, Access, Grants},
    host::bindings::exports::hive::node::handler::{
        Delivery, Description, Instances, Subscription, Timer as Declared, TimerScope,
    },
    instances::Mode,
    settings::PluginConfig,
    timer::{MESH_PATTERN, Schedule, TIMERS_MAX, Timer},
};
use crate::bus::{Event, Wanted};

/// Subscriptions one plugin may declare; more is a sign of data in patterns.
pub const SUBSCRIPTIONS_MAX: usize = 256;

/// Patterns one plugin may declare to publish to.
const PUBLISHES_MAX: usize = 256;

/// What a plugin wants and gets.
#[derive(Debug, Clone)]
pub struct Wishes {
    /// What the component calls itself, for people.
    pub name: String,
    /// What the component says its version is.
    pub version: String,
    /// How long its instances live: the configuration's word, else the component's.
    pub mode: Mode,
    /// What it listens to, in the order of the description.
    pub listens: Vec<Listen>,
    /// What it is not subscribed to, as the rules refuse everything there.
    pub left_out: Vec<Listen>,
    /// Its own clocks.
    pub timers: Vec<Timer>,
    /// Where it means to publish, with the configuration's values put in.
    pub publishes: Vec<String>,
    /// Where it may publish.
    pub grants: Grants,
    /// Whether its memory goes to the version that takes over, where it exports how.
    pub hands_over: bool,
    /// What it means to use beyond events, as its imports say.
    pub asks: BTreeSet<Ask>,
    /// Keys of the configuration that its patterns have.
    pub reads: BTreeSet<String>,
    /// What it said that had no effect, for the log.
    pub warnings: Vec<String>,
}

/// One thing a plugin listens to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// Its place in the component's description; the guest is told it with each event.
    pub index: u32,
    /// The pattern and its network.
    pub scope: Scope,
    /// The pattern as it was written, with the configuration's values put in.
    pub pattern: String,
    /// Whether requests may be sent there.
    pub answers: bool,
    /// The group it listens in: of its members one gets each event.
    pub group: Option<GroupName>,
    /// It gets every event, and what durable channels carry from where it left off on its node.
    pub durable: bool,
}

impl Wishes {
    /// The index of the timer whose tick this is.
    #[must_use]
    pub fn timer(&self, event: &Event) -> Option<u32> {
        let timer = self.timers.iter().find(|timer| timer.channel == event.channel);
        timer.map(|timer| timer.index)
    }

    /// Says on which node it is: there it goes on where it left off.
    pub fn read_on(&mut self, plugin: &str, node: NodeId) {
        for listen in self.listens.iter_mut().filter(|listen| listen.durable) {
            // That it has such a name was checked.
            listen.group = GroupName::reader(plugin, node).ok();
        }
    }

    /// Where its one-shot timers may fire.
    #[must_use]
    pub fn own_timers(&self) -> Vec<Pattern> {
        let own = self.listens.iter().filter(|listen| listen.is_timer());
        own.map(|listen| listen.scope.pattern.clone()).collect()
    }

    /// What the bus is asked for: what it listens to, and where it has timers of the whole mesh, to be known to the
    /// others that run it.
    pub fn wanted(&self) -> impl Iterator<Item = Wanted> {
        let group = self.timers.iter().find_map(|timer| timer.mesh.clone());
        let known = group.and_then(|group| {
            let scope = Scope { network: NetworkIndex::HOME, pattern: Pattern::parse(MESH_PATTERN).ok()? };
            Some(Wanted { scope, answers: false, group: Some(group) })
        });
        // Timers are the plugin's own, and come by no subscription.
        self.listens.iter().filter(|listen| !listen.is_timer()).map(Listen::wanted).chain(known)
    }
}

impl Listen {
    /// Whether it is for one-shot timers of the plugin itself.
    #[must_use]
    pub fn is_timer(&self) -> bool {
        self.scope.pattern.segments().next() == Some(Segment::Literal("$timer"))
    }

    /// What the bus is asked for.
    #[must_use]
    pub fn wanted(&self) -> Wanted {
        Wanted { scope: self.scope.clone(), answers: self.answers, group: self.group.clone() }
    }
}

/// Everything that is wrong with a description, a line each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<String>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("; "))
    }
}

/// Checks a description against this version and the plugin's configuration.
///
/// # Errors
/// All problems at once.
pub fn check(
    description: Description,
    plugin: &str,
    config: &PluginConfig,
    names: &Names,
) -> Result<Wishes, Problems> {
    let (problems, warnings, reads) = (Vec::new(), Vec::new(), BTreeSet::new());
    let mut check = Check { plugin, config, names, problems, warnings, reads };
    check.sizes(&description);
    let mode = config.instances.unwrap_or(match description.instances {
        Instances::Pool => Mode::Pool,
        Instances::Fresh => Mode::Fresh,
        Instances::Single => Mode::Single,
    });
    let listens = check.listens(&description.subscriptions);
    let timers = check.timers(&description.timers);
    let publishes: Vec<String> =
        description.publishes.iter().take(PUBLISHES_MAX).filter_map(|text| check.filled(text)).collect();
    let grants = check.grants(&publishes).reading(listens.iter().map(|listen| listen.scope.clone()));
    let hands_over = check.settings(&description.settings);
    if !check.problems.is_empty() {
        return Err(Problems(check.problems));
    }
    let (name, version) = (shown(&description.name), shown(&description.version));
    let (asks, left_out, reads, warnings) = (BTreeSet::new(), Vec::new(), check.reads, check.warnings);
    Ok(Wishes {
        name,
        version,
        mode,
        listens,
        left_out,
        timers,
        publishes,
        grants,
        hands_over,
        asks,
        reads,
        warnings,
    })
}

struct Check<'a> {
    plugin: &'a str,
    config: &'a PluginConfig,
    names: &'a Names,
    problems: Vec<String>,
    warnings: Vec<String>,
    reads: BTreeSet<String>,
}

impl Check<'_> {
    fn sizes(&mut self, description: &Description) {
        let mut most = |count: usize, most: usize, what: &str| {
            if count > most {
                self.problems.push(format!("it declares {count} {what}; {most} is the most"));
            }
        };
        most(description.subscriptions.len(), SUBSCRIPTIONS_MAX, "subscriptions");
        most(description.publishes.len(), PUBLISHES_MAX, "patterns to publish to");
        most(description.timers.len(), TIMERS_MAX, "timers");
    }

    /// Whether it hands its memory over.
    fn settings(&mut self, settings: &[(String, String)]) -> bool {
        let mut hands_over = true;
        for (name, value) in settings {
            match (name.as_str(), value.as_str()) {
                ("snapshot", "true") => {}
                ("snapshot", "false") => hands_over = false,
                ("snapshot", _) => self.problems.push(format!(
                    "the setting `snapshot` is `{}`, neither `true` nor `false`",
                    shown(value)
                )),
                _ => {
                    let unknown = format!("the setting `{}` is not known to this version", shown(name));
                    self.warnings.push(unknown);
                }
            }
        }
        hands_over
    }

    fn listens(&mut self, subscriptions: &[Subscription]) -> Vec<Listen> {
        let granted = self.granted(&self.config.subscribes, "subscribes");
        let mut listens = Vec::new();
        for (index, subscription) in (0_u32..).zip(subscriptions.iter().take(SUBSCRIPTIONS_MAX)) {
            let Some(listen) = self.listen(index, subscription) else { continue };
            // Its own timers nobody else gets.
            if listen.is_timer() || grants::sift(std::slice::from_ref(&listen.scope), &granted).1.is_empty() {
                listens.push(listen);
                continue;
            }
            let line = Access::Subscribes.line(self.plugin, &listen.pattern);
            let pattern = &listen.pattern;
            self.warnings.push(format!("it does not get `{pattern}`, which needs a grant: {line}"));
        }
        listens
    }

    fn listen(&mut self, index: u32, subscription: &Subscription) -> Option<Listen> {
        let pattern = self.filled(&subscription.pattern)?;
        let group = self.group(&pattern, subscription);
        let mut durable = false;
        for (name, value) in &subscription.settings {
            match (name.as_str(), value.as_str()) {
                ("durable", "true") => durable = self.may_be_durable(&pattern, subscription),
                ("durable", "false") => {}
                ("durable", _) => self.problems.push(format!(
                    "the setting `durable` of `{pattern}` is `{}`, neither `true` nor `false`",
                    shown(value)
                )),
                _ => self.warnings.push(format!(
                    "the setting `{}` of `{pattern}` is not known to this version",
                    shown(name)
                )),
            }
        }
        let scope = self.scope(&pattern)?;
        let listen = Listen { index, scope, pattern, answers: subscription.answers, group, durable };
        // No group shares what is the plugin's own on this node.
        Some(match listen.is_timer() {
            true => Listen { group: None, answers: false, durable: false, ..listen },
            false => listen,
        })
    }

    fn may_be_durable(&mut self, pattern: &str, subscription: &Subscription) -> bool {
        if subscription.delivery == Delivery::Group {
            self.problems.push(format!(
                "`{pattern}` is `durable`, which is for who gets every event: a group goes on where it left off anyway"
            ));
            return false;
        }
        let named = GroupName::reader(self.plugin, NodeId([0; 32]));
        if let Err(error) = &named {
            self.problems.push(format!(
                "`{pattern}` is `durable`, and `{}` is no name of a reader: {error}; at most 47 bytes, without `@`",
                shown(self.plugin)
            ));
        }
        named.is_ok()
    }

    fn timers(&mut self, declared: &[Declared]) -> Vec<Timer> {
        let mut timers: Vec<Timer> = Vec::new();
        for (index, timer) in (0_u32..).zip(declared.iter().take(TIMERS_MAX)) {
            let name = shown(&timer.name);
            for (setting, _) in &timer.settings {
                let setting = shown(setting);
                self.warnings.push(format!(
                    "the setting `{setting}` of the timer `{name}` is not known to this version"
                ));
            }
            // A name with a slash would be two segments, and could be another timer's.
            let channel =
                Channel::parse(&format!("$timer/{}", timer.name)).ok().filter(|_| !name.contains('/'));
            let Some(channel) = channel else {
                self.problems
                    .push(format!("`{name}` is no name for a timer: it is like one segment of a channel"));
                continue;
            };
            if timers.iter().any(|other| other.channel == channel) {
                self.problems.push(format!("it declares the timer `{name}` twice"));
                continue;
            }
            let mesh =
                (timer.scope == TimerScope::Mesh).then(|| GroupName::parse(self.plugin).ok()).flatten();
            match Schedule::parse(&timer.schedule) {
                Ok(schedule) => timers.push(Timer { index, channel, schedule, mesh }),
                Err(error) => {
                    let schedule = shown(&timer.schedule);
                    self.problems.push(format!("the timer `{name}` cannot tick at `{schedule}`: {error}"));
                }
            }
        }
        timers
    }

    /// The group of a subscription: the one it names, else the plugin's own name.
    fn group(&mut self, pattern: &str, subscription: &Subscription) -> Option<GroupName> {
        let named = subscription.group.as_deref();
        match (subscription.delivery, named) {
            (Delivery::Broadcast, None) => None,
            (Delivery::Broadcast, Some(name)) => {
                let name = shown(name);
                self.problems
                    .push(format!("it names the group `{name}` for `{pattern}`, but wants every event"));
                None
            }
            (Delivery::Group, named) => {
                let name = named.unwrap_or(self.plugin);
                let group = GroupName::parse(name).map_err(|error| {
                    let name = shown(name);
                    self.problems.push(format!("`{name}` is no name of a group: {error}"));
                });
                group.ok()
            }
        }
    }

    fn grants(&mut self, publishes: &[String]) -> Grants {
        let declared: Vec<Scope> = publishes.iter().filter_map(|pattern| self.scope(pattern)).collect();
        let granted = self.granted(&self.config.publishes, "publishes");
        let (grants, refused) = Grants::new(self.plugin, &declared, &granted);
        for scope in refused {
            let name = self.written(&scope);
            let line = Access::Publishes.line(self.plugin, &name);
            self.warnings.push(format!("it may not publish to `{name}`, which needs a grant: {line}"));
        }
        let readable = grants::scopes(&self.config.subscribes, self.names);
        // What is no pattern was said where the subscriptions were read.
        grants.reading(readable.unwrap_or_default())
    }

    fn granted(&mut self, patterns: &[String], key: &str) -> Vec<Scope> {
        grants::scopes(patterns, self.names).unwrap_or_else(|(text, error)| {
            let text = shown(&text);
            self.problems
                .push(format!("the configuration's `{key}` has `{text}`, which is no pattern: {error}"));
            Vec::new()
        })
    }

    fn scope(&mut self, pattern: &str) -> Option<Scope> {
        let scope = self.names.scope(pattern);
        scope
            .map_err(|error| {
                self.problems.push(format!("`{}` is no pattern: {error}", shown(pattern)));
            })
            .ok()
    }

    fn filled(&mut self, pattern: &str) -> Option<String> {
        fill(pattern, &self.config.config, &mut self.reads)
            .map_err(|missing| {
                let (pattern, plugin) = (shown(pattern), self.plugin);
                self.problems.push(format!(
                    "`{pattern}` needs the configuration's value `{missing}`: \
                     plugins: {{each: {{{plugin}: {{config: {{{missing}: …}}}}}}}}"
                ));
            })
            .ok()
    }

    fn written(&self, scope: &Scope) -> String {
        match self.names.network(scope.network) {
            Some(network) if scope.network.0 != 0 => format!("{network}/{}", scope.pattern),
            _ => scope.pattern.to_string(),
        }
    }
}

#[cfg(test)]
mod tests;
