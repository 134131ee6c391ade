//! Waiting for a condition, never for a time.
//!
//! What it owns: the one place of the tests that lets time pass, and the message when the wait was in vain.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How long anything may take that should take a moment. Long, as it is only reached by what fails.
pub const MOMENT: Duration = Duration::from_secs(20);

/// Asks until there is an answer.
///
/// # Errors
/// When `within` is over: says what was awaited.
pub async fn until<T>(what: &str, within: Duration, mut ask: impl AsyncFnMut() -> Option<T>) -> Result<T> {
    let start = Instant::now();
    let mut pause = Duration::from_millis(2);
    loop {
        if let Some(answer) = ask().await {
            return Ok(answer);
        }
        if start.elapsed() >= within {
            bail!("waited {:.1} s in vain for: {what}", start.elapsed().as_secs_f64());
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

/// Waits for what should come by itself, as an event.
///
/// # Errors
/// When `within` is over: says what was awaited.
pub async fn within<T>(what: &str, within: Duration, coming: impl Future<Output = T>) -> Result<T> {
    match tokio::time::timeout(within, coming).await {
        Ok(came) => Ok(came),
        Err(_) => bail!("waited {:.1} s in vain for: {what}", within.as_secs_f64()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_wait_in_vain_says_what_for() {
        let said = until("a miracle", Duration::from_millis(5), async || None::<()>).await;
        assert!(said.is_err_and(|error| error.to_string().ends_with("in vain for: a miracle")));
    }

    #[tokio::test]
    async fn the_first_answer_ends_the_wait() {
        let mut asked = 0;
        let answer = until("the third time", MOMENT, async || {
            asked += 1;
            (asked == 3).then_some("lucky")
        });
        assert_eq!(answer.await.expect("an answer"), "lucky");
    }
}
