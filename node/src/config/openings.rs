//! What a plugin's section opens to it outside the node: `http:`, `dirs:` and `env:`; and `subscriptions:`, for those whose
//! files cannot say what they listen to.
//!
//! What it owns: these keys. It must not know how a plugin is given what is opened.

use std::{collections::BTreeMap, path::PathBuf};

use super::{
    check::Surroundings,
    problem::{Problem, shown},
    section::{Report, Section, text, truth, wrong_shape},
    source::Origin,
    yaml::{Kind, Value},
};
use crate::plugin::{
    openings::{Folder, HttpHost, Method, Openings},
    wasmcloud::Subject,
};

/// Reads the keys of one plugin, or of the defaults.
pub fn read(keys: &mut Section<'_>, around: &Surroundings<'_>, report: &mut Report) -> Openings {
    let http = keys.list("http", report, host).unwrap_or_default();
    let mut folders: Vec<Folder> = Vec::new();
    keys.list("dirs", report, |value, report| {
        let folder = folder(value, around, report)?;
        if let Some(folder) = folder {
            if folders.iter().any(|other| other.seen_as == folder.seen_as) {
                let problem =
                    Problem::new(&value.origin, format!("two folders are seen as `{}`", folder.seen_as));
                return Err(problem.hint("give one of them another name with `as`"));
            }
            folders.push(folder);
        }
        Ok(())
    });
    let env = keys.read("env", report, |value| env(value, around)).unwrap_or_default();
    Openings { http, folders, env }
}

/// Reads what a wasmCloud component listens to.
pub fn subscriptions(keys: &mut Section<'_>, report: &mut Report) -> Vec<Subject> {
    let subject = |value: &Value, report: &mut Report| {
        let mut keys = match &value.kind {
            Kind::Map(_) => Section::new(Vec::new(), Some(value), report),
            _ => return subject(value).map(Some),
        };
        // The list is shown as a whole.
        let lines = report.lines.len();
        let missing = keys.value("subject").is_none();
        let read = keys.read("subject", report, subject);
        let group = keys.read("group", report, |value| text(value).map(str::to_owned));
        let answers = keys.read("answers", report, truth);
        keys.finish(report);
        report.lines.truncate(lines);
        if missing {
            let problem = Problem::new(&value.origin, "it does not say what it listens to");
            return Err(problem.hint("add its `subject`, such as `orders.>`"));
        }
        Ok(read.map(|subject| Subject { group, answers: answers.unwrap_or(subject.answers), ..subject }))
    };
    keys.list("subscriptions", report, subject).unwrap_or_default().into_iter().flatten().collect()
}

fn subject(value: &Value) -> Result<Subject, Problem> {
    let given = text(value)?;
    Subject::parse(given).map_err(|error| {
        let shown: String = given.chars().take(60).collect();
        Problem::new(&value.origin, format!("`{shown}` is no subject: {error}"))
    })
}

fn host(value: &Value, report: &mut Report) -> Result<HttpHost, Problem> {
    let Kind::Map(_) = &value.kind else { return host_text(value) };
    let lines = report.lines.len();
    let mut keys = Section::new(Vec::new(), Some(value), report);
    let given = keys.value("host");
    let host = given.map_or_else(
        || {
            let problem = Problem::new(&value.origin, "it does not say which host may be asked");
            Err(problem.hint("add its `host`, such as `api.example.com`"))
        },
        host_text,
    );
    let methods = keys.list("methods", report, |value, _| {
        Method::parse(text(value)?).map_err(|error| Problem::new(&value.origin, error.to_string()))
    });
    keys.finish(report);
    report.lines.truncate(lines);
    Ok(host?.only(methods.unwrap_or_default()))
}

fn host_text(value: &Value) -> Result<HttpHost, Problem> {
    HttpHost::parse(text(value)?).map_err(|error| Problem::new(&value.origin, error.to_string()))
}

/// None: what is wrong with it was said.
fn folder(value: &Value, around: &Surroundings<'_>, report: &mut Report) -> Result<Option<Folder>, Problem> {
    let Kind::Map(_) = &value.kind else {
        let path = existing(value, around)?;
        return seen_by_its_name(value, &path).map(|seen_as| Some(Folder { path, seen_as, write: false }));
    };
    let lines = report.lines.len();
    let mut keys = Section::new(Vec::new(), Some(value), report);
    let missing = keys.value("path").is_none();
    let path = keys.read("path", report, |value| existing(value, around));
    let named = keys.value("as").is_some();
    let seen_as = keys.read("as", report, seen_as);
    let write = keys.read("write", report, truth).unwrap_or(false);
    keys.finish(report);
    report.lines.truncate(lines);
    if missing {
        let problem = Problem::new(&value.origin, "it does not say which folder is opened");
        return Err(problem.hint("add its `path`"));
    }
    let Some(path) = path else { return Ok(None) };
    let seen_as = match (seen_as, named) {
        (Some(seen_as), _) => seen_as,
        (None, true) => return Ok(None),
        (None, false) => seen_by_its_name(value, &path)?,
    };
    Ok(Some(Folder { path, seen_as, write }))
}

fn existing(value: &Value, around: &Surroundings<'_>) -> Result<PathBuf, Problem> {
    let path = around.path(value)?;
    let fault = match path.metadata() {
        Ok(found) if found.is_dir() => return Ok(path),
        Ok(_) => "it is a file".to_owned(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => "there is no such folder".to_owned(),
        Err(error) => error.to_string(),
    };
    let message = format!("cannot open the folder {} to a plugin: {fault}", shown(&path));
    Err(Problem::new(&value.origin, message).hint("make the folder, or name one that is there"))
}

fn seen_by_its_name(value: &Value, path: &std::path::Path) -> Result<String, Problem> {
    let name = path.file_name().and_then(|name| name.to_str());
    name.map(|name| format!("/{name}")).ok_or_else(|| {
        let problem = Problem::new(&value.origin, "the folder has no name of its own");
        problem.hint("write `{ path: …, as: /data }`")
    })
}

fn seen_as(value: &Value) -> Result<String, Problem> {
    let given = text(value)?;
    let whole = given.split('/').skip(1).all(|part| !matches!(part, "" | "." | ".."));
    if given != "/" && (!given.starts_with('/') || !whole || given.contains('\0')) {
        let shown: String = given.chars().take(60).collect();
        let problem = Problem::new(&value.origin, format!("`{shown}` is no place for a folder"));
        return Err(problem.hint("write an absolute path, such as `/data`"));
    }
    Ok(given.to_owned())
}

/// Values by name, or the names of variables that are taken from the node's own environment.
fn env(value: &Value, around: &Surroundings<'_>) -> Result<BTreeMap<String, String>, Problem> {
    let check = |name: &str, origin: &Origin| {
        let bad = name.is_empty() || name.contains(['=', '\0']);
        if bad { Err(Problem::new(origin, format!("`{name}` names no variable"))) } else { Ok(()) }
    };
    match &value.kind {
        Kind::Map(entries) => {
            let pair = |entry: &super::yaml::Entry| {
                check(&entry.key, &entry.origin)?;
                Ok((entry.key.clone(), text(&entry.value)?.to_owned()))
            };
            entries.iter().map(pair).collect()
        }
        Kind::List(names) => {
            let pair = |value: &Value| {
                let name = text(value)?;
                check(name, &value.origin)?;
                let found = around.environment.get(name).ok_or_else(|| {
                    let problem = Problem::new(&value.origin, format!("the variable `{name}` is not set"));
                    problem.hint(
                        "set it where the node is started, or give the plugin a value: `env: {NAME: value}`",
                    )
                })?;
                Ok((name.to_owned(), found.clone()))
            };
            names.iter().map(pair).collect()
        }
        Kind::Text { .. } => Err(wrong_shape("`env`", "names with values, or a list of names", value)),
    }
}
