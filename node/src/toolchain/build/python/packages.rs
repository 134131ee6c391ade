//! The packages that a project depends on: chosen for the Python inside a component, installed into its own folder, and what
//! they have of native code.
//!
//! Exists because pip chooses for the Python that it runs in. It must not know how packages are loaded.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use percent_encoding::percent_decode_str;
use tokio::process::Command;

use super::{PYTHON, SITE};
use crate::toolchain::build::{BuildError, project::Project, shop::Shop, stamp, tool::place};

/// The Python inside, whose markers `CHOOSING` has.
pub const INSIDE: &str = "3.14";
/// pip as it chooses for that.
pub const CHOOSING: &str = include_str!("pip.py");
/// What is installed, as the manifest says it.
pub const LIST: &str = "hive-installed.txt";
/// Wheels with native code are taken, too, as many do without it: those for any glibc, of which nothing is loaded.
const MANYLINUX: [&str; 3] = ["manylinux1_x86_64", "manylinux2010_x86_64", "manylinux2014_x86_64"];
const GLIBC_MINORS: std::ops::Range<u32> = 5..40;
/// Packages of sources alone that wheels are made of for one project.
const SOURCES_MAX: usize = 16;

/// A module that is native code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Native {
    /// The package that has it, with its version.
    pub package: String,
    /// Its file in there.
    pub file: String,
}

/// By their names in Python.
pub type Natives = BTreeMap<String, Native>;

/// The folder of the packages that a project depends on, installed when they changed; none: it depends on none.
///
/// # Errors
/// When they must not or cannot be installed.
pub async fn installed(
    project: &Project,
    dependencies: &[String],
    shop: &Shop<'_>,
) -> Result<Option<PathBuf>, BuildError> {
    if dependencies.is_empty() {
        return Ok(None);
    }
    let mut wanted = format!("{}\n# for Python {INSIDE}\n", dependencies.join("\n"));
    let paths: Vec<PathBuf> = dependencies.iter().filter_map(|one| local(&project.root, one)).collect();
    if !paths.is_empty() {
        wanted.push_str(&format!("# of {}\n", stamp::of(&paths, &[], &[])?));
    }
    let site = project.root.join(SITE);
    let list = site.join(LIST);
    if fs::read_to_string(&list).is_ok_and(|installed| installed == wanted) {
        return Ok(Some(site));
    }
    if !shop.installs() {
        return Err(BuildError::NotInstalled {
            what: format!("a package ({})", dependencies.join(", ")),
            why: "the project depends on it",
            hint: "leave out `--no-install` once: it goes into the project's `.hive/site`".into(),
        });
    }
    shop.say(&format!("`{}` needs packages; running `pip install`", project.name));
    // What works stays until there is another, and what nobody depends on any more goes with it.
    let fresh = site.with_added_extension("new");
    remove(&fresh)?;
    shop.installing("packages", &fresh, choose(project, dependencies, &fresh, shop)).await?;
    let fresh_list = fresh.join(LIST);
    fs::write(&fresh_list, wanted).map_err(|source| place(&fresh_list, source))?;
    // Half of what was there is not taken for all of it.
    gone(&list, fs::remove_file(&list))?;
    remove(&site)?;
    fs::rename(&fresh, &site).map_err(|source| place(&site, source))?;
    Ok(Some(site))
}

/// Where a package is that is depended on by its path: `name @ file:///x`, `../x`.
pub fn local(root: &Path, dependency: &str) -> Option<PathBuf> {
    if dependency.starts_with(['.', '/']) {
        let path = dependency.split([';', '[']).next()?;
        return Some(root.join(path.trim_end()));
    }
    let address = dependency.split_once('@')?.1.split(" ;").next()?;
    let path = address.trim().strip_prefix("file://")?.split('#').next()?;
    let path = path.strip_prefix("localhost").unwrap_or(path);
    Some(PathBuf::from(percent_decode_str(path).decode_utf8_lossy().as_ref()))
}

fn remove(folder: &Path) -> Result<(), BuildError> {
    gone(folder, fs::remove_dir_all(folder))
}

/// What is not there need not be removed.
fn gone(path: &Path, removed: io::Result<()>) -> Result<(), BuildError> {
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(place(path, error)),
        _ => Ok(()),
    }
}

/// Installs packages for the Python inside. Where one is there as sources alone a wheel is made of it first, by this machine's
/// Python.
async fn choose(
    project: &Project,
    dependencies: &[String],
    site: &Path,
    shop: &Shop<'_>,
) -> Result<(), BuildError> {
    let wheels = project.workshop().join("wheels");
    fs::create_dir_all(&wheels).map_err(|source| place(&wheels, source))?;
    let mut made: Vec<String> = Vec::new();
    loop {
        let mut pip = PYTHON.command(&project.root);
        pip.args(["-c", CHOOSING, "install", "--no-compile", "--no-warn-conflicts", "--only-binary=:all:"]);
        pip.args(["--python-version", INSIDE, "--implementation", "cp", "--abi"]);
        pip.arg(format!("cp{}", INSIDE.replace('.', ""))).args(["--platform", "any"]);
        for platform in MANYLINUX {
            pip.args(["--platform", platform]);
        }
        for minor in GLIBC_MINORS {
            pip.arg("--platform").arg(format!("manylinux_2_{minor}_x86_64"));
        }
        pip.arg("--find-links").arg(&wheels);
        let Err(error) = run(pip, site, dependencies, &project.root).await else { return Ok(()) };
        let BuildError::Failed { said, .. } = &error else { return Err(error) };
        let lacking = without_wheel(said).filter(|_| !is_offline(said)).map(str::to_owned);
        let Some(lacking) = lacking else { return Err(error) };
        if made.contains(&lacking) {
            return Err(BuildError::NoWheel { package: lacking });
        }
        if made.len() == SOURCES_MAX {
            return Err(error);
        }
        shop.say(&format!(
            "`{lacking}` has no wheel for Python {INSIDE}; running `pip wheel` for its sources"
        ));
        let mut pip = PYTHON.command(&project.root);
        pip.args([
            "-m",
            "pip",
            "wheel",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--wheel-dir",
        ]);
        pip.arg(&wheels).arg(&lacking).env("PIP_ROOT_USER_ACTION", "ignore");
        PYTHON.compile(pip, "python3 -m pip wheel", &project.root).await?;
        made.push(lacking);
    }
}

/// What pip finds no wheel for, as it says itself: behind it stands who wants it, and which versions there are.
fn without_wheel(said: &str) -> Option<&str> {
    let (_, rest) = said.split_once("Could not find a version that satisfies the requirement ")?;
    rest.split_once(" (from ").map(|(requirement, _)| requirement)
}

/// Whether pip could not ask for packages, after which it finds none.
fn is_offline(said: &str) -> bool {
    ["connection broken by", "Could not fetch URL", "Failed to establish a new connection"]
        .iter()
        .any(|words| said.contains(words))
}

/// What to do about what pip says.
#[must_use]
pub fn advice(said: &str) -> Option<&'static str> {
    if is_offline(said) {
        return Some(
            "packages come from PyPI, or from where pip is told to look (`pip config list`): it could not be reached",
        );
    }
    without_wheel(said)?;
    Some("there is no such package or version: the project's are the `dependencies` of pyproject.toml")
}

/// Installs packages for this machine's Python into a folder, whatever manages the rest of the system.
pub async fn pip(to: &Path, packages: &[String], folder: &Path) -> Result<(), BuildError> {
    let mut pip = PYTHON.command(folder);
    pip.args(["-m", "pip", "install"]);
    run(pip, to, packages, folder).await
}

async fn run(mut pip: Command, to: &Path, packages: &[String], folder: &Path) -> Result<(), BuildError> {
    // It goes into a folder of its own, whoever runs this.
    pip.env("PIP_ROOT_USER_ACTION", "ignore");
    pip.args(["--quiet", "--disable-pip-version-check", "--upgrade", "--target"]).arg(to).args(packages);
    // What is on its way is where it is to be: so one sees how far it is, and it is moved and not copied.
    let coming = to.join(".coming");
    fs::create_dir_all(&coming).map_err(|source| place(&coming, source))?;
    pip.env("TMPDIR", &coming);
    let installed = PYTHON.compile(pip, "python3 -m pip install", folder).await;
    let removed = fs::remove_dir_all(&coming).map_err(|source| place(&coming, source));
    installed.and(removed)
}

/// What installed packages have of native code, as they say themselves.
pub fn native(site: &Path) -> Natives {
    let mut found = Natives::new();
    for folder in fs::read_dir(site).into_iter().flatten().flatten().map(|entry| entry.path()) {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let Some(package) = name.strip_suffix(".dist-info") else { continue };
        // What cannot be read names nothing; then the error is Python's own.
        let record = fs::read_to_string(folder.join("RECORD")).unwrap_or_default();
        for file in record.lines().filter_map(|line| line.split(',').next()) {
            if let Some(module) = native_module(file) {
                let package = package.replacen('-', " ", 1);
                found.insert(module, Native { package, file: file.to_owned() });
            }
        }
    }
    found
}

/// What a file is called as a module, if it is native code: `lxml/etree.cpython-311-x86_64-linux-gnu.so` is `lxml.etree`.
fn native_module(file: &str) -> Option<String> {
    let whole = file.strip_suffix(".so").or_else(|| file.strip_suffix(".pyd"))?;
    let (folder, name) = whole.rsplit_once('/').unwrap_or(("", whole));
    let parts = folder.split('/').filter(|part| !part.is_empty()).chain(name.split('.').next());
    Some(parts.collect::<Vec<_>>().join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_say_which_of_their_modules_are_native_code() {
        let site = tempfile::tempdir().expect("a folder");
        for (package, record) in [
            (
                "lxml-6.0.2.dist-info",
                "../../bin/x,,\nlxml/etree.cpython-311-x86_64-linux-gnu.so,sha256=x,9\nlxml/__init__.py,,\n",
            ),
            ("cffi-2.0.0.dist-info", "_cffi_backend.cpython-311-x86_64-linux-gnu.so,,\ncffi/api.py,,\n"),
            ("six-1.17.0.dist-info", "six.py,,\n"),
        ] {
            fs::create_dir(site.path().join(package)).expect("made");
            fs::write(site.path().join(package).join("RECORD"), record).expect("written");
        }
        let found = native(site.path());
        let modules: Vec<&String> = found.keys().collect();
        assert_eq!(modules, ["_cffi_backend", "lxml.etree"]);
        assert_eq!(found["lxml.etree"].package, "lxml 6.0.2");
        assert_eq!(native_module("bcrypt/_bcrypt.abi3.so").as_deref(), Some("bcrypt._bcrypt"));
    }

    #[test]
    fn a_package_with_a_path_is_known_by_it() {
        for (dependency, want) in [
            ("../x", Some("/a/../x")),
            ("./x.whl[part]; python_version > '3'", Some("/a/./x.whl")),
            ("x[part] @ file:///b/of%20mine/x#egg=x ; python_version > '3'", Some("/b/of mine/x")),
            ("x@file://localhost/b", Some("/b")),
            ("x @ https://x.org/b", None),
            ("x==1", None),
        ] {
            assert_eq!(local(Path::new("/a"), dependency), want.map(PathBuf::from), "{dependency}");
        }
    }

    #[test]
    fn what_has_no_wheel_is_read_out_of_what_pip_says() {
        for (said, want) in [
            (
                "ERROR: Could not find a version that satisfies the requirement docopt (from versions: none)\n",
                "docopt",
            ),
            (
                "ERROR: Could not find a version that satisfies the requirement docopt<1,>=0.6 (from cli) (from versions: none)",
                "docopt<1,>=0.6",
            ),
        ] {
            assert_eq!(without_wheel(said), Some(want));
            assert!(advice(said).is_some_and(|advice| advice.starts_with("there is no such package")));
            let offline = "WARNING: Retrying (Retry(total=0, connect=None)) after connection broken by 'NewConnectionError('…')'\n";
            assert!(advice(&format!("{offline}{said}")).is_some_and(|advice| advice.contains("PyPI")));
        }
        assert_eq!(without_wheel("ERROR: ResolutionImpossible"), None);
        assert_eq!(advice("ERROR: ResolutionImpossible"), None);
    }

    #[test]
    fn the_python_inside_is_the_one_whose_markers_pip_is_given() {
        assert!(CHOOSING.contains(&format!("\"python_version\": \"{INSIDE}\"")), "{CHOOSING}");
    }
}
