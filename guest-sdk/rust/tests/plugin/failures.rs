//! How errors become a retry or a rejection.

use std::{fmt, time::Duration};

use hive::{Error, Failure, testing::Host};

#[derive(Debug)]
struct Outer(std::num::ParseIntError);

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no quantity")
    }
}

impl std::error::Error for Outer {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

#[hive::plugin(publishes = ["ask/**"])]
mod handlers {
    use std::time::Duration;

    use hive::{Context, OrReject, Result};

    use super::Outer;

    #[on("fail/plain")]
    fn plain(text: String) -> Result<i32> {
        Ok(text.parse::<i32>()?)
    }

    #[on("fail/chained")]
    fn chained(text: String) -> std::result::Result<i32, Outer> {
        text.parse().map_err(Outer)
    }

    #[on("fail/reject")]
    fn reject() -> Result<()> {
        Err(hive::reject("no such order"))
    }

    #[on("fail/later")]
    fn later() -> Result<()> {
        Err(hive::retry_after(Duration::from_millis(1500), "closed"))
    }

    #[on("fail/missing")]
    fn missing(ctx: &Context) -> Result<String> {
        Ok(ctx.header("customer").or_reject("no customer")?.to_owned())
    }

    #[on("fail/wrong")]
    fn wrong(text: String) -> Result<i32> {
        text.parse().or_reject("no number")
    }

    #[on("fail/text")]
    fn text() -> Result<()> {
        give_up().map_err(hive::retry)
    }

    fn give_up() -> std::result::Result<(), &'static str> {
        Err("trouble")
    }

    #[on("fail/called")]
    fn called(channel: String, ctx: &Context) -> Result<u8> {
        Ok(ctx.call(&channel, &())?)
    }
}

fn host() -> Host {
    Host::new(handlers::Plugin)
}

fn retry(reason: &str) -> Failure {
    Failure::Retry { reason: reason.to_owned(), after: None }
}

#[test]
fn errors_mean_retry_with_their_causes() {
    let parse = "invalid digit found in string";
    assert_eq!(host().deliver("fail/plain", "x").failure(), retry(parse));
    assert_eq!(host().deliver("fail/chained", "x").failure(), retry(&format!("no quantity: {parse}")));
    assert_eq!(host().deliver("fail/text", ()).failure(), retry("trouble"));
    assert_eq!(host().call("fail/plain", "5").answer::<i32>(), 5);
}

#[test]
fn failures_can_be_said() {
    assert_eq!(host().deliver("fail/reject", ()).failure(), hive::reject("no such order"));
    assert_eq!(host().deliver("fail/missing", ()).failure(), hive::reject("no customer"));
    let wrong = host().deliver("fail/wrong", "x").failure();
    assert_eq!(wrong, hive::reject("no number: invalid digit found in string"));
    let later = Failure::Retry { reason: "closed".to_owned(), after: Some(Duration::from_millis(1500)) };
    assert_eq!(host().deliver("fail/later", ()).failure(), later);
}

#[test]
fn errors_of_the_node_are_rejections_where_they_stay() {
    let failing = |error: Error| {
        let mut host = host().answer_with("ask/it", move |_| Err(error.clone()));
        host.deliver("fail/called", "ask/it").failure()
    };
    assert_eq!(failing(Error::Timeout), retry("`ask/it`: no answer in time"));
    assert_eq!(
        failing(Error::Rejected("no".to_owned())),
        hive::reject("`ask/it`: the responder rejected the request: no")
    );
    let overloaded = failing(Error::Overloaded { retry_after: Duration::from_millis(20) });
    assert!(
        matches!(overloaded, Failure::Retry { after: Some(after), .. } if after.as_millis() == 20),
        "{overloaded:?}"
    );

    let nobody = host().deliver("fail/called", "ask/it").failure();
    assert_eq!(nobody, retry("`ask/it`: nobody answers on that channel"));
    let denied = host().deliver("fail/called", "not/declared").failure();
    assert!(denied.is_reject() && denied.reason().starts_with("`not/declared`: denied"), "{denied:?}");
    assert!(host().deliver("fail/called", "ask//it").failure().is_reject());
    let unexpected = host().answer("ask/it", "text").deliver("fail/called", "ask/it").failure();
    assert!(unexpected.is_reject() && unexpected.reason().contains("line 1 column"), "{unexpected:?}");
}
