//! The simulated world: workers, the messages between them, and the choice of the next action.

use super::choices::Choices;
use super::process::{Attempted, Inbound, Process};
use super::record::Record;
use super::scenario::{Curse, Faults, Paces, Program, Scenario};
use super::trace;
use crate::base::clock;
use crate::base::clock::Timestamp;
use crate::run::cluster::{ClusterEvent, Exit};
use crate::run::message::{AttemptReport, Epoch, RunId};
use crate::run::progress::Activity;
use crate::testing;
use ampeg_schedule::ProcessorId;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The number of actions after which a run counts as stuck. No run that makes progress takes as many.
const MOST_STEPS: usize = 5_000;
/// The simulated time without any other action after which the run counts as stuck. It is shorter than the time after
/// which the crew ends a worker that does nothing, because ending the worker would hide that it waits for a message
/// that never comes. Stopped workers do not count, because they can be continued.
const QUIET: Timestamp = 9_000_000_000;

/// An action that can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// A process that was started says hello.
    Greet(usize),
    /// The next effect of a worker's current step happens.
    GoOn(usize),
    /// A worker handles its next message.
    Take(usize),
    /// A worker runs the step that is ready.
    Run(usize),
    /// A worker's reports are sent.
    Flush(usize),
    /// The next message that the coordinator keeps for a worker is sent.
    Pass(usize),
    /// The exit of a worker is noticed.
    Notice(usize),
    /// The coordinator receives the next message.
    Deliver,
    /// A worker that was stopped is continued.
    Continue(usize),
    /// Nothing happens until the next time that somebody waits for.
    Wait,
    Cancel,
    /// The coordinator fails to receive the next message.
    Lose,
    Stop(usize),
    Die(usize),
    /// A process that has not said hello ends by itself.
    FailToStart(usize),
}

/// A message on its way to the coordinator.
#[derive(Debug)]
pub(super) enum ToCoordinator {
    Reports(ProcessorId, u32, Vec<AttemptReport>),
    Arrived(ProcessorId, u32),
    Exited(ProcessorId, u32, Exit, Option<Attempted>),
    Woken,
}

/// The state of a worker, and the process in it.
#[derive(Debug, Default)]
pub(super) struct WorkerState {
    pub(super) generation: u32,
    pub(super) process: Option<Process>,
    /// Whether the coordinator has received the hello of the process, and not its exit.
    pub(super) is_connected: bool,
    pub(super) since: Option<Epoch>,
    /// The messages that the coordinator keeps for the worker, in order.
    pub(super) backlog: VecDeque<Inbound>,
    /// The progress words, which can be read even after the worker's death.
    pub(super) activity: Activity,
    /// A death that was not noticed yet.
    pub(super) unnoticed: Option<Death>,
}

impl WorkerState {
    /// Whether there is a process, or the exit of one was not noticed yet.
    pub(super) fn is_present(&self) -> bool {
        self.process.is_some() || self.unnoticed.is_some()
    }
}

/// A death that was not noticed yet.
#[derive(Debug)]
pub(super) struct Death {
    pub(super) exit: Exit,
    /// The attempt that was running.
    pub(super) current: Option<Attempted>,
}

/// A fault of the world itself, to test that the simulation notices it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sabotage {
    /// The first value from one worker to another is lost.
    LostValue,
    /// The first message of the coordinator that a worker would receive is lost.
    LostMessage,
    /// The progress words of a dead worker always show the last task that it began.
    StaleWords,
    /// The running task of a worker always seems to belong to the current run.
    NoRunInWords,
    /// The epoch seems to start again in each run.
    EpochsOfRun,
    /// Reports have an epoch whose message the worker has not received.
    ForeseenPeers,
}

#[derive(Debug)]
pub(super) struct World {
    pub(super) workers: Vec<WorkerState>,
    pub(super) queue: VecDeque<ToCoordinator>,
    pub(super) choices: Choices,
    pub(super) faults: Faults,
    pub(super) has_backlogs: bool,
    pub(super) curse: Option<Curse>,
    pub(super) paces: Paces,
    pub(super) record: Record,
    /// The epoch of the last introduction.
    pub(super) epoch: Epoch,
    /// The epoch of the last introduction before this run.
    pub(super) first_epoch: Epoch,
    /// The flag that cancels a run.
    pub(super) cancelled: Arc<AtomicBool>,
    /// Whether the coordinator failed to receive a message, which ends this run and all later ones.
    pub(super) has_lost_message: bool,
    /// The reason why the run will not end, if it is stuck.
    pub(super) stuck: Option<String>,
    pub(super) sabotage: Option<Sabotage>,
    /// The tasks of this run that end their worker if they are computed again.
    pub(super) crash_again: Vec<usize>,
    steps: usize,
    /// Whether nothing could happen when the coordinator last received, except that its wait times out.
    pub(super) is_still: bool,
    /// The time since which nothing can happen except that time passes.
    still_since: Timestamp,
    pub(super) trace: Option<Vec<String>>,
}

impl World {
    pub(super) fn new(scenario: &Scenario, choices: Choices, is_traced: bool) -> Self {
        clock::simulated::set(Some(1));
        let state = |_| WorkerState {
            process: Some(Process::new(scenario.n_workers, true)),
            is_connected: true,
            since: Some(1),
            ..WorkerState::default()
        };
        let mut world = Self {
            workers: (0..scenario.n_workers).map(state).collect(),
            queue: VecDeque::new(),
            choices,
            faults: scenario.faults,
            has_backlogs: scenario.has_backlogs,
            curse: scenario.curse,
            paces: scenario.paces.clone(),
            record: Record::default(),
            epoch: 1,
            first_epoch: 1,
            cancelled: Arc::default(),
            has_lost_message: false,
            stuck: None,
            sabotage: None,
            crash_again: Vec::new(),
            steps: 0,
            is_still: false,
            still_since: 0,
            trace: is_traced.then(Vec::new),
        };
        for worker in 0..scenario.n_workers {
            world.send_peers(worker);
        }
        world
    }

    pub(super) fn begin_run(&mut self, run: RunId, program: &Program) {
        let nodes = program.nodes.iter().enumerate();
        let crash_again = nodes.filter(|(_, node)| node.action == testing::Action::CrashAgain);
        self.crash_again = crash_again.map(|(task, _)| task).collect();
        self.record.begin(run);
        self.first_epoch = self.epoch;
        (self.steps, self.still_since) = (0, clock::now());
        self.cancelled.store(false, Ordering::Release);
    }

    /// Adds a line to the trace, if the simulation is traced.
    pub(super) fn note(&mut self, line: impl FnOnce(&mut Self) -> String) {
        if self.trace.is_some() {
            let line = line(self);
            self.trace.get_or_insert_default().push(line);
        }
    }

    /// Performs actions until the coordinator receives an event or its wait times out; returns none after a timeout,
    /// and when the run is stuck.
    pub(super) fn next_event(&mut self, until: Option<Timestamp>) -> Option<ClusterEvent> {
        while self.stuck.is_none() {
            self.steps += 1;
            let mut actions = self.enabled();
            let is_still = actions.is_empty();
            self.is_still = is_still && self.wake(None).is_none();
            let wake = self.wake(until);
            let now = clock::now();
            if !self.is_still {
                self.still_since = now;
            }
            let is_quiet = now.saturating_sub(self.still_since) >= QUIET;
            let goes_on = !is_still || (wake.is_some() && !is_quiet);
            if !goes_on || self.steps > MOST_STEPS {
                return Some(self.give_up());
            }
            if wake.is_some() && (is_still || self.faults.waits > 0) {
                actions.push(Action::Wait);
            }
            actions.extend(self.faults(true));
            let action = self.choose(&actions);
            if let (Action::Wait, Some(time)) = (action, wake) {
                self.faults.waits -= usize::from(!is_still);
                self.record.was_slow |= !is_still;
                self.wait(time);
                if until.is_some_and(|until| until <= time) {
                    return None;
                }
                continue;
            }
            self.still_since = clock::now();
            if let Some(event) = self.perform(action) {
                return Some(event);
            }
        }
        None
    }

    /// Ends a run that will not end by itself, and with it the simulation.
    fn give_up(&mut self) -> ClusterEvent {
        let how = if self.steps > MOST_STEPS {
            "the run goes on and on"
        } else {
            "nothing can happen any more, and the run has not ended"
        };
        self.stuck = Some(format!("{how}{}", trace::state(self)));
        ClusterEvent::Lost("the simulation gives up".into())
    }

    /// The next time that somebody waits for.
    fn wake(&self, until: Option<Timestamp>) -> Option<Timestamp> {
        let now = clock::now();
        let processes = self.workers.iter().filter_map(|it| it.process.as_ref());
        let sleepers = processes.map(|process| process.sleeps_until);
        sleepers.filter(|&time| time > now).chain(until).min()
    }

    fn wait(&mut self, until: Timestamp) {
        let now = clock::now().max(until);
        self.note(|_| format!("the time is {} s", now / 1_000_000_000));
        self.record.is_out_of_time |= self.record.is_cancelled;
        clock::simulated::set(Some(now));
    }

    /// Performs actions while the coordinator does not receive.
    pub(super) fn pass_time(&mut self) {
        while self.choices.weighted(&[1, 4]) > 0 {
            let mut actions = self.enabled();
            actions.extend(self.faults(false));
            actions.retain(|&action| action != Action::Deliver);
            if actions.is_empty() {
                return;
            }
            let action = self.choose(&actions);
            self.perform(action);
        }
    }
}
