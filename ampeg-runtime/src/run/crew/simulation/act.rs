//! The effect of each action on the simulated world.

use super::cluster::{killed, refused};
use super::process::{Attempted, Effect, Inbound, Process};
use super::scenario::Curse;
use super::trace;
use super::words;
use super::world::{Action, Death, Sabotage, ToCoordinator, World};
use crate::base::clock;
use crate::run::cluster::{ClusterEvent, Exit};
use crate::run::message::{ToWorker, Value};
use crate::run::progress::Activity;
use crate::testing::marks;
use ampeg_schedule::ProcessorId;
use std::sync::atomic::Ordering;

impl World {
    /// Performs one action. Returns the event that the coordinator then receives, if any.
    pub(super) fn perform(&mut self, action: Action) -> Option<ClusterEvent> {
        self.note(|world| trace::line(world, action));
        match action {
            Action::Greet(worker) => {
                self.process(worker).has_greeted = true;
                let generation = self.workers[worker].generation;
                let arrived = ToCoordinator::Arrived(ProcessorId::new(worker), generation);
                self.queue.push_back(arrived);
            }
            Action::GoOn(worker) => self.go_on(worker),
            Action::Take(worker) => self.take(worker),
            Action::Run(worker) => {
                self.process(worker).run_step();
                self.go_on(worker);
            }
            Action::Flush(worker) => self.flush(worker),
            Action::Pass(worker) => {
                let state = &mut self.workers[worker];
                if let Some(process) = &mut state.process {
                    process.inbox.extend(state.backlog.pop_front());
                }
            }
            Action::Notice(worker) => self.notice(worker),
            Action::Deliver => return self.deliver(),
            // Handled in `next_event`.
            Action::Wait => {}
            Action::Continue(worker) => self.process(worker).is_stopped = false,
            Action::Stop(worker) => {
                self.faults.stops -= 1;
                self.process(worker).is_stopped = true;
            }
            Action::Cancel => self.cancel(),
            Action::Lose => {
                self.faults.losses -= 1;
                self.has_lost_message = true;
                self.queue.pop_front();
                return Some(ClusterEvent::Lost(
                    "the simulation loses the message".into(),
                ));
            }
            Action::Die(worker) => {
                if !self.process(worker).is_doomed {
                    self.faults.deaths -= 1;
                }
                self.die(worker, killed());
            }
            Action::FailToStart(worker) => {
                self.faults.failed_starts -= 1;
                self.die(worker, refused());
            }
        }
        None
    }

    /// Ends a worker. Everything that it has not done or reported is lost.
    pub(super) fn die(&mut self, worker: usize, exit: Exit) {
        let state = &mut self.workers[worker];
        if let Some(process) = state.process.take() {
            state.backlog.clear();
            let current = process.current;
            state.unnoticed = Some(Death { exit, current });
            let untold = process.outbox;
            let is_lost = |&(other, task): &(ProcessorId, _)| {
                other.index() == worker && untold.iter().any(|report| report.task == task)
            };
            self.record.existing.retain(|it| !is_lost(it));
        }
    }

    fn process(&mut self, worker: usize) -> &mut Process {
        let process = self.workers[worker].process.as_mut();
        process.expect("only who lives does something")
    }

    fn take(&mut self, worker: usize) {
        if self.sabotage == Some(Sabotage::LostMessage)
            && let Some(Inbound::Message { message, .. }) = self.process(worker).inbox.front()
            && matches!(message, ToWorker::Value(_) | ToWorker::Recompute { .. })
        {
            self.sabotage = None;
            self.process(worker).inbox.pop_front();
            return;
        }
        let is_cursed = |curse: Curse| curse.worker == worker && !curse.is_early;
        if self.curse.is_some_and(is_cursed)
            && self.workers[worker].generation > 0
            && let Some(Inbound::Message { message, .. }) = self.process(worker).inbox.front()
            && matches!(message, ToWorker::Begin { .. })
        {
            self.die(worker, killed());
            return;
        }
        if let Err(reason) = self.process(worker).take() {
            panic!("worker {worker} cannot follow a message: {reason}");
        }
    }

    fn go_on(&mut self, worker: usize) {
        match self.process(worker).next_effect() {
            Some(Effect::Words(activity)) => self.show(worker, activity),
            Some(Effect::Sleep(time)) => {
                let time = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
                self.process(worker).sleeps_until = clock::now().saturating_add(time);
            }
            Some(Effect::Send(to, generation, value)) => {
                self.send_value(worker, to, generation, value);
            }
            Some(Effect::Report(report)) => self.process(worker).outbox.push(report),
            Some(Effect::Flush) => self.flush(worker),
            None => {}
        }
    }

    /// Lets the coordinator see the progress words of a worker.
    fn show(&mut self, worker: usize, mut activity: Activity) {
        let now = clock::now();
        let words = &mut self.workers[worker].activity;
        if self.sabotage == Some(Sabotage::StaleWords) {
            activity.running = activity.running.or(words.running);
        }
        let before = *words;
        // The whole step was run when it began. The times in the words are those at which the words become visible.
        if let Some(running) = &mut activity.running {
            let has_begun = before.running.filter(|it| it.task == running.task);
            running.start = has_begun.map_or(now, |before| before.start);
        }
        let body_start = before.body_start.unwrap_or(now);
        activity.body_start = activity.body_start.map(|_| body_start);
        *words = activity;
        let begins = before.running.is_none() && activity.running.is_some();
        if begins && self.crashes(worker) {
            self.note(|_| format!("worker {worker} crashes, since it has run that task before"));
            self.die(worker, killed());
        }
    }

    /// Whether the task that a worker has begun ends the worker.
    fn crashes(&self, worker: usize) -> bool {
        let process = self.workers[worker].process.as_ref();
        process.and_then(|process| process.current).is_some_and(
            |Attempted { run, task, .. }| {
                let task = task.index();
                run == self.record.run
                    && self.crash_again.contains(&task)
                    && marks::count(run, task) > 1
            },
        )
    }

    fn send_value(&mut self, from: usize, to: ProcessorId, generation: u32, value: Value) {
        if self.sabotage == Some(Sabotage::LostValue) {
            self.sabotage = None;
            return;
        }
        let state = &mut self.workers[to.index()];
        if let Some(process) = &mut state.process
            && state.generation == generation
        {
            process.inbox.push_back(Inbound::Message {
                from: Some(ProcessorId::new(from)),
                message: ToWorker::Value(value),
            });
        }
    }

    fn flush(&mut self, worker: usize) {
        let reports = std::mem::take(&mut self.process(worker).outbox);
        if reports.is_empty() {
            return;
        }
        let generation = self.workers[worker].generation;
        let reports = ToCoordinator::Reports(ProcessorId::new(worker), generation, reports);
        self.queue.push_back(reports);
    }

    fn notice(&mut self, worker: usize) {
        let state = &mut self.workers[worker];
        let Some(Death { exit, current }) = state.unnoticed.take() else {
            return;
        };
        let (worker, generation) = (ProcessorId::new(worker), state.generation);
        let exited = ToCoordinator::Exited(worker, generation, exit, current);
        self.queue.push_back(exited);
    }

    fn cancel(&mut self) {
        self.faults.cancels -= 1;
        self.record.is_cancelled = true;
        let on_their_way = self.queue.iter().filter_map(|message| match message {
            ToCoordinator::Reports(worker, _, reports) => Some((*worker, reports)),
            _ => None,
        });
        for (worker, reports) in on_their_way {
            self.record.exist(worker, reports);
        }
        for (worker, state) in self.workers.iter().enumerate() {
            if let Some(process) = &state.process {
                let worker = ProcessorId::new(worker);
                self.record.exist(worker, &process.outbox);
            }
        }
        self.cancelled.store(true, Ordering::Release);
        self.queue.push_back(ToCoordinator::Woken);
    }

    /// The next event for the coordinator; none if it comes from an earlier process of its worker.
    fn deliver(&mut self) -> Option<ClusterEvent> {
        match self.queue.pop_front()? {
            ToCoordinator::Reports(worker, generation, reports) => {
                if self.workers[worker.index()].generation != generation {
                    return None;
                }
                for report in &reports {
                    self.note(|_| {
                        let report = words::report(report);
                        format!("the coordinator hears from worker {worker}: {report}")
                    });
                    self.record.ended(worker, report);
                }
                Some(ClusterEvent::Reports(worker, reports))
            }
            ToCoordinator::Arrived(worker, generation) => {
                let state = &self.workers[worker.index()];
                // A process that has died since counts as present until the coordinator receives its exit.
                let is_there = state.generation == generation && !state.is_connected;
                if !is_there {
                    return None;
                }
                self.connect(worker);
                Some(ClusterEvent::Joined(worker))
            }
            ToCoordinator::Exited(worker, generation, exit, current) => {
                let state = &mut self.workers[worker.index()];
                if state.generation != generation {
                    return None;
                }
                if !state.is_connected && exit.reason.is_some() {
                    self.record.failed_start(worker);
                }
                let state = &mut self.workers[worker.index()];
                (state.is_connected, state.since) = (false, None);
                self.record.deaths.push((worker, current));
                Some(ClusterEvent::Exited(worker, exit))
            }
            ToCoordinator::Woken => Some(ClusterEvent::Woken),
        }
    }
}
