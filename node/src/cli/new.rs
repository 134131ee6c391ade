//! `new`: a project to begin with.

use std::{
    env,
    path::{Path, PathBuf},
};

use clap::{
    Args,
    builder::{PossibleValue, PossibleValuesParser},
};

use super::{Voice, exit::Fault, output};
use crate::toolchain::new::{self, Language, NewError};

/// Make a new handler: a project that builds at once.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hive-node new greeter --lang python
  hive-node dev greeter                    builds it, runs a node with it, rebuilds on save

The SDK is written into the project's `.hive/sdk`, so that it builds wherever it is. `build` brings
it up to date, unless somebody has changed it.

Any other language is built by a command of its own: [plugin] in hive.toml (node/docs/languages.md).")]
pub(super) struct New {
    /// The folder to make; its last part is the plugin's name.
    #[arg(value_name = "NAME")]
    name: PathBuf,
    /// What to write it in.
    #[arg(long, value_name = "LANGUAGE",
          value_parser = PossibleValuesParser::new(Language::ALL.map(typed)))]
    lang: String,
}

impl New {
    pub(super) fn run(self, voice: &Voice) -> Result<(), Fault> {
        let language = Language::of(&self.lang)
            .ok_or_else(|| Fault::usage(format!("there is no template `{}`", self.lang)))?;
        let folder = match self.name.file_name() {
            Some(_) => self.name.clone(),
            // `new .` means this folder.
            None => env::current_dir().map(|here| here.join(&self.name)).map_err(anyhow::Error::new)?,
        };
        new::project(&folder, language).map_err(fault)?;
        output::note(voice, &next(&self.name));
        Ok(())
    }
}

fn typed(language: Language) -> PossibleValue {
    PossibleValue::new(language.name()).aliases(language.others())
}

fn fault(error: NewError) -> Fault {
    match error {
        NewError::Write { .. } => Fault::failed(error),
        NewError::Name(_) | NewError::Sdk(_) | NewError::Exists(_) => Fault::configuration(error),
    }
}

fn next(folder: &Path) -> String {
    let (program, folder) = (output::program(), folder.display().to_string());
    let folder = output::quoted(&folder);
    format!("made {folder}; try\n  {program} dev {folder}\n  {program} test {folder}")
}
