//! Other rules for the same networks, as the configuration is another.

use super::{Rule, Rules};

impl Rules {
    /// The same networks under other rules.
    #[must_use]
    pub fn with(&self, rules: Vec<Rule>) -> Self {
        Self { rules, open: self.open.clone(), lists: self.lists.clone() }
    }
}
