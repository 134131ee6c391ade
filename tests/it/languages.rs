//! Handlers in each language: `new`, `build`, `test`, in a node, an edit, a hot reload, a call. A language whose tools
//! are not here is said aloud and left out.

mod again;
mod beside;
mod machine;
mod own;
mod python;
mod wrong;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use hive_client::{Message, Terms};
use hive_tests::{
    guests::place,
    languages::{Edit, Project, command, is_here, said, with_tools},
    nodes::Node,
    wait::{self, MOMENT},
};
use serde_json::{Value, json};

use crate::{PROGRAM, next, node};

/// The first start of a component compiles it: of an interpreter that takes seconds, of Python's minutes on a machine that
/// is busy with other tests.
const LOADING: Duration = Duration::from_secs(600);

/// A language, and what is done with it. The edits bring another greeting, handlers that keep something, a link of the chain
/// through five languages, and where a mistake can be made one that makes it: what they insert is in `languages/`.
struct Language {
    name: &'static str,
    /// Without which it cannot be.
    tool: &'static str,
    /// What runs a project's own unit tests, a program and what it is told; nothing: the template has none.
    unit_tests: &'static [&'static str],
    /// What becomes of the template.
    edits: &'static [Edit<'static>],
    /// What a mistake is called, and where it says it was made.
    mistake: Option<[&'static str; 2]>,
}

const RUST: Language = Language {
    name: "rust",
    tool: "cargo",
    unit_tests: &["cargo", "test", "--quiet"],
    edits: &[
        ("src/lib.rs", "\"Hello\"", "\"Hi\""),
        ("src/lib.rs", "#[hive::plugin(", "#[hive::plugin(single, "),
        ("src/lib.rs", "    use hive::{Context, Result};\n", include_str!("languages/more.rs.in")),
    ],
    mistake: None,
};

const JS: Language = Language {
    name: "js",
    tool: "node",
    unit_tests: &["npm", "test"],
    edits: &[
        ("src/index.js", "\"Hello\"", "\"Hi\""),
        (
            "src/index.js",
            "plugin({ publishes: [",
            "plugin({ instances: \"single\", publishes: [\"chain/*\", ",
        ),
        ("src/index.js", "import { answer,", concat!(include_str!("languages/more.js"), "import { answer,")),
    ],
    mistake: Some(["TypeError: ", "at stumble (src/index.js:35)"]),
};

const TS: Language = Language {
    name: "ts",
    tool: "node",
    unit_tests: &["npm", "test"],
    edits: &[
        ("src/index.ts", "\"Hello\"", "\"Hi\""),
        ("src/index.ts", "plugin({ publishes: [", "plugin({ instances: \"single\", publishes: ["),
        ("src/index.ts", "import { answer,", concat!(include_str!("languages/more.ts"), "import { answer,")),
    ],
    mistake: Some(["TypeError: ", "at stumble (src/index.ts:32)"]),
};

const PYTHON: Language = Language {
    name: "python",
    tool: "python3",
    unit_tests: &["python3", "-m", "unittest"],
    edits: &[
        ("src/app.py", "\"Hello\"", "\"Hi\""),
        ("src/app.py", "import hive\n", include_str!("languages/more.py")),
    ],
    mistake: Some(["KeyError: 'customer'", "in stumble"]),
};

const C: Language = Language {
    name: "c",
    tool: "python3",
    unit_tests: &[],
    edits: &[
        ("src/handler.c", "\"Hello\"", "\"Hi\""),
        (
            "src/handler.c",
            "void hive_plugin(void) {\n",
            concat!(include_str!("languages/more.c"), "\nvoid hive_plugin(void) {\n  more();\n"),
        ),
    ],
    mistake: None,
};

const GO: Language = Language {
    name: "go",
    tool: "go",
    unit_tests: &["go", "test", "."],
    edits: &[
        ("main.go", "\"Hello\"", "\"Hi\""),
        ("main.go", "hive.Options{", "hive.Options{Instances: hive.Single, "),
        ("main.go", "Publishes: []string{", "Publishes: []string{\"chain/*\", "),
        ("main.go", "func init() {\n", concat!(include_str!("languages/more.go.in"), "func init() {\n")),
    ],
    mistake: Some(["index out of range", "main.stumble"]),
};

#[tokio::test(flavor = "multi_thread")]
async fn c_from_new_to_a_call() -> Result<()> {
    journey(&C).await
}

#[tokio::test(flavor = "multi_thread")]
async fn go_from_new_to_a_call() -> Result<()> {
    journey(&GO).await
}

#[tokio::test(flavor = "multi_thread")]
async fn rust_from_new_to_a_call() -> Result<()> {
    journey(&RUST).await
}

#[tokio::test(flavor = "multi_thread")]
async fn javascript_from_new_to_a_call() -> Result<()> {
    journey(&JS).await
}

#[tokio::test(flavor = "multi_thread")]
async fn typescript_from_new_to_a_call() -> Result<()> {
    journey(&TS).await
}

#[tokio::test(flavor = "multi_thread")]
async fn python_from_new_to_a_call() -> Result<()> {
    journey(&PYTHON).await
}

async fn journey(language: &Language) -> Result<()> {
    let Language { name, tool, edits, mistake, .. } = language;
    if !is_here(tool, name) {
        return Ok(());
    }
    let plugin = format!("greet-{name}");
    let project =
        |label: &str, edits| Project::new(PROGRAM, name, &plugin, &format!("{label}-{name}"), edits);
    let first = project("new", &[])?;
    let (component, took) = first.build()?;
    ensure!(
        !imports(&component, "secrets")? && (*name == "python" || !imports(&component, "timers")?),
        "what nobody uses is asked for"
    );
    // A second build makes nothing, and says nothing.
    let again = first.verb("build", &[])?;
    ensure!(again.status.success() && again.stderr.is_empty(), "{}", said(&again));
    passes_its_tests(&first, language)?;
    let folder = tempfile::tempdir()?;
    let file = format!("{plugin}.wasm");
    // The plugin is called as its project, so that a section of the configuration reaches it.
    let placed = tempfile::tempdir()?;
    let out = first.verb("build", &["--out", &placed.path().display().to_string()])?;
    ensure!(out.status.success() && placed.path().join(&file).is_file(), "{}", said(&out));
    place(folder.path(), &file, &std::fs::read(&component)?)?;
    let (data, home) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let config = granting(home.path(), &plugin)?;
    let setup = || node(&plugin).arg("--config").arg(&config).plugins(folder.path()).data_dir(data.path());
    let mut node = setup().start_within(LOADING).await?;
    runs(&node, &plugin, 1).await?;
    greets(&node, &plugin, "Hello, Ada!").await?;
    let versions: Vec<String> =
        node.client().plugins().await?.plugins.into_iter().map(|one| one.version).collect();
    ensure!(versions == ["0.1.0"], "{versions:?}");
    let interpreter = shared(data.path())?;
    ensure!((interpreter > 0) == matches!(*name, "js" | "ts" | "python"), "{interpreter} modules");
    let edited = project("edited", edits)?;
    let (component, edit_took) = edited.build()?;
    ensure!(imports(&component, "secrets")? && imports(&component, "state")?, "it imports what it uses");
    place(folder.path(), &file, &std::fs::read(&component)?)?;
    let_it(&node, &plugin).await?;
    runs(&node, &plugin, 2).await?;
    greets(&node, &plugin, "Hi, Ada!").await?;
    ensure!(shared(data.path())? == interpreter, "the edit compiles another interpreter");
    let [took, again] = [took, edit_took].map(|took| took.as_secs_f64());
    eprintln!("{name}: built in {took:.1} s, after an edit in {again:.1} s");
    reads(&node, &plugin).await?;
    keeps(&node, &plugin).await?;
    says(&node, &plugin, "count", &json!([1, 1])).await?;
    if *name == "js" {
        waits(&node, &plugin).await?;
    }
    let random = any(&node, &plugin).await?;
    // What is on disk is there after a reload and after a restart, what is in memory only after the one.
    node.client().reload(Some(&plugin)).await?;
    runs(&node, &plugin, 3).await?;
    ensure!(random.is_none() || any(&node, &plugin).await? != random, "{random:?} in two instances");
    says(&node, &plugin, "count", &json!([2, 2])).await?;
    node.stop().await?;
    node = setup().start_within(LOADING).await?;
    runs(&node, &plugin, 1).await?;
    says(&node, &plugin, "count", &json!([3, 1])).await?;
    if let Some(mistake) = mistake {
        is_told(&mut node, &plugin, mistake).await?;
    }
    Ok(())
}

/// `dev` builds what was saved, and whoever saved it tests it: one of them builds, and both have what is built.
#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_is_built_twice_at_once_is_built_once() -> Result<()> {
    let Language { name, tool, edits, .. } = &JS;
    if !is_here(tool, name) {
        return Ok(());
    }
    let project = Project::new(PROGRAM, name, "twice", "twice-js", edits)?;
    project.build()?;
    let source = project.folder.join("src/index.js");
    let text = std::fs::read_to_string(&source)?;
    std::fs::write(&source, format!("{text}// {}\n", std::process::id()))?;
    let build = || project.verb("build", &[]);
    let outputs = std::thread::scope(|scope| {
        let builds = [0; 3].map(|_| scope.spawn(build));
        builds.map(|build| build.join().expect("no panic"))
    });
    std::fs::write(&source, text)?;
    let mut built = 0;
    for output in outputs {
        let output = output?;
        ensure!(output.status.success(), "{}", said(&output));
        built += said(&output).matches("built `twice`").count();
    }
    ensure!(built == 1, "{built} built it");
    Ok(())
}

/// Modules that a node keeps apart, as several components have them.
fn shared(data: &Path) -> Result<usize> {
    let files = std::fs::read_dir(data.join("cache"))?.flatten();
    Ok(files.filter(|file| file.file_name().to_string_lossy().starts_with("module-")).count())
}

/// Whether a component imports an interface of the node's.
fn imports(component: &Path, interface: &str) -> Result<bool> {
    let name = format!("hive:node/{interface}@");
    Ok(std::fs::read(component)?.windows(name.len()).any(|part| part == name.as_bytes()))
}

/// Who waits is told what for; what was compiled once need not be again.
fn passes_its_tests(project: &Project, language: &Language) -> Result<()> {
    let Language { name, unit_tests, .. } = language;
    let compiled = tempfile::tempdir()?;
    for is_first in [true, false] {
        let mut test = command(Path::new(PROGRAM))?;
        let test = test.arg("test").env("XDG_DATA_HOME", compiled.path()).current_dir(&project.folder);
        let said = said(&test.output()?);
        ensure!(said.contains("3 passed, 0 failed"), "{said}");
        if *name == "python" {
            ensure!(said.contains("of WebAssembly, which takes some seconds") == is_first, "{said}");
        }
    }
    if let [program, args @ ..] = unit_tests {
        let output = command(Path::new(program))?.args(args).current_dir(&project.folder).output()?;
        let said = said(&output);
        ensure!(output.status.success() && !said.contains("Ran 0 tests"), "{unit_tests:?}: {said}");
    }
    Ok(())
}

/// A configuration that grants a secret.
fn granting(folder: &Path, plugin: &str) -> Result<PathBuf> {
    let (secret, config) = (folder.join("door.secret"), folder.join("hive.yaml"));
    std::fs::write(&secret, "open sesame")?;
    let grant = format!("{{ {plugin}: {{ secrets: {{ door: {{ file: {} }} }} }} }}", secret.display());
    std::fs::write(&config, format!("version: 1\nplugins: {{ each: {grant} }}\n"))?;
    Ok(config)
}

/// What a payload is depends on its content type, in the same way in every language.
async fn reads(node: &Node, plugin: &str) -> Result<()> {
    let (json, plain) = (Some("application/json"), Some("text/plain; charset=utf-8"));
    for (content_type, payload, want) in [
        (json, "\"Ada\"", json!("Ada")),
        (json, "", json!(null)),
        (plain, "Ada", json!("Ada")),
        (plain, "\"Ada\"", json!("\"Ada\"")),
        (plain, "21.5", json!("21.5")),
        (plain, "", json!("")),
        (None, "\"Ada\"", json!("Ada")),
        (None, "Ada ü", json!("Ada ü")),
        (None, "", json!(null)),
    ] {
        let message = Message {
            payload: payload.into(),
            content_type: content_type.map(Into::into),
            ..Message::default()
        };
        let said = node.client().call(&format!("{plugin}/read"), &message, MOMENT).await;
        let said = said.with_context(|| format!("{content_type:?} {payload:?}\n{}", node.printed()))?.payload;
        // Nothing is said by some as `null`, by others by saying nothing.
        let said = if said.is_empty() { json!(null) } else { serde_json::from_slice(&said)? };
        ensure!(said == want, "{plugin} reads {payload:?} ({content_type:?}) as {said}, wanted is {want}");
    }
    let wrong = Message { payload: "Ada".into(), content_type: json.map(Into::into), ..Message::default() };
    let refused = node.client().call(&format!("{plugin}/read"), &wrong, MOMENT).await;
    let is_rejected = matches!(&refused, Err(hive_client::Error::Refused(error)) if error.code == "rejected");
    ensure!(is_rejected, "{refused:?}");
    Ok(())
}

/// State, what is done once and secrets are the same in every language.
async fn keeps(node: &Node, plugin: &str) -> Result<()> {
    let want =
        json!(["one", null, 1, ["kept/a", "kept/b"], false, true, "three", true, false, "open sesame"]);
    says(node, plugin, "keep", &want).await?;
    // The first attempt fails behind what it does once, so the second is the first again.
    node.client().publish(&format!("{plugin}/pay"), &Message::json(&json!({}))?).await?;
    wait::until("the second attempt", MOMENT, async || {
        let paid = node.client().call(&format!("{plugin}/paid"), &Message::default(), MOMENT).await.ok()?;
        (paid.text() == Some("2")).then_some(())
    })
    .await
    .with_context(|| node.printed())
}

/// What is random in an instance, where a handler says so.
async fn any(node: &Node, plugin: &str) -> Result<Option<Value>> {
    if plugin != "greet-js" {
        return Ok(None);
    }
    let said = node.client().call(&format!("{plugin}/random"), &Message::default(), MOMENT).await?;
    Ok(Some(serde_json::from_slice(&said.payload)?))
}

/// What is `async` is waited for, and what it throws is told as if it were not.
async fn waits(node: &Node, plugin: &str) -> Result<()> {
    says(node, plugin, "promised", &json!("kept")).await?;
    for (how, code, want) in [
        ("reject", "rejected", "never 3"),
        ("retry", "failed", "not now"),
        ("mistake", "rejected", "TypeError: cannot read property"),
        ("never", "rejected", "a promise that nothing settles"),
    ] {
        let said = node.client().call(&format!("{plugin}/later"), &Message::json(&how)?, MOMENT).await;
        let is_told = matches!(&said, Err(hive_client::Error::Refused(error))
            if error.code == code && error.message.contains(want));
        ensure!(is_told, "{how}, wanted is `{want}`: {said:?}\n{}", node.printed());
    }
    node.client().publish(&format!("{plugin}/event"), &Message::json(&json!({}))?).await?;
    wait::until("what is async to have begun, ticked and come", MOMENT, async || {
        let seen = node.client().call(&format!("{plugin}/later"), &Message::default(), MOMENT).await.ok()?;
        let seen: Value = serde_json::from_slice(&seen.payload).ok()?;
        (seen["begun"] == json!(true) && seen["ticks"].as_u64() > Some(0) && seen["events"] == json!(1))
            .then_some(())
    })
    .await
    .with_context(|| node.printed())?;
    node.client().call(&format!("{plugin}/later"), &Message::json(&"lose")?, MOMENT).await?;
    wait::until("what nobody waited for to be in the log", MOMENT, async || {
        node.stderr().contains("nobody waited for this: Error: nobody minds").then_some(())
    })
    .await
    .with_context(|| node.printed())
}

async fn says(node: &Node, plugin: &str, what: &str, want: &Value) -> Result<()> {
    let said = node.client().call(&format!("{plugin}/{what}"), &Message::default(), MOMENT).await;
    let said: Value = serde_json::from_slice(&said.with_context(|| node.printed())?.payload)?;
    ensure!(said == *want, "{plugin} says {said}, wanted is {want}");
    Ok(())
}

async fn runs(node: &Node, plugin: &str, generation: u64) -> Result<()> {
    let what = format!("generation {generation} of {plugin}");
    wait::until(&what, LOADING, async || {
        let plugins = node.client().plugins().await.ok()?.plugins;
        plugins.iter().any(|one| one.name == plugin && one.generation >= generation).then_some(())
    })
    .await
    .with_context(|| node.printed())
}

/// What the new version wants beyond the one before, it is given.
async fn let_it(node: &Node, plugin: &str) -> Result<()> {
    let waits = wait::until("it to run, or to wait", LOADING, async || {
        let plugins = node.client().plugins().await.ok()?.plugins;
        let found = plugins.into_iter().find(|one| one.name == plugin)?;
        (found.generation >= 2 || !found.waits.is_empty()).then_some(!found.waits.is_empty())
    });
    if waits.await.with_context(|| node.printed())? {
        node.client().approve(plugin).await?;
    }
    Ok(())
}

async fn greets(node: &Node, plugin: &str, want: &str) -> Result<()> {
    let said = node.client().call(&format!("{plugin}/hello"), &Message::json(&"Ada")?, MOMENT).await;
    let said = said.with_context(|| node.printed())?;
    ensure!(said.text() == Some(&format!("\"{want}\"")), "{said:?}");
    Ok(())
}

/// The message and the stack of a mistake reach the dead letter and the log; who asks is told the message.
async fn is_told(node: &mut Node, plugin: &str, mistake: &[&str; 2]) -> Result<()> {
    let mut letters = node.client().subscribe([format!("$dead/{plugin}")], Terms::default()).await?;
    node.client().publish(&format!("{plugin}/boom"), &Message::json(&json!({}))?).await?;
    let letter = next(&mut letters, "a dead letter").await?;
    let reason = letter.message.headers.iter().find(|(name, _)| name == "hive-reason");
    let reason = reason.map(|(_, reason)| reason.as_str()).unwrap_or_default();
    for part in mistake {
        ensure!(reason.contains(part), "no `{part}` in the reason:\n{reason}");
        node.says(part).await?;
    }
    let asked = node.client().call(&format!("{plugin}/boom"), &Message::json(&json!({}))?, MOMENT).await;
    let is_short = matches!(&asked, Err(hive_client::Error::Refused(error))
        if error.message.contains(mistake[0]) && !error.message.contains('\n'));
    ensure!(is_short, "{asked:?}");
    if plugin == "greet-js" {
        // Where the engine has no console, the SDK has one.
        node.says("about {} TypeError: to stumble").await?;
    }
    Ok(())
}

const JS_TESTS: &[&str] = &[
    "--test",
    "test/host.test.js",
    "test/log.test.js",
    "test/parse.test.js",
    "test/plugin.test.js",
    "test/promise.test.js",
    "test/random.test.js",
    "test/stack.test.js",
    "test/state.test.js",
    "test/text.test.js",
    "test/values.test.js",
];

/// What the SDKs promise without WebAssembly, said by their own tests.
#[tokio::test(flavor = "multi_thread")]
async fn the_sdks_pass_their_own_tests() -> Result<()> {
    let runs: [(&Language, &str, &[&str]); 4] = [
        (&JS, "guest-sdk/js", JS_TESTS),
        (&PYTHON, "guest-sdk/python", &["-m", "unittest", "discover", "-s", "tests"]),
        (&GO, "guest-sdk/go", &["vet", "."]),
        (&GO, "guest-sdk/go", &["test", "."]),
    ];
    for (language, folder, args) in runs {
        if !is_here(language.tool, language.name) {
            continue;
        }
        let mut tests = std::process::Command::new(language.tool);
        tests
            .args(args)
            .current_dir(hive_tests::workspace().join(folder))
            .env("PYTHONDONTWRITEBYTECODE", "1");
        let output = tests.output()?;
        ensure!(output.status.success(), "{}: {}", language.name, said(&output));
    }
    Ok(())
}

/// The samples that are there in several languages do the same in each.
#[tokio::test(flavor = "multi_thread")]
async fn samples_do_the_same_in_every_language() -> Result<()> {
    for language in [&JS, &PYTHON, &C, &GO] {
        if !is_here(language.tool, language.name) {
            continue;
        }
        for sample in ["greeter", "filter", "counter"] {
            let folder = hive_tests::workspace().join("samples").join(sample).join(language.name);
            let cases = std::fs::read_to_string(folder.join("cases.yaml"))?;
            let cases = cases.lines().filter(|line| line.starts_with("  - ")).count();
            ensure!(cases >= 4, "{}: {cases} cases", folder.display());
            let output = command(Path::new(PROGRAM))?.arg("test").arg(&folder).output()?;
            let said = said(&output);
            ensure!(
                output.status.success() && said.contains(&format!("{cases} passed, 0 failed")),
                "{}: {said}",
                folder.display()
            );
        }
    }
    Ok(())
}

/// A handler in Rust that takes part in the chain.
const LINK: &[Edit<'static>] = &[
    ("src/lib.rs", "publishes = [", "publishes = [\"chain/*\", "),
    (
        "src/lib.rs",
        "    /// Counts",
        "    #[on(\"chain/rust\")]\n    fn pass_on(mut way: Vec<String>, ctx: &Context) -> Result<()> {\n        \
         way.push(\"rust\".into());\n        ctx.publish(\"chain/js\", &way)?;\n        Ok(())\n    }\n\n    /// Counts",
    ),
];

/// One event goes from language to language and from node to node.
#[tokio::test(flavor = "multi_thread")]
async fn five_languages_on_three_nodes_pass_an_event_along() -> Result<()> {
    let languages = [&JS, &PYTHON, &C, &GO];
    if !languages.iter().all(|language| is_here(language.tool, language.name)) {
        return Ok(());
    }
    let folders = [tempfile::tempdir()?, tempfile::tempdir()?, tempfile::tempdir()?];
    let put = |at: usize, name: &str, component: &Path| -> Result<()> {
        place(folders[at].path(), &format!("{name}.wasm"), &std::fs::read(component)?)?;
        Ok(())
    };
    put(0, "link", &Project::new(PROGRAM, "rust", "link", "link-rust", LINK)?.build()?.0)?;
    for (at, language) in [0, 1, 1, 2].into_iter().zip(languages) {
        let Language { name, edits, .. } = language;
        let plugin = format!("greet-{name}");
        let project = Project::new(PROGRAM, name, &plugin, &format!("edited-{name}"), edits)?;
        put(at, &plugin, &project.build()?.0)?;
    }
    let [first, second, third] = &folders;
    let one = node("one").plugins(first.path()).start_within(LOADING).await?;
    let two = node("two").plugins(second.path()).peer(&one).start_within(LOADING).await?;
    let three = node("three").plugins(third.path()).peer(&one).start_within(LOADING).await?;
    for (node, plugin) in
        [(&one, "link"), (&one, "greet-js"), (&two, "greet-python"), (&two, "greet-c"), (&three, "greet-go")]
    {
        runs(node, plugin, 1).await?;
    }
    one.has_peers(2, MOMENT).await?;
    two.has_peers(2, MOMENT).await?;
    let mut done = one.client().subscribe(["chain/done"], Terms::default()).await?;
    one.client().publish("chain/rust", &Message::json(&json!([]))?).await?;
    let event = next(&mut done, "the event at the end of the chain").await?;
    let way: Vec<String> = serde_json::from_slice(&event.message.payload)?;
    ensure!(way == ["rust", "js", "python", "c", "go"], "{way:?}");
    Ok(())
}

/// Whoever saves sees the change in a moment; what does not compile is said as the compiler says it, and changes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn dev_follows_what_is_saved_and_a_mistake_leaves_the_old_one_running() -> Result<()> {
    if !is_here("node", "js") {
        return Ok(());
    }
    let project = Project::new(PROGRAM, "js", "greet-js", "dev-js", &[])?;
    let source = project.folder.join("src/index.js");
    let setup = node("dev").verb("dev").arg(&project.folder);
    let mut node = with_tools(setup)?.start_within(LOADING).await?;
    runs(&node, "greet-js", 1).await?;
    greets(&node, "greet-js", "Hello, Ada!").await?;
    let text = std::fs::read_to_string(&source)?;
    let (saved, before) = (std::time::Instant::now(), node.stderr().len());
    std::fs::write(&source, text.replace("Hello", "Good evening"))?;
    wait::until("it to say that it builds", MOMENT, async || {
        node.stderr().get(before..)?.contains("building `greet-js`").then_some(())
    })
    .await
    .with_context(|| node.printed())?;
    runs(&node, "greet-js", 2).await?;
    greets(&node, "greet-js", "Good evening, Ada!").await?;
    eprintln!("js: saved to live in {:.1} s", saved.elapsed().as_secs_f64());
    std::fs::write(&source, text.replace("return `", "return ` `"))?;
    node.says("what ran before goes on").await?;
    ensure!(node.stderr().contains("src/index.js:"), "{}", node.stderr());
    greets(&node, "greet-js", "Good evening, Ada!").await?;
    let shown = |node: &Node| node.stderr().matches("src/index.js:").count();
    let once = shown(&node);
    std::fs::write(source.with_file_name("other.js"), "// something else is saved\n")?;
    node.says(", as before").await?;
    ensure!(shown(&node) == once, "{}", node.stderr());
    std::fs::write(&source, text)?;
    node.stop().await?;
    Ok(())
}
