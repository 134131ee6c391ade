//! A greeter: the smallest handler that answers calls.
//!
//! ```text
//! hive-node call greet/hello '"Ada"'              answers "Hello, Ada!"
//! hive-node call greet/hello '{"name": "Grace"}'  answers "Hello, Grace!"
//! hive-node call greet/hello                      answers "Hello, world!"
//! ```

/// Who is to be greeted: `"Ada"` or `{"name": "Ada"}`.
#[derive(serde::Deserialize)]
#[serde(untagged, expecting = "expected a name such as \"Ada\", or {\"name\": \"Ada\"}")]
enum Who {
    Name(String),
    Person { name: String },
}

#[hive::plugin("greet/hello")]
fn hello(who: Option<Who>) -> String {
    match who {
        Some(Who::Name(name) | Who::Person { name }) => format!("Hello, {name}!"),
        None => "Hello, world!".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use hive::{Message, json, testing::Host};

    use super::Plugin;

    #[test]
    fn greets_by_name() {
        let mut host = Host::new(Plugin);
        assert_eq!(host.call("greet/hello", "Ada").answer::<String>(), "Hello, Ada!");
        assert_eq!(host.call("greet/hello", json!({"name": "Grace"})).answer::<String>(), "Hello, Grace!");
        assert_eq!(host.call_message("greet/hello", Message::default()).answer::<String>(), "Hello, world!");
    }

    #[test]
    fn says_what_it_expects() {
        let failure = Host::new(Plugin).call("greet/hello", 5).failure();
        assert!(failure.is_reject() && failure.reason().contains("expected a name such as"), "{failure}");
    }
}
