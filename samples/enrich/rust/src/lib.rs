//! Adds to an event what somebody else knows: each item in a basket is looked up over HTTP, and goes on with its name and
//! its price.
//!
//! ```text
//! python3 -m http.server 8000 --bind 127.0.0.1 --directory samples/enrich/products
//! hive-node dev samples/enrich --config samples/enrich/hive.yaml
//! hive-node subscribe basket/priced
//! hive-node publish basket/added '{"product": "tea", "amount": 2}'   then there: {"name":"Green tea","amount":2,"euros":7.0}
//! hive-node publish basket/added '{"product": "gold", "amount": 1}'  a dead letter: the server has no gold
//! ```
//!
//! A handler reaches no host but those that the configuration opens to it: `plugins: {each: {enrich: {http: [localhost:8000]}}}`.
//! Where the server is, is the configuration value `server`; `http://localhost:8000` if there is none.

mod http;

use std::time::Duration;

use hive::{Context, Result};
use http::{Answer, Unreachable};

/// How long the server is waited for; the event's own time ends all waits anyway.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(serde::Deserialize)]
struct Item {
    product: String,
    amount: u32,
}

/// What the server knows of a product.
#[derive(serde::Deserialize)]
struct Product {
    name: String,
    euros: f64,
}

#[derive(serde::Serialize)]
struct Priced {
    name: String,
    amount: u32,
    euros: f64,
}

#[hive::plugin("basket/added", publishes = ["basket/priced"])]
fn enrich(Item { product, amount }: Item, ctx: &Context) -> Result<()> {
    let server = ctx.config("server").unwrap_or_else(|| "http://localhost:8000".to_owned());
    let product = known(&product, http::get(&address(&server, &product)?, PATIENCE))?;
    let euros = product.euros * f64::from(amount);
    ctx.publish("basket/priced", &Priced { name: product.name, amount, euros })?;
    Ok(())
}

/// Where a product is. What comes in an event is not to lead anywhere else on the server.
fn address(server: &str, product: &str) -> Result<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if product.is_empty() || !product.chars().all(is_plain) {
        return Err(hive::reject(format!("`{product}` cannot be the name of a product")));
    }
    Ok(format!("{}/{product}.json", server.trim_end_matches('/')))
}

/// What the server said: what passes is tried again, and what does not is rejected.
fn known(product: &str, said: Result<Answer, Unreachable>) -> Result<Product> {
    match said {
        Err(Unreachable::Refused(why)) => Err(hive::reject(why)),
        Err(Unreachable::Gone(why)) => {
            Err(hive::retry(format!("the server cannot be asked for {product}: {why}")))
        }
        Ok(Answer { status: 200, body }) => read(&body, product),
        Ok(Answer { status: 404, .. }) => Err(hive::reject(format!("the server knows no {product}"))),
        Ok(Answer { status: status @ (429 | 500..), .. }) => {
            Err(hive::retry(format!("the server answered {status} for {product}")))
        }
        Ok(Answer { status, .. }) => Err(hive::reject(format!("the server answered {status} for {product}"))),
    }
}

fn read(body: &[u8], product: &str) -> Result<Product> {
    let message = hive::Message::bytes(body);
    message.parse().map_err(|error| hive::reject(format!("what the server says of {product}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Result<Answer, Unreachable> {
        Ok(Answer { status, body: body.into() })
    }

    #[test]
    fn what_the_server_knows_is_read() {
        let product = known("tea", answer(200, r#"{"name": "Green tea", "euros": 3.5}"#)).unwrap();
        assert_eq!((product.name.as_str(), product.euros), ("Green tea", 3.5));
    }

    #[test]
    fn what_passes_is_tried_again_and_what_does_not_is_rejected() {
        let gone = || Err(Unreachable::Gone("connection refused".into()));
        for (said, is_reject) in [
            (answer(404, ""), true),
            (answer(302, ""), true),
            (answer(200, "<html>"), true),
            (Err(Unreachable::Refused("not granted".into())), true),
            (answer(429, ""), false),
            (answer(503, ""), false),
            (gone(), false),
        ] {
            let failure = known("tea", said).map(|product| product.name).unwrap_err();
            assert_eq!(failure.is_reject(), is_reject, "{failure}");
        }
    }

    #[test]
    fn a_product_leads_nowhere_else() {
        assert_eq!(address("http://shop/", "tea").unwrap(), "http://shop/tea.json");
        for product in ["", "../users", "tea?all", "a/b"] {
            assert!(address("http://shop", product).unwrap_err().is_reject(), "{product}");
        }
    }
}
