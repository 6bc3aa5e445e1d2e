//! The actions that are possible next in the simulated world, and their probabilities.

use super::world::{Action, ToCoordinator, World};
use crate::base::clock;

impl World {
    /// All actions that are not faults.
    pub(super) fn enabled(&mut self) -> Vec<Action> {
        let now = clock::now();
        let (mut actions, mut last) = (Vec::new(), Vec::new());
        for (worker, state) in self.workers.iter_mut().enumerate() {
            let Some(process) = &mut state.process else {
                actions.extend(state.unnoticed.as_ref().map(|_| Action::Notice(worker)));
                continue;
            };
            let curse = self.curse.filter(|curse| curse.worker == worker);
            if curse.is_some_and(|curse| curse.is_early) && !process.has_greeted {
                process.is_doomed = true;
            } else if !process.is_stopped {
                let is_awake = process.sleeps_until <= now;
                let can = [
                    (!process.has_greeted, Action::Greet(worker)),
                    (process.is_busy() && is_awake, Action::GoOn(worker)),
                    (process.can_take(), Action::Take(worker)),
                    (process.can_run(), Action::Run(worker)),
                    (!process.outbox.is_empty(), Action::Flush(worker)),
                    (!state.backlog.is_empty(), Action::Pass(worker)),
                ];
                let can = can.iter().filter(|(can, _)| *can);
                actions.extend(can.map(|&(_, action)| action));
            }
            last.extend(process.is_stopped.then_some(Action::Continue(worker)));
            last.extend(process.is_doomed.then_some(Action::Die(worker)));
        }
        if !self.queue.is_empty() {
            actions.push(Action::Deliver);
        }
        actions.extend(last);
        actions
    }

    /// All faults that can happen now.
    pub(super) fn faults(&self, is_running: bool) -> Vec<Action> {
        let mut actions = Vec::new();
        let faults = &self.faults;
        for (worker, state) in self.workers.iter().enumerate() {
            if let Some(process) = &state.process {
                let is_starting = !process.has_greeted;
                let can = [
                    (!process.is_doomed && faults.deaths > 0, Action::Die(worker)),
                    (
                        !process.is_stopped && faults.stops > 0,
                        Action::Stop(worker),
                    ),
                    (
                        is_starting && faults.failed_starts > 0,
                        Action::FailToStart(worker),
                    ),
                ];
                let can = can.iter().filter(|(can, _)| *can);
                actions.extend(can.map(|&(_, action)| action));
            }
        }
        let is_next = matches!(self.queue.front(), Some(ToCoordinator::Reports(..)));
        if is_running {
            actions.extend((faults.cancels > 0).then_some(Action::Cancel));
            actions.extend((is_next && faults.losses > 0).then_some(Action::Lose));
        }
        actions
    }

    pub(super) fn choose(&mut self, actions: &[Action]) -> Action {
        let paces = &self.paces;
        let weights: Vec<_> = actions
            .iter()
            .map(|action| match *action {
                Action::Greet(_) => paces.starts,
                Action::GoOn(worker) | Action::Take(worker) | Action::Run(worker) => {
                    paces.workers[worker]
                }
                Action::Flush(_) => paces.reports,
                Action::Pass(_) => paces.messages,
                Action::Notice(_) => paces.exits,
                Action::Deliver => paces.coordinator,
                Action::Continue(_) => paces.faults.div_ceil(4),
                Action::Wait => paces.waits,
                Action::Cancel
                | Action::Lose
                | Action::Stop(_)
                | Action::Die(_)
                | Action::FailToStart(_) => paces.faults,
            })
            .collect();
        actions[self.choices.weighted(&weights)]
    }
}
