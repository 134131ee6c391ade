//! A handler that is away for a while: who asks it is told so, and its events wait.

use std::{convert::Infallible, sync::Arc};

use super::{Lanes, pauses::fail};

/// From its making until it is dropped, whoever else answers is asked first.
#[derive(Debug)]
pub struct Absence(Arc<Lanes>);

impl Drop for Absence {
    fn drop(&mut self) {
        self.0.subscription.set_away(false);
    }
}

impl Lanes {
    /// Has those who ask turn to others, if there are any.
    #[must_use]
    pub fn absent(self: &Arc<Self>) -> Absence {
        self.subscription.set_away(true);
        Absence(Arc::clone(self))
    }

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
