//! What a process says of itself, checked as a component's description is, and what it may do then.
//!
//! It must not know how the process is given events.

use std::{sync::Arc, time::Duration};

use super::Life;
use crate::{
    bus::Address,
    dispatch::process::{Claim, Listen, Permit},
    plugin::{
        allowance::Allowance,
        description::{self, Problems, Wishes},
        grants::Grants,
        host::bindings::exports::hive::node::handler::{Delivery, Description, Instances, Subscription},
        rules,
    },
    units::ByteSize,
};

/// Longer is not waited for a turn to publish: whoever is that far ahead is read no more meanwhile.
const PACE_MAX: Duration = Duration::from_secs(3_600);

/// What a process may do.
pub(super) struct Licence {
    pub(super) grants: Grants,
    pub(super) allowance: Arc<Allowance>,
    pub(super) payload: ByteSize,
}

impl Permit for Licence {
    fn channel(&self, to: &Address, name: &str) -> Result<(), String> {
        self.grants.check(to, name)
    }

    fn pace(&self) -> Duration {
        self.allowance.publishes(1, PACE_MAX).unwrap_or_else(|wait| wait)
    }

    fn payload(&self, bytes: usize) -> Result<(), String> {
        if bytes <= self.payload.as_usize() {
            return Ok(());
        }
        self.allowance.too_large();
        Err(format!("it has {bytes} bytes, and may have {}", self.payload))
    }

    fn misspoke(&self, why: &str) {
        self.allowance.misspoke(why);
    }
}

impl Life {
    /// What a process gets of what it wants.
    pub(super) fn wishes(&self, claim: &Claim) -> Result<Wishes, Problems> {
        let bus = &self.shared.bus;
        let mut wishes = description::check(description(claim), &self.name, &self.config, bus.names())?;
        wishes.read_on(&self.name, bus.node());
        rules::obey(&mut wishes, &self.actor(), bus);
        Ok(wishes)
    }
}

fn description(claim: &Claim) -> Description {
    let subscription = |Listen { pattern, answers, group, durable }: &Listen| Subscription {
        pattern: pattern.clone(),
        delivery: if group.is_some() { Delivery::Group } else { Delivery::Broadcast },
        group: group.clone(),
        answers: *answers,
        settings: durable.then(|| ("durable".to_owned(), "true".to_owned())).into_iter().collect(),
    };
    Description {
        name: claim.name.clone(),
        version: claim.version.clone(),
        // It is one process, whatever it does side by side.
        instances: Instances::Single,
        subscriptions: claim.listens.iter().map(subscription).collect(),
        timers: Vec::new(),
        publishes: claim.publishes.clone(),
        settings: Vec::new(),
    }
}
