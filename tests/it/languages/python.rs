//! What is wrong with a project in Python, or with what its handler does, is said with its place and a cure.

use std::path::Path;

use anyhow::{Result, ensure};
use hive_tests::languages::{command, is_here, said as said_of};

use super::wrong::{comes_to, run_in};
use crate::PROGRAM;

/// A package that is native code is said by name and by the line that wants it; what does without it builds.
#[tokio::test(flavor = "multi_thread")]
async fn native_code_in_python_is_said_where_it_is_wanted() -> Result<()> {
    if !is_here("python3", "python") {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let run = |args: &[&str]| run_in(&folder, args);
    let (code, said) = run(&["new", "fast", "--lang", "python"])?;
    ensure!(code == Some(0), "{said}");
    let root = folder.path().join("fast");
    // Both have native code; the one does without it, too.
    let manifest = std::fs::read_to_string(root.join("pyproject.toml"))?;
    let wanted = "dependencies = [\"bcrypt==5.0.0\", \"markupsafe==3.0.3\"]";
    std::fs::write(root.join("pyproject.toml"), manifest.replace("dependencies = []", wanted))?;
    let source = root.join("src/app.py");
    let text = std::fs::read_to_string(&source)?;
    for (line, before, after) in [
        (Some(4), "import hive\n", "import hive\nimport bcrypt\n"),
        (Some(18), "    visits =", "    from bcrypt import hashpw\n    visits ="),
        (
            None,
            "import hive\n",
            "import hive\nimport markupsafe\ntry:\n    import bcrypt\nexcept ImportError:\n    bcrypt = None\n",
        ),
    ] {
        std::fs::write(&source, text.replace(before, after))?;
        let (code, said) = run(&["build", "fast"])?;
        let Some(line) = line else {
            ensure!(code == Some(0), "{said}");
            continue;
        };
        let place = format!(
            "src/app.py:{line}: bcrypt 5.0.0 cannot be loaded: it has native code (bcrypt/_bcrypt.abi3.so)"
        );
        ensure!(
            code == Some(1) && said.contains(&place) && said.contains("hint: packages that are Python alone"),
            "{said}"
        );
        ensure!(!said.contains("Traceback") && !said.contains("hive-native"), "{said}");
    }
    Ok(())
}

/// Packages and their markers are those of the Python inside, whichever runs pip; of sources alone a wheel is made.
#[tokio::test(flavor = "multi_thread")]
async fn packages_are_chosen_for_the_python_inside() -> Result<()> {
    if !is_here("python3", "python") {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let run = |args: &[&str]| run_in(&folder, args);
    let (code, said) = run(&["new", "needs", "--lang", "python"])?;
    ensure!(code == Some(0), "{said}");
    let root = folder.path().join("needs");
    let manifest = std::fs::read_to_string(root.join("pyproject.toml"))?;
    let wanted = r#"dependencies = [
        "docopt==0.6.2", "six==1.17.0; sys_platform == 'wasi'", "typing-extensions==4.15.0; python_version < '3.13'"
    ]"#;
    std::fs::write(root.join("pyproject.toml"), manifest.replace("dependencies = []", wanted))?;
    let source = root.join("src/app.py");
    let text = std::fs::read_to_string(&source)?;
    std::fs::write(&source, text.replace("import hive\n", "import hive\nimport docopt\nimport six\n"))?;
    let (code, said) = run(&["build", "needs"])?;
    ensure!(code == Some(0) && !said.contains("SyntaxWarning"), "{said}");
    let site = root.join(".hive/site");
    ensure!(!site.join("typing_extensions.py").exists(), "a marker is that of this machine's Python");
    let depend = |on: &str| {
        let text = manifest.replace("dependencies = []", &format!("dependencies = [\"{on}\"]"));
        std::fs::write(root.join("pyproject.toml"), text)
    };
    depend("six==0.0.1")?;
    let (code, said) = run(&["build", "needs"])?;
    ensure!(code == Some(1) && said.contains("No matching distribution found for six==0.0.1"), "{said}");
    ensure!(said.contains("hint: there is no such package or version"), "{said}");
    // Without a network nothing has no wheel.
    depend("docopt==0.6.1")?;
    let mut offline = command(Path::new(PROGRAM))?;
    offline.env("PIP_INDEX_URL", "http://127.0.0.1:9/").env("PIP_RETRIES", "1");
    let said = said_of(&offline.args(["build", "needs"]).current_dir(folder.path()).output()?);
    ensure!(said.contains("Connection refused") && said.contains("hint: packages come from PyPI"), "{said}");
    ensure!(!said.contains("has no wheel"), "{said}");
    ensure!(site.join("docopt.py").exists(), "what works is gone before there is another");
    std::fs::write(&source, text)?;
    depend("six==1.17.0")?;
    let (code, said) = run(&["build", "needs"])?;
    ensure!(code == Some(0), "{said}");
    ensure!(site.join("six.py").exists(), "what it depends on is not there");
    ensure!(!site.join("docopt.py").exists(), "what nobody depends on any more is there");
    Ok(())
}

/// What fails while a module in Python is loaded is told from the project's own code on, under the names that it has there.
#[tokio::test(flavor = "multi_thread")]
async fn what_fails_while_python_is_loaded_is_told_from_the_projects_code_on() -> Result<()> {
    if !is_here("python3", "python") {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let run = |args: &[&str]| run_in(&folder, args);
    let (code, said) = run(&["new", "early", "--lang", "python"])?;
    ensure!(code == Some(0), "{said}");
    let source = folder.path().join("early/src/app.py");
    let text = std::fs::read_to_string(&source)?;
    for (before, want) in [
        (
            "def limit():\n    return LIMIT\n\nlimit()\n",
            "Traceback (most recent call last):\n  File \"src/app.py\", line 4, in <module>\n    limit()\n",
        ),
        (
            "import hive\n\n@hive.on(\"a/b\")\ndef add(a: int, b: int) -> None: ...\n",
            "line 3, in <module>\n    @hive.on(\"a/b\")\n     ~~~~~~~^^^^^^^\nTypeError: add would be given",
        ),
        (
            "import hive\n@hive.on(\"a//b\")\ndef no() -> None: ...\n",
            "line 2, in <module>\n    @hive.on(\"a//b\")\n     ~~~~~~~^^^^^^^^\nValueError: 'a//b' is no pattern: there are no",
        ),
        (
            "import hive\n@hive.on(\"a/b\")\ndef pay(order: Order) -> Unseen: ...\nclass Order: ...\n",
            "TypeError: pay: what `order` is, `Order`, is not there yet: define it above the handler",
        ),
        (
            "import hive\nfrom dataclasses import dataclass\n@dataclass\nclass Basket:\n    lines: list[Lime]\n\
             @dataclass\nclass Order:\n    late: Late\n    baskets: dict[str, Basket | None]\n\
             @hive.on(\"a/b\")\ndef pay(order: Order) -> None: ...\nclass Late: ...\n",
            "TypeError: Basket (src/app.py:5): what `lines` is, `list[Lime]`: name 'Lime' is not defined: define it in",
        ),
        (
            "LIMIT = (\n",
            "  File \"src/app.py\", line 1\n    LIMIT = (\n            ^\nSyntaxError: '(' was never closed",
        ),
        ("import numppy\n", "error: a package that is not Python's own is to be one of the `dependencies`"),
        ("import sys\nsys.exit(3)\n", "RuntimeError: the program is ended while it is loaded"),
        ("import ssl\n", "error: the Python of a component, 3.14, has no `ssl`"),
        (
            "import hive\nLIMIT = hive.config.get(\"limit\", 3)\n",
            "  File \"src/app.py\", line 2, in <module>\n    LIMIT =",
        ),
    ] {
        std::fs::write(&source, format!("{before}{text}"))?;
        let (code, said) = run(&["build", "early"])?;
        ensure!(code == Some(1) && said.contains(want), "{before}: {said}");
        let hidden = ["hive_entry", "hive_base", "frozen", "/1/", "libpython"];
        ensure!(!hidden.iter().any(|hidden| said.contains(hidden)), "{before}: {said}");
    }
    // A field may be of what is defined below it.
    let below = "import hive\nfrom dataclasses import dataclass\n@dataclass\nclass Order:\n    lines: list[Line]\n\
                 @hive.on(\"a/b\")\ndef pay(order: Order) -> None: ...\n@dataclass\nclass Line:\n    of: Order | None\n";
    // What is printed then is seen, and does no harm. What is written for the Python inside needs no such one outside.
    let newer = "type Limit = int\nlimits = {'a': 1}\nprint(f'{f'{limits['a']}'}')\n";
    std::fs::write(&source, format!("print(\"loaded\")\n{newer}{below}{text}"))?;
    let (code, said) = run(&["build", "early"])?;
    ensure!(code == Some(0) && said.contains("\nloaded\n"), "{said}");
    // So is what it is warned of, by the file's own name.
    std::fs::write(&source, format!("ODD = \"\\S\"\n{text}"))?;
    let (code, said) = run(&["build", "early"])?;
    ensure!(code == Some(0) && said.contains("src/app.py:1: SyntaxWarning: \"\\S\" is an invalid"), "{said}");
    ensure!(!said.contains("/1/") && !said.contains("<unknown>"), "{said}");
    // The interpreter was made for the first of them at the latest.
    ensure!(!said.contains("Python's interpreter"), "{said}");
    Ok(())
}

/// The same in Python, where a module may fail as it is loaded, which is when it is built.
#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_in_python_is_said_where_it_is() -> Result<()> {
    if !is_here("python3", "python") {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let (code, said) = run_in(&folder, &["new", "wrong", "--lang", "python"])?;
    ensure!(code == Some(0), "{said}");
    let source = folder.path().join("wrong/src/app.py");
    std::fs::write(&source, "import hive\n\nlimit = lowest + 1\n")?;
    let (code, said) = run_in(&folder, &["build", "wrong"])?;
    let begins = "Traceback (most recent call last):\n  File \"src/app.py\", line 3, in <module>\n";
    ensure!(code == Some(1) && said.contains(begins), "{code:?}: {said}");
    ensure!(said.matches("NameError: name 'lowest' is not defined").count() == 1, "{said}");
    ensure!(!said.contains("hive_entry") && !said.contains("hive-wrong"), "{said}");
    std::fs::write(&source, include_str!("wrong.py"))?;
    let cases: [(&str, &[&str]); 6] = [
        (
            "open",
            &[
                "No such file or directory: 'x' (a component has the folders",
                "\"src/app.py\", line 10, in attempt",
                "        open(\"x\")\n",
                "    ~~~~^^^^^\n",
            ],
        ),
        ("url", &["(a component in Python has no network: hive.call", "\"src/app.py\", line 12"]),
        ("denied", &["denied: ", "(src/app.py:14)"]),
        ("memory", &["MemoryError; it was stopped for memory: it asked for more than 64MiB"]),
        (
            "nan",
            &[
                "TypeError: the value cannot be written as JSON: Out of range float values are not JSON compliant: nan, \
                 when serializing dict item 'celsius', when serializing list item 0, when serializing dict item 'rooms'",
                "\"src/app.py\", line 18",
            ],
        ),
        ("circular", &["as JSON: Circular reference detected", "\"src/app.py\", line 21"]),
    ];
    comes_to(&folder, &cases, &["_handle.py", "_message.py", "/python/"])?;
    // An answer that is none went through no line of the project: the handler is named.
    std::fs::write(folder.path().join("wrong/cases.yaml"), "cases:\n  - { call: wrong/answer }\n")?;
    let (code, said) = run_in(&folder, &["test", "wrong"])?;
    let wanted =
        "TypeError: the answer on `wrong/answer` (src/app.py:24): the value cannot be written as JSON";
    ensure!(code == Some(1) && said.contains(wanted) && !said.contains("_handle.py"), "{code:?}: {said}");
    Ok(())
}
