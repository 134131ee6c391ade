//! `hive-node bench plugins`: how fast many plugins start, with and without compiled code, how fast one is replaced, and
//! what a fresh instance for each event costs beside a bare one.

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use hive_proto::{
    channel::{Names, NetworkName},
    id::{Incarnation, NodeId},
};
use serde::Serialize;

use super::{
    handlers::stage::{PATIENCE, Stage},
    measure::median,
};
use crate::{
    Message,
    bus::Bus,
    dispatch::{Call, Invoke, Outcome},
    plugin::{
        Config, Mode, Plugins, StartError,
        host::Guest,
        instances::bare,
        limits::CallLimits,
        settings::PluginConfig,
        sketch::{ECHO, Sketch},
        worker::Worker,
    },
    shutdown::Part,
    status::{Boards, NodeCard, PluginState},
    trust::{hex, random_bytes},
    units::ByteSize,
};

/// How often one plugin is replaced.
const RELOADS: u32 = 20;
/// Fresh instances of one measurement.
const INSTANCES: u32 = 2_000;
/// Measurements of fresh instances, in turns.
const ROUNDS: usize = 5;
/// Where the built-in handler answers.
const CHANNEL: &str = "bench/event";

/// What to measure.
#[derive(Debug, Clone)]
pub struct Plan {
    /// A component and what to call it; none: one of a few instructions that is built in.
    pub guest: Option<(String, Bytes)>,
    /// How many plugins of it, each of another content.
    pub plugins: u32,
}

/// What was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The version of this document.
    pub v: u32,
    /// The handler.
    pub guest: String,
    /// Bytes of one component.
    pub component_bytes: u64,
    /// How many plugins.
    pub plugins: u32,
    /// Until all run, when each is compiled.
    pub compiled_s: f64,
    /// Until all run, when each was compiled before.
    pub cached_s: f64,
    /// Memory of the process then.
    pub resident_bytes: u64,
    /// From asking for a version that was compiled before to its first answer: the median.
    pub reload_ms: f64,
    /// One event by an instance of its own.
    pub fresh_us: f64,
    /// Instantiating the same component and dropping it.
    pub bare_us: f64,
    /// The one through the other: the median over the rounds.
    pub fresh_ratio: f64,
}

/// Measures what the plan says. Calls `progress` with a line now and then.
///
/// # Errors
/// When the component is not one, or a plugin does not run.
pub async fn run(plan: &Plan, mut progress: impl FnMut(String)) -> Result<Report> {
    let (guest, component) = match &plan.guest {
        Some((name, component)) => (name.clone(), component.clone()),
        None => ("built in".to_owned(), Sketch::new().answers(CHANNEL).handle(ECHO).build()),
    };
    let (folder, data_dir) = (Scratch::make()?, Scratch::make()?);
    for number in 0..plan.plugins {
        fs::write(folder.0.join(format!("p{number}.wasm")), numbered(&component, number))?;
    }
    progress(format!("{} plugins, compiled", plan.plugins));
    let (first, compiled) = Running::start(&folder.0, &data_dir.0, plan.plugins).await?;
    ensure!(first.counts() == (u64::from(plan.plugins), 0), "they were compiled before");
    first.end().await?;
    progress(format!("{} plugins, from the cache", plan.plugins));
    let (second, cached) = Running::start(&folder.0, &data_dir.0, plan.plugins).await?;
    ensure!(second.counts() == (0, u64::from(plan.plugins)), "they were compiled again");
    let resident_bytes = resident()?;
    second.end().await?;
    progress("replacing one".to_owned());
    let reload = reloads(&component).await?;
    progress("fresh instances".to_owned());
    let (fresh, bare) = fresh(&guest, component.clone()).await?;
    let ratios = fresh.iter().zip(&bare).map(|(fresh, bare)| fresh / bare).collect();
    Ok(Report {
        v: 1,
        guest,
        component_bytes: u64::try_from(component.len())?,
        plugins: plan.plugins,
        compiled_s: compiled.as_secs_f64(),
        cached_s: cached.as_secs_f64(),
        resident_bytes,
        reload_ms: reload,
        fresh_us: median(fresh),
        bare_us: median(bare),
        fresh_ratio: median(ratios),
    })
}

/// A folder that goes with the value.
struct Scratch(PathBuf);

impl Scratch {
    fn make() -> Result<Self> {
        let path = env::temp_dir().join(format!("hive-bench-{}", hex(&random_bytes::<8>())));
        fs::create_dir(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A leftover in the folder for temporary files is only untidy.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The plugins of a folder, at work.
struct Running {
    bus: Bus,
    boards: Arc<Boards>,
    part: Part,
    plugins: Plugins,
}

impl Running {
    async fn start(folder: &Path, data_dir: &Path, count: u32) -> Result<(Self, Duration)> {
        let bus = Bus::new(NodeId([7; 32]), Incarnation(1), Names::new(vec![NetworkName::parse("hive")?]));
        bus.confirmed(u64::MAX);
        let boards = Boards::new(NodeCard { data_dir: Some(data_dir.into()), ..NodeCard::default() });
        let part = Part::new("plugins");
        let config = Config { folders: vec![folder.into()], ..Config::default() };
        let begun = Instant::now();
        let plugins = Plugins::start(config, bus.clone(), Arc::clone(&boards), None, &part).await;
        let plugins = plugins.map_err(|error: StartError| anyhow::Error::new(error))?;
        let took = begun.elapsed();
        let cards = boards.plugins.read();
        let stuck = cards.iter().find(|(_, card)| card.state != PluginState::Running);
        if let Some((name, card)) = stuck {
            anyhow::bail!("{name} does not run: {}", card.problem.clone().unwrap_or_default());
        }
        ensure!(cards.len() == usize::try_from(count)?, "only {} of {count} plugins run", cards.len());
        Ok((Self { bus, boards, part, plugins }, took))
    }

    /// Components that were compiled, and that were not.
    fn counts(&self) -> (u64, u64) {
        let components = &self.boards.components;
        (components.compiled.value(), components.cached.value())
    }

    async fn end(self) -> Result<()> {
        self.part.finish(PATIENCE).await.map_err(|late| anyhow::anyhow!("{late:?} is late"))
    }
}

/// Milliseconds from asking for another version, that was compiled before, to its first answer: the median. The handler is
/// the built-in one where the given one answers nowhere that is known; it is the loading that is measured.
async fn reloads(component: &Bytes) -> Result<f64> {
    let (folder, data_dir) = (Scratch::make()?, Scratch::make()?);
    let answers = Sketch::new().answers(CHANNEL).handle(ECHO).build();
    fs::write(folder.0.join("other.wasm"), component)?;
    fs::write(folder.0.join("p.wasm"), numbered(&answers, 0))?;
    let (running, _) = Running::start(&folder.0, &data_dir.0, 2).await?;
    let to = running.bus.names().address(CHANNEL)?;
    let mut times = Vec::new();
    for round in 0..=RELOADS {
        // Beside, so that the watcher does not see it first.
        let beside = folder.0.join(".new");
        fs::write(&beside, numbered(&answers, round % 2))?;
        fs::rename(&beside, folder.0.join("p.wasm"))?;
        let begun = Instant::now();
        let done = running.plugins.reload(Some("p".into())).await?;
        let problem = done.into_iter().find_map(|done| done.problem);
        ensure!(problem.is_none(), "it is not loaded: {}", problem.unwrap_or_default());
        running.bus.call(&to, Message::new("x"), PATIENCE).await?;
        // The first one compiles.
        if round > 0 {
            times.push(begun.elapsed().as_secs_f64() * 1e3);
        }
    }
    running.end().await?;
    Ok(median(times))
}

/// Microseconds of one event by an instance of its own, and of an instance that comes and goes: a pair a round.
async fn fresh(name: &str, component: Bytes) -> Result<(Vec<f64>, Vec<f64>)> {
    let stage = Stage::start().await?;
    let config = PluginConfig { instances: Some(Mode::Fresh), ..PluginConfig::default() };
    let guest = stage.load_as(name, component, &config).await?;
    // JSON, which guests that read anything can read.
    let event = stage.event(&guest, &Message::new("\"x\"")).await?;
    let (mut fresh, mut bare) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let (version, event) = (Arc::clone(guest.version()), event.clone());
        let measured = stage.engine().threads().spawn(async move {
            let begun = Instant::now();
            for _ in 0..INSTANCES {
                let within = CallLimits::starting_now(version.limits.deadline, version.limits.cpu);
                let guest = Guest::living(Arc::clone(&version.place), &version.limits, within)?;
                bare::come_and_go(&version.engine, &version.blueprint, guest).await?;
            }
            let bare = begun.elapsed();
            let mut worker = Worker::new(Arc::clone(&version), None);
            let begun = Instant::now();
            for _ in 0..INSTANCES {
                let deadline = Instant::now() + version.limits.deadline;
                let call = Call { deadline, wants_reply: false, group: None, chain: None };
                if let Outcome::Broken(why) = worker.invoke(&event, call).await {
                    anyhow::bail!("it does not handle the event: {why}");
                }
            }
            anyhow::Ok((begun.elapsed(), bare))
        });
        let (one, other) = measured.await.context("the threads ended")??;
        // The first round fills the pool's slots.
        if round > 0 {
            let each = |time: Duration| time.as_secs_f64() * 1e6 / f64::from(INSTANCES);
            fresh.push(each(one));
            bare.push(each(other));
        }
    }
    stage.end().await;
    Ok((fresh, bare))
}

/// The same component with a custom section at its end that nobody reads, so that its content is another.
fn numbered(component: &[u8], number: u32) -> Vec<u8> {
    let mut bytes = component.to_vec();
    // A custom section of six bytes: a name of one, and the number.
    bytes.extend([0, 6, 1, b'n']);
    bytes.extend(number.to_le_bytes());
    bytes
}

/// Memory of this process.
fn resident() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()?.saturating_mul(1 << 10))
}

impl Report {
    /// The report for people.
    #[must_use]
    pub fn table(&self) -> String {
        let Self { plugins, compiled_s, cached_s, reload_ms, fresh_us, bare_us, fresh_ratio, .. } = self;
        let size = ByteSize(self.component_bytes);
        let each = self.resident_bytes / u64::from(self.plugins.max(1));
        format!(
            "{plugins} plugins of {size}, {guest}\n\
             start, each compiled                 {compiled_s:>9.2} s\n\
             start, from the cache                {cached_s:>9.2} s\n\
             memory then                          {resident:>9} ({each} B each)\n\
             reload to the first answer           {reload_ms:>9.2} ms\n\
             an event by a fresh instance         {fresh_us:>9.2} µs\n\
             a bare instance that comes and goes  {bare_us:>9.2} µs ({fresh_ratio:.2}x)\n",
            guest = self.guest,
            resident = format!("{:.0}MiB", self.resident_bytes as f64 / f64::from(1 << 20)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn everything_is_measured() -> Result<()> {
        let report = run(&Plan { guest: None, plugins: 3 }, drop).await?;
        let figures = [
            report.compiled_s,
            report.cached_s,
            report.reload_ms,
            report.fresh_us,
            report.bare_us,
            report.fresh_ratio,
        ];
        assert!(figures.iter().all(|figure| *figure > 0.0), "{report:?}");
        assert!(report.table().contains("3 plugins of "), "{}", report.table());
        Ok(())
    }
}
