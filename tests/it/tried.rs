//! What `test` and `build` say to people and to programs: bytes, what does not build, and what has no cases.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, ensure};
use hive_node::plugin::sketch::{ECHO, Sketch};
use hive_tests::guests::guest;
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::{run, stderr, stdout, write};

/// The first bytes of an image.
const IMAGE: &[u8] = b"\x89PNG";

/// Answers with what it was asked, and publishes the same as an image.
fn mirror() -> bytes::Bytes {
    let body = format!(
        "(call $publish (i32.const 900) (i32.const 10) (local.get 2) (local.get 3) (i32.const 1) (i32.const 920)
            (i32.const 9) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 512))
        (if (i32.load8_u (i32.const 512)) (then unreachable)) {ECHO}"
    );
    let data = r#"(data (i32.const 900) "copies/one") (data (i32.const 920) "image/png")"#;
    Sketch::new().answers("blob/*").publishes("copies/*").handle(&body).with(data).build()
}

/// The lines of `--json`.
fn lines(text: &str) -> Result<Vec<Json>> {
    text.lines().map(|line| serde_json::from_str(line).with_context(|| line.to_owned())).collect()
}

/// A folder with the mirror, an image, and these cases.
fn mirrored(cases: &str) -> Result<(TempDir, String)> {
    let folder = TempDir::new()?;
    fs::write(folder.path().join("blob.wasm"), mirror())?;
    fs::write(folder.path().join("dot.png"), IMAGE)?;
    let file = write(folder.path(), "cases.yaml", &format!("component: blob.wasm\ncases:\n{cases}"))?;
    Ok((folder, file))
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_are_given_expected_and_shown() -> Result<()> {
    let (_folder, file) = mirrored(
        "- { name: text, call: blob/a, base64: iVBORw==, answer-base64: iVBORw== }\n\
         - { name: file, call: blob/a, file: dot.png, answer-file: dot.png,\n\
         \x20   publishes: [{ channel: copies/one, file: dot.png }] }\n\
         - { name: other, call: blob/a, base64: iVBORw==, answer-base64: iVBORwo= }\n\
         - { name: json, call: blob/a, base64: iVBORw==, answer: { base64: iVBORw== } }\n\
         - { name: sent, call: blob/a, base64: iVBORw==, publishes: [{ channel: copies/one, base64: iQ== }] }\n",
    )?;
    let done = run(None, &["test", &file]).await?;
    let said = stdout(&done);
    let wants = [
        "ok      text (",
        "ok      file (",
        "FAILED  other: it was to answer <5 bytes>, and answered <4 bytes>: the first 4 bytes are the same",
        "FAILED  json: it was to answer {\"base64\":\"iVBORw==\"}, and answered <4 bytes>: `answer-base64` and `answer-file`",
        "FAILED  sent: it was to publish <1 byte> on copies/one, and published <4 bytes>: the first byte is the same",
        "answered <4 bytes>\n",
        "published copies/one <4 bytes> (image/png)\n",
    ];
    for want in wants {
        ensure!(said.contains(want), "{want}: {said}{}", stderr(&done));
    }
    let done = run(None, &["test", &file, "--json"]).await?;
    let text = lines(&stdout(&done))?.into_iter().next().context("a line")?;
    ensure!(text["answer"] == json!({"base64": "iVBORw=="}), "{text}");
    let sent =
        json!([{"channel": "copies/one", "data": {"base64": "iVBORw=="}, "content_type": "image/png"}]);
    ensure!(text["published"] == sent, "{text}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_bytes_is_told() -> Result<()> {
    let check = async |case: &str, wants: &[&str]| {
        let (_folder, file) = mirrored(&format!("- {{ call: blob/a, {case} }}\n"))?;
        let done = run(None, &["test", &file]).await?;
        let said = stderr(&done);
        ensure!(
            done.status.code() == Some(2) && wants.iter().all(|want| said.contains(want)),
            "{case}: {said}"
        );
        Ok(())
    };
    check("data: !!binary iVBORw==", &["`!!binary` is not read here", "`base64: TEXT`"]).await?;
    check("base64: '?'", &["this is no base64"]).await?;
    check("file: nowhere.png", &["cannot read `nowhere.png`: there is no such file"]).await?;
    check("file: dot.png, data: 7", &["the payload is said twice, as `data` and as `file`"]).await?;
    check("answer: 7, answer-file: dot.png", &["a case ends with one of `answer`, `answer-base64`"]).await?;
    let component = TempDir::new()?;
    let file = component.path().join("blob.wasm");
    fs::write(&file, mirror())?;
    let file = file.to_str().context("UTF-8")?;
    let event = run(None, &["test", file, "--event", r#"{"call": "blob/a", "base64": "iVBORw=="}"#]).await?;
    ensure!(stdout(&event).starts_with("answered <4 bytes>\n"), "{event:?}");
    let event = run(None, &["test", file, "--event", r#"{"kall": 7}"#, "--json"]).await?;
    let error = lines(&stdout(&event))?.into_iter().next().context("a line")?;
    let message = error["error"]["message"].as_str().unwrap_or_default();
    ensure!(message.starts_with("--event:1:"), "{error}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_is_fine_is_a_document() -> Result<()> {
    let folder = TempDir::new()?;
    let file = write(folder.path(), "hive.yaml", "version: 1\n")?;
    let fine = run(None, &["check", &file, "--json"]).await?;
    let want = json!({"v": 1, "file": file, "problems": [], "warnings": []});
    ensure!(fine.status.success() && lines(&stdout(&fine))? == [want], "{fine:?}");
    let file = write(folder.path(), "hive.yaml", "version: 1\nlogg: info\n")?;
    let wrong = run(None, &["check", &file, "--json"]).await?;
    let error = lines(&stdout(&wrong))?.into_iter().next().context("a document")?;
    let message = error["error"]["message"].as_str().unwrap_or_default();
    ensure!(message == format!("{file}:2:1: unknown key `logg`"), "{error}");
    Ok(())
}

/// A project of its own command, which leaves the greeter, or fails.
fn project(parent: &Path, name: &str, builds: bool, cases: Option<&str>) -> Result<()> {
    let folder = parent.join(name);
    fs::create_dir(&folder)?;
    fs::copy(guest("greeter"), folder.join("made.wasm"))?;
    let command = if builds { "cp made.wasm $HIVE_OUT" } else { "echo no; exit 1" };
    let build = format!("[plugin]\nname = \"{name}\"\nbuild = [\"sh\", \"-c\", \"{command}\"]\n");
    fs::write(folder.join("hive.toml"), build + "sources = [\"made.wasm\"]\n")?;
    if let Some(cases) = cases {
        fs::write(folder.join("cases.yaml"), cases)?;
    }
    Ok(())
}

const GREETS: &str = "cases: [{ call: greet/hello, data: Ada, answer: \"Hello, Ada!\" }]\n";

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_build_and_what_has_no_cases_is_in_the_json() -> Result<()> {
    let parent = TempDir::new()?;
    project(parent.path(), "ada", true, Some(GREETS))?;
    project(parent.path(), "cer", true, None)?;
    project(parent.path(), "goer", false, Some(GREETS))?;
    let path = parent.path().to_str().context("UTF-8")?;
    let done = run(None, &["test", path, "--json"]).await?;
    let all = lines(&stdout(&done))?;
    let of = |name: &str| all.iter().find(|line| line["plugin"] == name).cloned().unwrap_or_default();
    ensure!(done.status.code() == Some(1) && all.len() == 3, "{all:?}");
    ensure!(of("ada")["ok"] == true && of("ada")["outcome"] == "answered", "{all:?}");
    ensure!(of("cer") == json!({"v": 1, "plugin": "cer", "ok": true, "cases": 0}), "{all:?}");
    let (goer, message) = (of("goer"), of("goer")["error"]["message"].as_str().map(str::to_owned));
    ensure!(goer["ok"] == false && goer["error"]["code"] == "no", "{goer}");
    ensure!(message.is_some_and(|message| message.contains("failed for ")), "{goer}");

    let alone = parent.path().join("goer").display().to_string();
    let alone = run(None, &["test", &alone, "--json"]).await?;
    ensure!(lines(&stdout(&alone))? == [goer], "{alone:?}");

    let built = run(None, &["build", path, "--json"]).await?;
    let document = lines(&stdout(&built))?.into_iter().next().context("a document")?;
    ensure!(
        built.status.code() == Some(1) && document["components"].as_array().map(Vec::len) == Some(2),
        "{document}"
    );
    let failure = &document["failures"][0];
    ensure!(
        failure["error"]["code"] == "no" && failure["sources"].as_str() == alone_of(path).as_deref(),
        "{document}"
    );

    fs::remove_dir_all(parent.path().join("goer"))?;
    let rest = run(None, &["test", path]).await?;
    ensure!(rest.status.success() && stderr(&rest).contains("cer: no cases\n"), "{rest:?}");
    Ok(())
}

fn alone_of(path: &str) -> Option<String> {
    Some(Path::new(path).canonicalize().ok()?.join("goer").display().to_string())
}
