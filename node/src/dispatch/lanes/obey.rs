//! Another policy for events that wait already, as the configuration is another.

use std::sync::atomic::Ordering::Relaxed;

use super::Lanes;
use crate::dispatch::Policy;

impl Lanes {
    /// What is begun from here on is under another policy.
    pub fn obey(&self, policy: Policy) {
        let mut state = self.lock();
        if policy.breaker != state.policy.breaker {
            state.breaker.change(policy.breaker);
            self.troubled.store(state.breaker.is_troubled(), Relaxed);
        }
        self.strict.fetch_or(policy.strict, Relaxed);
        state.policy = policy;
        drop(state);
        self.wake_all();
    }
}
