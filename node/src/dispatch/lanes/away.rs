//! A handler that is away for a while: who asks it is told so, and its events wait.

use std::convert::Infallible;

use super::{Lanes, pauses::fail};

impl Lanes {
    /// Answers whoever asks with why nobody is there, until this is dropped. For a time without workers.
    pub async fn refuse(&self, why: impl Fn() -> String) -> Infallible {
        let mut asked = Vec::new();
        loop {
            asked.extend(self.lock().requests.drain(..));
            self.tally.missed(self.subscription.take(0, &mut asked));
            asked.drain(..).for_each(|delivery| fail(delivery, &why()));
            if !self.subscription.request_readable().await {
                return std::future::pending().await;
            }
        }
    }
}
