//! `network`: the epochs of a network's secret: looked at, added, forgotten. Files are changed here; nodes that run follow
//! theirs by themselves.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use hive_client::types::V1;
use serde::Serialize;

use super::{Voice, exit::Fault, output, run::pair};
use crate::{
    config::{Flags, NetworkSettings},
    trust::{network::NetworkKey, ring::Ring},
};

/// Look at a network's secret, or replace it while its nodes run.
#[derive(Debug, Args)]
#[command(after_help = "\
A secret file has one line an epoch. Nodes prove the newest and admit who knows it or the one
before, so one host after the other can be given the new file. Nodes that run follow their files.
Older epochs admit nobody and are kept to read what was sealed with them, until they are forgotten.

Examples:
  hive-node network rotate                      then copy the file to the other hosts, in any order
  hive-node network show                        which epochs this host has
  hive-node peers --json | jq '.peers[].epoch'  which epoch each neighbour has proved
  hive-node network forget-epoch 0              once nothing is left that was sealed with it")]
pub(super) struct Network {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Show(Show),
    Rotate(Rotate),
    ForgetEpoch(ForgetEpoch),
}

/// Which network, and where its secret is.
#[derive(Debug, Args)]
struct Which {
    /// The configuration file that names the network and its secret.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A value for `${NAME}` in the configuration; may be given several times.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
    /// The network [default: the home network].
    #[arg(long, value_name = "NAME")]
    network: Option<String>,
    /// Its secret file [default: the configuration's].
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
}

/// List the epochs of a network's secret, with fingerprints that are the same on every host.
#[derive(Debug, Args)]
struct Show {
    #[command(flatten)]
    which: Which,
    /// Print one JSON document, with "v":1.
    #[arg(long)]
    json: bool,
}

/// Add a new secret to a network's secret file, as its next epoch.
#[derive(Debug, Args)]
struct Rotate {
    #[command(flatten)]
    which: Which,
    /// Print the new file, secrets and all, and change nothing.
    #[arg(long)]
    print: bool,
}

/// Remove the secret of an epoch from a network's secret file: what was sealed with it cannot be read any more.
#[derive(Debug, Args)]
struct ForgetEpoch {
    /// Which.
    epoch: u32,
    #[command(flatten)]
    which: Which,
}

/// The document of `show --json`.
#[derive(Debug, Serialize)]
struct Shown {
    v: V1,
    network: String,
    epochs: Vec<ShownEpoch>,
}

#[derive(Debug, Serialize)]
struct ShownEpoch {
    epoch: u32,
    fingerprint: String,
    /// Whether who knows it is admitted.
    admits: bool,
}

impl Network {
    pub(super) fn run(self, voice: &Voice) -> Result<(), Fault> {
        match self.what {
            What::Show(verb) => verb.run(),
            What::Rotate(verb) => verb.run(voice),
            What::ForgetEpoch(verb) => verb.run(voice),
        }
    }
}

impl Show {
    fn run(self) -> Result<(), Fault> {
        let Secrets { network, ring } = self.which.read()?;
        let key = NetworkKey::from_ring(&network.called, &ring).map_err(foreign)?;
        let shown = |(epoch, fingerprint)| ShownEpoch { epoch, fingerprint, admits: key.admits(epoch) };
        let epochs: Vec<ShownEpoch> = key.fingerprints().into_iter().map(shown).collect();
        if self.json {
            return output::json(&Shown { v: V1, network: network.name.to_string(), epochs });
        }
        let mut rows = vec![["EPOCH", "FINGERPRINT", ""].map(String::from).to_vec()];
        for ShownEpoch { epoch, fingerprint, admits } in epochs {
            let use_of_it = match admits {
                true if epoch == key.newest() => "newest",
                true => "admits",
                false => "kept to read what was sealed",
            };
            rows.push(vec![epoch.to_string(), fingerprint, use_of_it.to_owned()]);
        }
        output::bytes(output::table(&rows).as_bytes())
    }
}

impl Rotate {
    fn run(self, voice: &Voice) -> Result<(), Fault> {
        let Secrets { network, ring } = self.which.read()?;
        let rotated = ring.rotated(&network.called).map_err(|error| {
            Fault::configuration(error)
                .hint("forget epochs that nothing needs: `hive-node network forget-epoch N`")
        })?;
        // What other nodes would refuse is refused here.
        NetworkKey::from_ring(&network.called, &rotated).map_err(foreign)?;
        let newest = rotated.newest();
        let done = format!("epoch {newest} is the newest of the network {}", network.name);
        if keep(&network, &rotated, self.print)? {
            let file = network.secret_file.unwrap_or_default();
            let next = "copy the file to the other hosts of the network, in any order; rotate again when all have it";
            output::note(voice, &format!("{done}, in {}; {next}", file.display()));
        }
        Ok(())
    }
}

impl ForgetEpoch {
    fn run(self, voice: &Voice) -> Result<(), Fault> {
        let Secrets { network, mut ring } = self.which.read()?;
        let epoch = self.epoch;
        let admitted = ring.newest().saturating_sub(epoch) <= 1;
        ring.forget(epoch).map_err(Fault::failed)?;
        if keep(&network, &ring, false)? {
            output::note(voice, &format!("epoch {epoch} of the network {} is forgotten here", network.name));
        }
        if admitted {
            output::note(
                voice,
                &format!("who has epoch {epoch} and none later is not admitted here any more"),
            );
        }
        Ok(())
    }
}

/// A closed network and its secrets.
struct Secrets {
    network: NetworkSettings,
    ring: Ring,
}

impl Which {
    fn read(self) -> Result<Secrets, Fault> {
        let flags = Flags { network: self.network, secret_file: self.secret_file, ..Flags::default() };
        let loaded = super::run::load(self.config, flags, self.set)?;
        // There is a home network always, and first.
        let network =
            loaded.settings.networks.into_iter().next().ok_or_else(|| Fault::usage("no network"))?;
        let Some(secret) = &network.secret else {
            let open = Fault::usage(format!("the network {} is open: it has no secret", network.name));
            return Err(open.hint("name its secret file: --secret-file FILE (`hive-node keygen` makes one)"));
        };
        let ring = Ring::parse(secret.reveal()).map_err(Fault::configuration)?;
        Ok(Secrets { network, ring })
    }
}

/// Writes a ring where its network's secret is from. Where that is no file, or none is wanted, prints it and says false.
fn keep(network: &NetworkSettings, ring: &Ring, print: bool) -> Result<bool, Fault> {
    let Some(file) = network.secret_file.as_ref().filter(|_| !print) else {
        output::bytes(ring.reveal().as_bytes())?;
        return Ok(false);
    };
    ring.store(file).map_err(|error| {
        let context = format!("cannot write {}", file.display());
        Fault::failed(anyhow::Error::new(error).context(context))
    })?;
    Ok(true)
}

fn foreign(error: crate::trust::ring::RingError) -> Fault {
    Fault::configuration(error).hint("give the network's name with --network, as its nodes are given it")
}
