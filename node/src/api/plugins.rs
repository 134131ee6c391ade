//! `GET /v1/plugins`: what the node runs, as a document.

use axum::{Json, extract::State};
use hive_client::types::{self, V1, Want};

use super::{
    App, Means,
    convert::{ms, unix_ms},
};
use crate::status::{Breaker, LimitsCard, PauseCard, PluginCard, PluginState, WantCard, Work};

pub(super) async fn plugins(State(app): State<App>) -> Json<types::Plugins> {
    Json(types::Plugins { v: V1, plugins: all(&app.means), absent: absent(&app.means) })
}

/// Those that have a section in the configuration and have not come.
pub(super) fn absent(means: &Means) -> Vec<types::AbsentPlugin> {
    let absent = means.boards.absent.read();
    let plugin = |(name, nearest): (&String, &Option<String>)| types::AbsentPlugin {
        name: name.clone(),
        nearest: nearest.clone(),
    };
    absent.iter().map(plugin).collect()
}

/// One entry a plugin.
pub(super) fn all(means: &Means) -> Vec<types::PluginStatus> {
    means.boards.plugins.read().iter().map(|(name, card)| plugin(means, name, card)).collect()
}

fn plugin(means: &Means, name: &str, card: &PluginCard) -> types::PluginStatus {
    let want = |want: &WantCard| Want { pattern: want.pattern.clone(), answers: want.answers };
    types::PluginStatus {
        name: name.into(),
        file: card.file.display().to_string(),
        state: match card.state {
            PluginState::Loading => types::PluginState::Loading,
            PluginState::Running => types::PluginState::Running,
            PluginState::Draining => types::PluginState::Draining,
            PluginState::Failed => types::PluginState::Failed,
            PluginState::Disabled => types::PluginState::Disabled,
            PluginState::Waiting => types::PluginState::Waiting,
        },
        generation: card.generation,
        hash: card.hash.clone(),
        size_bytes: card.size_bytes,
        version: card.version.clone(),
        instances: card.instances.clone(),
        wants: card.wants.iter().map(want).collect(),
        loaded_ms: card.loaded.map(unix_ms),
        problem: card.problem.clone(),
        waits: card.waits.clone(),
        state_bytes: card.work.state_bytes.value(),
        state_quota_bytes: card.state_quota_bytes,
        work: work(&card.work),
        breaker: match card.work.breaker() {
            Breaker::Closed => types::Breaker::Closed,
            Breaker::Open => types::Breaker::Open,
            Breaker::HalfOpen => types::Breaker::HalfOpen,
        },
        pause: card.work.pause.read().as_ref().as_ref().map(pause),
        limits: card.limits.as_ref().map(limits),
        letters: means.bus.letter_counts(name).letters as u64,
    }
}

fn pause(pause: &PauseCard) -> types::PauseStatus {
    types::PauseStatus {
        why: pause.why.clone(),
        since_ms: unix_ms(pause.since),
        until_ms: pause.until.map(unix_ms),
    }
}

fn limits(limits: &LimitsCard) -> types::LimitsStatus {
    types::LimitsStatus {
        deadline_ms: ms(limits.deadline),
        cpu_ms: ms(limits.cpu),
        memory_bytes: limits.memory.0,
        stack_bytes: limits.stack.0,
        payload_bytes: limits.payload.0,
        call_bytes: limits.call_bytes.0,
        host_calls_per_s: limits.host_calls,
        publishes_per_s: limits.publishes,
        log_lines_per_s: limits.log_lines,
        log_bytes_per_s: limits.log_bytes.0,
        subscriptions: limits.subscriptions,
        timers: limits.timers,
    }
}

fn work(work: &Work) -> types::WorkStatus {
    types::WorkStatus {
        handled: work.handled.value(),
        answered: work.answered.value(),
        retried: work.retried.value(),
        dead: work.dead.value(),
        cut: work.cut.value(),
        trapped: work.trapped.value(),
        dropped: work.dropped.value(),
        queued: work.queued.value(),
        busy_us: work.busy_us.value(),
        cpu_us: work.cpu_us.value(),
        memory_peak_bytes: work.memory_peak.value(),
        cut_deadline: work.cut_deadline.value(),
        cut_cpu: work.cut_cpu.value(),
        cut_memory: work.cut_memory.value(),
        paced: work.paced.value(),
        too_large: work.too_large.value(),
        lines_left_out: work.lines_left_out.value(),
        pauses: work.pauses.value(),
        restarts: work.restarts.value(),
    }
}
