//! The simulated world: workers, what is on its way between them, and the one thing that happens next.

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

/// More steps than any run takes that goes on.
const MOST_STEPS: usize = 5_000;
/// How long nothing may happen but that time passes. It is shorter than the engine's patience with a worker that does
/// nothing: to end such a worker would hide that it waits for what nobody sends. Stopped workers can be continued, so
/// that something can happen.
const QUIET: Timestamp = 9_000_000_000;

/// Something that can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// A process that was started says hello.
    Greet(usize),
    /// The next effect of the step that a worker is in the middle of.
    GoOn(usize),
    /// A worker takes in the next message.
    Take(usize),
    /// A worker runs the step that is ready.
    Run(usize),
    /// What a worker has to tell goes out.
    Flush(usize),
    /// The next message that the coordinator keeps for a worker is sent.
    Pass(usize),
    /// The exit of a worker is noticed.
    Notice(usize),
    /// The coordinator receives what comes next.
    Deliver,
    /// A worker that was stopped is continued.
    Continue(usize),
    /// Nothing happens until somebody has waited for long enough.
    Wait,
    Cancel,
    /// The coordinator cannot take in what comes next.
    Lose,
    Stop(usize),
    Die(usize),
    /// A process that has not said hello ends by itself.
    FailToStart(usize),
}

/// What is on its way to the coordinator.
#[derive(Debug)]
pub(super) enum ToCoordinator {
    Reports(ProcessorId, u32, Vec<AttemptReport>),
    Arrived(ProcessorId, u32),
    Exited(ProcessorId, u32, Exit, Option<Attempted>),
    Woken,
}

/// The place of a worker, and the process in it.
#[derive(Debug, Default)]
pub(super) struct Place {
    pub(super) generation: u32,
    pub(super) process: Option<Process>,
    /// Whether the coordinator has taken in its hello, and not its exit.
    pub(super) is_connected: bool,
    pub(super) since: Option<Epoch>,
    /// What the coordinator keeps for it, in order.
    pub(super) backlog: VecDeque<Inbound>,
    /// What can be read even after the worker's death.
    pub(super) activity: Activity,
    /// A death that nobody has noticed.
    pub(super) unnoticed: Option<Death>,
}

impl Place {
    /// Whether there is a process, or one whose exit nobody has noticed.
    pub(super) fn is_present(&self) -> bool {
        self.process.is_some() || self.unnoticed.is_some()
    }
}

/// A death that nobody has noticed.
#[derive(Debug)]
pub(super) struct Death {
    pub(super) exit: Exit,
    /// What was running.
    pub(super) current: Option<Attempted>,
}

/// A fault of the world itself, to see that the simulation notices it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sabotage {
    /// The first value from worker to worker gets lost.
    LostValue,
    /// The first message of the coordinator that a worker would take in gets lost.
    LostMessage,
    /// What can be read of a dead worker is always the last task that it began.
    StaleWords,
    /// What a worker runs looks as if it belonged to the present run.
    NoRunInWords,
    /// Introductions seem to be counted anew in each run.
    EpochsOfRun,
    /// Reports tell of an introduction whose message has not come.
    ForeseenPeers,
}

#[derive(Debug)]
pub(super) struct World {
    pub(super) places: Vec<Place>,
    pub(super) queue: VecDeque<ToCoordinator>,
    pub(super) choices: Choices,
    pub(super) faults: Faults,
    pub(super) has_backlogs: bool,
    pub(super) curse: Option<Curse>,
    pub(super) paces: Paces,
    pub(super) record: Record,
    /// The last introduction.
    pub(super) epoch: Epoch,
    /// The last introduction before this run.
    pub(super) first_epoch: Epoch,
    /// The flag that a run is cancelled by.
    pub(super) cancelled: Arc<AtomicBool>,
    /// Whether a message could not be taken in, which ends this run and all after it.
    pub(super) has_lost_message: bool,
    /// Why the run will not come to its end, if so.
    pub(super) stuck: Option<String>,
    pub(super) sabotage: Option<Sabotage>,
    /// The tasks of this run that end their worker when they are computed again.
    pub(super) crash_again: Vec<usize>,
    steps: usize,
    /// Whether nothing could happen, when the coordinator received for the last time, but that it waits in vain.
    pub(super) is_still: bool,
    /// How often nothing but time has passed, since something happened.
    /// Since when nothing can happen but that time passes.
    still_since: Timestamp,
    pub(super) trace: Option<Vec<String>>,
}

impl World {
    pub(super) fn new(scenario: &Scenario, choices: Choices, is_traced: bool) -> Self {
        clock::simulated::set(Some(1));
        let place = |_| Place {
            process: Some(Process::new(scenario.n_workers, true)),
            is_connected: true,
            since: Some(1),
            ..Place::default()
        };
        let mut world = Self {
            places: (0..scenario.n_workers).map(place).collect(),
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
            world.tell_peers(worker);
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

    /// Adds a line to the trace, if there is one.
    pub(super) fn note(&mut self, line: impl FnOnce(&mut Self) -> String) {
        if self.trace.is_some() {
            let line = line(self);
            self.trace.get_or_insert_default().push(line);
        }
    }

    /// Goes on until the coordinator receives something, or has waited for long enough; none then, and once the run is
    /// stuck.
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

    /// The run does not come to its end: this has it end, and the simulation with it.
    fn give_up(&mut self) -> ClusterEvent {
        let how = if self.steps > MOST_STEPS {
            "the run goes on and on"
        } else {
            "nothing can happen any more, and the run has not ended"
        };
        self.stuck = Some(format!("{how}{}", trace::state(self)));
        ClusterEvent::Lost("the simulation gives up".into())
    }

    /// When somebody has waited for long enough.
    fn wake(&self, until: Option<Timestamp>) -> Option<Timestamp> {
        let now = clock::now();
        let processes = self.places.iter().filter_map(|it| it.process.as_ref());
        let sleepers = processes.map(|process| process.sleeps_until);
        sleepers.filter(|&time| time > now).chain(until).min()
    }

    fn wait(&mut self, until: Timestamp) {
        let now = clock::now().max(until);
        self.note(|_| format!("the time is {} s", now / 1_000_000_000));
        self.record.is_out_of_time |= self.record.is_cancelled;
        clock::simulated::set(Some(now));
    }

    /// Lets things happen while nobody receives.
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
