//! A search over all nodes: the question goes to each of them at once, and one answer is made of theirs. Who fails or is
//! silent does not hold the others up, and is counted.
//!
//! ```text
//! hive-node call shelve '"Dune"'          on one host
//! hive-node call shelve '"Dubliners"'     on another
//! hive-node call search/books '"du"'      on any: {"books":{"Dubliners":["cellar"],"Dune":["attic"]},"silent":0}
//! ```
//!
//! `shelve` has one segment, and so is of this host alone: each has a shelf of its own.

#[hive::plugin(publishes = ["search/shelf"])]
mod search {
    use std::{collections::BTreeMap, time::Duration};

    use hive::{Answers, Context, Result, node};

    /// How long the slowest node is waited for.
    const WAIT: Duration = Duration::from_secs(2);

    /// Books that one node tells of at most.
    const FOUND_MAX: usize = 100;

    /// What one node has.
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Shelf {
        node: String,
        books: Vec<String>,
    }

    #[derive(serde::Serialize)]
    struct Found {
        /// Titles, and who has them.
        books: BTreeMap<String, Vec<String>>,
        /// Nodes that failed, or had not answered in time.
        silent: usize,
    }

    #[on("shelve")]
    fn shelve(title: String, ctx: &Context) -> Result<String> {
        if title.trim().is_empty() {
            return Err(hive::reject("a book has a title"));
        }
        ctx.state().set(&format!("book/{}", title.to_lowercase()), &title)?;
        Ok(format!("{title} is on the shelf of {}", node::name()))
    }

    /// Every node answers for its own shelf.
    #[on("search/shelf")]
    fn shelf(part: String, ctx: &Context) -> Result<Shelf> {
        let (part, mut books) = (part.to_lowercase(), Vec::new());
        for key in ctx.state().keys("book/") {
            let key = key?;
            if key.trim_start_matches("book/").contains(&part) {
                books.extend(ctx.state().get::<String>(&key)?);
            }
            if books.len() == FOUND_MAX {
                break;
            }
        }
        Ok(Shelf { node: node::name(), books })
    }

    #[on("search/books")]
    fn books(part: String, ctx: &Context) -> Result<Found> {
        let Answers { answers, missing, .. } = ctx.gather_within::<Shelf>(WAIT, "search/shelf", &part)?;
        let mut found = Found { books: BTreeMap::new(), silent: missing as usize };
        for answer in answers {
            match answer.outcome {
                Ok(Shelf { node, books }) => {
                    books
                        .into_iter()
                        .for_each(|book| found.books.entry(book).or_default().push(node.clone()));
                }
                Err(error) => {
                    hive::warn!("{} cannot say what it has: {error}", answer.origin);
                    found.silent += 1;
                }
            }
        }
        // Answers come in any order.
        found.books.values_mut().for_each(|nodes| nodes.sort());
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use hive::{Error, Value, json, testing::Host};

    use super::search::Plugin;

    #[test]
    fn a_shelf_is_searched_whatever_the_case() {
        let mut host = Host::new(Plugin);
        for title in ["Dune", "Dubliners", "Emma"] {
            host.call("shelve", title).outcome.unwrap();
        }
        let shelf = host.call("search/shelf", "DU").answer::<Value>();
        assert_eq!(shelf["books"], json!(["Dubliners", "Dune"]));
        assert!(host.call("shelve", " ").failure().is_reject());
    }

    #[test]
    fn one_answer_is_made_of_all_and_failures_are_counted() {
        let shelf = |node: &str, books: &[&str]| json!({"node": node, "books": books});
        let mut host = Host::new(Plugin)
            .answer("search/shelf", shelf("cellar", &["Dune"]))
            .answer_with("search/shelf", |_| Err(Error::Failed("the shelf fell over".into())))
            .answer("search/shelf", shelf("attic", &["Dubliners", "Dune"]));
        let found = host.call("search/books", "du");
        let want = json!({"books": {"Dubliners": ["attic"], "Dune": ["attic", "cellar"]}, "silent": 1});
        assert_eq!(found.answer::<Value>(), want);
    }
}
