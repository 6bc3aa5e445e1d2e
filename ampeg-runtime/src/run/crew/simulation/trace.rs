//! Describes the events and the state of a simulation in words.

use super::process::{Effect, Inbound};
use super::words;
use super::world::{Action, World};
use crate::run::progress::Activity;
use crate::run::worker::outlook::{Ahead, Outlook};
use ampeg_schedule::TaskId;
use std::fmt::Write as _;

/// Describes an action before it happens.
pub(super) fn line(world: &mut World, action: Action) -> String {
    match action {
        Action::Greet(worker) => format!("worker {worker} says hello"),
        Action::GoOn(worker) => match coming_effect(world, worker) {
            Some(effect) => format!("worker {worker} {effect}"),
            None => format!("worker {worker} goes on"),
        },
        Action::Take(worker) => format!("worker {worker} takes {}", next_message(world, worker)),
        Action::Run(worker) => match outlook(world, worker).next {
            Some(ahead) => format!("worker {worker} runs {}", step(ahead)),
            None => String::new(),
        },
        Action::Flush(worker) => format!("worker {worker} sends its reports"),
        Action::Pass(worker) => match world.workers[worker].backlog.front() {
            Some(message) => format!("worker {worker} is now sent {}", inbound(message)),
            None => String::new(),
        },
        Action::Notice(worker) => format!("the exit of worker {worker} is noticed"),
        Action::Deliver => match world.queue.front() {
            Some(next) => format!("the coordinator receives {}", next.describe()),
            None => String::new(),
        },
        Action::Continue(worker) => format!("worker {worker} is continued"),
        Action::Wait => "time passes".into(),
        Action::Lose => match world.queue.front() {
            Some(next) => format!("the coordinator cannot take in {}", next.describe()),
            None => String::new(),
        },
        Action::Cancel => "the run is cancelled".into(),
        Action::Stop(worker) => format!("worker {worker} is stopped"),
        Action::Die(worker) => format!("worker {worker} dies {}", when(world, worker)),
        Action::FailToStart(worker) => format!("worker {worker} ends before it says hello"),
    }
}

/// Describes the state of each worker, for a run that does not end.
///
/// When nothing can happen any more, no input is on its way. So an input that a worker waits for, and that no worker
/// will compute, never comes.
pub(super) fn state(world: &mut World) -> String {
    let workers = 0..world.workers.len();
    let outlooks: Vec<_> = workers.map(|worker| outlook(world, worker)).collect();
    let mut text = String::new();
    for (worker, Outlook { next, missing, .. }) in outlooks.iter().enumerate() {
        let _ = write!(text, "; worker {worker}");
        let process = world.workers[worker].process.as_ref();
        let _ = match (process, next) {
            (None, _) => write!(text, " is dead"),
            (Some(process), _) if process.is_stopped => write!(text, " is stopped"),
            (Some(_), None) => write!(text, " has nothing to do"),
            (Some(_), Some(ahead)) => {
                let is_open = |input: &TaskId| outlooks.iter().any(|it| it.open.contains(input));
                let (open, lost): (Vec<_>, Vec<_>) = missing.iter().copied().partition(is_open);
                let (open, lost) = (words::list(open), words::list(lost));
                write!(
                    text,
                    " waits to run {}, for [{open}], which are to be computed, and [{lost}], which nobody computes",
                    step(*ahead)
                )
            }
        };
    }
    text
}

fn outlook(world: &mut World, worker: usize) -> Outlook {
    let process = world.workers[worker].process.as_mut();
    process.map_or_else(Outlook::default, |process| process.worker.outlook())
}

fn step(ahead: Ahead) -> String {
    let again = if ahead.is_again { " again" } else { "" };
    let (task, attempt) = (ahead.task, ahead.attempt);
    format!("task {task}{again}, attempt {attempt}")
}

fn coming_effect(world: &World, worker: usize) -> Option<String> {
    let process = world.workers[worker].process.as_ref()?;
    let before = &world.workers[worker].activity;
    process.describe_coming(|effect| match effect {
        Effect::Words(activity) => change(before, activity),
        Effect::Sleep(time) => format!("waits for {time:?}"),
        Effect::Send(to, generation, value) => {
            let task = value.task;
            let present = world.workers[to.index()].generation;
            let old = if *generation == present {
                ""
            } else {
                "the late "
            };
            format!("sends the result of task {task} to {old}worker {to}")
        }
        Effect::Report(report) => format!("notes: {}", words::report(report)),
        Effect::Flush => "sends its reports before it continues".into(),
    })
}

/// Describes the change of a worker's progress words.
fn change(before: &Activity, activity: &Activity) -> String {
    if activity.run != before.run {
        format!("is in run {}", activity.run)
    } else if activity.reports != before.reports {
        format!("has made {} reports", activity.reports)
    } else {
        let phase = activity.phase;
        let running = activity.running.map(|running| running.task);
        running.map_or_else(
            || format!("is in phase {phase:?}"),
            |task| format!("is in phase {phase:?} of task {task}"),
        )
    }
}

fn next_message(world: &World, worker: usize) -> String {
    let process = world.workers[worker].process.as_ref();
    let message = process.and_then(|process| process.inbox.front());
    message.map_or_else(|| "nothing".into(), inbound)
}

fn inbound(message: &Inbound) -> String {
    match message {
        Inbound::Message { from, message } => {
            let sender = from.map(|from| format!(" from worker {from}"));
            words::message(message) + &sender.unwrap_or_default()
        }
        Inbound::Peers(peers, epoch) => {
            let peers = peers
                .iter()
                .map(|(peer, generation)| format!("{peer}.{generation}"));
            let peers = peers.collect::<Vec<_>>().join(", ");
            format!("news of workers [{peers}] in epoch {epoch}")
        }
    }
}

fn when(world: &World, worker: usize) -> String {
    let Some(process) = &world.workers[worker].process else {
        return String::new();
    };
    let mut text = match (process.current, process.is_busy()) {
        (Some(current), _) => format!(
            "while it runs task {}, attempt {}",
            current.task, current.attempt
        ),
        (None, true) => "in the middle of a step, but not of its task".into(),
        (None, false) if !process.has_greeted => "before it says hello".into(),
        (None, false) => "between steps".into(),
    };
    if !process.outbox.is_empty() {
        let _ = write!(text, ", with {} reports untold", process.outbox.len());
    }
    text
}
