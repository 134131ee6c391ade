//! The interpreter with the SDK in it, and no project: made by componentize-py, once for all projects that use the same of a
//! node, and kept in the user's cache.
//!
//! What it owns: what it depends on, and its folder. It must not know how a project is loaded into it.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use super::{COMPONENTIZE, PYTHON, componentize};
use crate::toolchain::build::{
    BuildError,
    shop::{Comes, Kit, Shop},
    tool::place,
    world,
};

/// The module that it is made of.
pub const SOURCE: &str = include_str!("base.py");
const MODULE: &str = "hive_base";
/// The component in its folder.
const COMPONENT: &str = "base.wasm";
/// A folder in it with nothing in it, where a project has no packages.
const NOTHING: &str = "nothing";
/// Folders in it that Python's own modules are loaded from, and the interfaces'.
const FOLDERS: [&str; 3] = ["python", "world", "bundled"];

/// An interpreter with the SDK in it.
pub struct Base {
    folder: PathBuf,
}

/// What it is made with.
pub struct Parts<'p> {
    /// The folder of the SDK.
    pub sdk: &'p Path,
    /// The folder of the interfaces, with the world of a project.
    pub wit: &'p Path,
    /// What that world imports.
    pub uses: &'p BTreeSet<&'static str>,
}

impl Base {
    /// The one with these parts, which is made when it is not there.
    ///
    /// # Errors
    /// When it cannot be made, or files cannot be read or written.
    pub async fn with(parts: &Parts<'_>, shop: &Shop<'_>) -> Result<Self, BuildError> {
        let tools = componentize(shop).await?;
        let hash = parts.hash().map_err(|source| place(parts.sdk, source))?;
        let kit = Kit {
            name: format!("python-{hash}"),
            called: "Python's interpreter".into(),
            why: "handlers share it, those with secrets one of their own",
            comes: Comes::Made,
        };
        let folder = shop.kit(&kit, async |folder: &Path| parts.make(&tools, folder).await).await?;
        Ok(Self { folder })
    }

    /// Its component.
    pub fn component(&self) -> PathBuf {
        self.folder.join(COMPONENT)
    }

    /// The folders that it has of its own, by what they are called inside.
    pub fn folders(&self) -> impl Iterator<Item = (PathBuf, String)> {
        FOLDERS.into_iter().map(|name| (self.folder.join(name), name.to_owned()))
    }

    /// For a project without packages.
    pub fn nothing(&self) -> PathBuf {
        self.folder.join(NOTHING)
    }
}

impl Parts<'_> {
    /// Of all that goes into it.
    fn hash(&self) -> io::Result<String> {
        let mut hasher = blake3::Hasher::new();
        let mut add = |part: &[u8]| {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        };
        for text in [COMPONENTIZE, SOURCE].into_iter().chain(self.uses.iter().copied()) {
            add(text.as_bytes());
        }
        for (folder, extension) in [(self.sdk, "py"), (self.wit, "wit")] {
            let mut files = world::files(folder, extension);
            files.sort();
            for file in files {
                add(file.strip_prefix(folder).unwrap_or(&file).as_os_str().as_encoded_bytes());
                add(&fs::read(&file)?);
            }
        }
        Ok(hasher.finalize().to_hex().chars().take(16).collect())
    }

    async fn make(&self, tools: &Path, folder: &Path) -> Result<(), BuildError> {
        // An environment, too, with nothing in it.
        for name in [NOTHING, "lib/python3/site-packages"] {
            let folder = folder.join(name);
            fs::create_dir_all(&folder).map_err(|source| place(&folder, source))?;
        }
        let source = folder.join(MODULE).with_added_extension("py");
        fs::write(&source, SOURCE).map_err(|error| place(&source, error))?;
        let mut python = PYTHON.command(folder);
        // Without a virtual environment of its own it would look at all that is installed on this machine.
        python.env("PYTHONPATH", tools).env("VIRTUAL_ENV", folder).env_remove("PYTHONHOME");
        // A person who has it set for programs in Rust does not want the tool's own frames below his mistake.
        python.env_remove("RUST_BACKTRACE");
        python.args(["-c", "import sys, componentize_py; sys.exit(componentize_py.script())", "--quiet"]);
        python.arg("--wit-path").arg(self.wit).args(["--world", world::WORLD, "componentize"]);
        // The places of a project, which are loaded from later.
        for path in [folder, &folder.join(NOTHING), self.sdk, &folder.join(NOTHING)] {
            python.arg("--python-path").arg(path);
        }
        python.arg(MODULE).arg("--output").arg(folder.join(COMPONENT));
        PYTHON.compile_aloud(python, "componentize-py", folder).await.map(drop)
    }
}
