//! Draws small scenarios of all kinds. They come from the same tape as the order of events, so that both are shrunk
//! together.
//!
//! All choices for one task or one run are adjacent on the tape, so that they can be cut out.

use super::choices::Choices;
use super::scenario::{Curse, Faults, Paces, Planned, Program, Scenario, Task};
use crate::definition::Limits;
use crate::testing::Action;
use std::time::Duration;

/// The features that drawn scenarios may have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope {
    pub(super) workers: usize,
    pub(super) tasks: usize,
    pub(super) runs: usize,
    pub(super) deaths: usize,
    pub(super) extras: &'static [Extra],
}

/// A special feature of a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extra {
    /// Tasks that fail or panic.
    Failures,
    /// Tasks that are tried again.
    Retries,
    /// Tasks that fail if they are computed again.
    ComputeOnce,
    /// Tasks that end their worker if they are computed again.
    CrashAgain,
    /// Tasks with time limits.
    Limits,
    /// Waits before tasks are tried again.
    Backoff,
    /// Runs with a time limit.
    Deadlines,
    /// Time passes although something could happen.
    Waits,
    /// Workers that are stopped.
    Stops,
    /// Messages of the coordinator that are kept and sent later.
    Backlogs,
    /// Workers that a plan does not use.
    UnusedWorkers,
    Cancels,
    /// Processes that end before they say hello.
    FailedStarts,
    /// A worker whose every new process ends before it does anything.
    Curses,
    /// Messages of workers that the coordinator fails to receive.
    Losses,
}

impl Scope {
    /// Deaths alone.
    pub(super) const DEATHS: Self = Self {
        workers: 4,
        tasks: 8,
        runs: 4,
        deaths: 5,
        extras: &[],
    };

    /// All features.
    pub(super) const ALL: Self = Self {
        extras: &[
            Extra::Failures,
            Extra::Retries,
            Extra::ComputeOnce,
            Extra::CrashAgain,
            Extra::Limits,
            Extra::Backoff,
            Extra::Deadlines,
            Extra::Waits,
            Extra::Stops,
            Extra::Backlogs,
            Extra::UnusedWorkers,
            Extra::Cancels,
            Extra::FailedStarts,
            Extra::Curses,
            Extra::Losses,
        ],
        ..Self::DEATHS
    };

    /// Lost results, and failures while they are computed again.
    pub(super) const LOSSES: Self = Self {
        runs: 2,
        deaths: 7,
        extras: &[
            Extra::Retries,
            Extra::ComputeOnce,
            Extra::CrashAgain,
            Extra::Limits,
            Extra::Backlogs,
        ],
        ..Self::DEATHS
    };

    /// Whether a feature occurs, with a probability of `chances` in 32. If the feature is not in the scope, no choice
    /// is made.
    fn draws(&self, choices: &mut Choices, extra: Extra, chances: u32) -> bool {
        self.extras.contains(&extra) && choices.weighted(&[32 - chances, chances]) > 0
    }
}

impl Scenario {
    pub(super) fn draw(choices: &mut Choices, scope: &Scope) -> Self {
        let n_workers = 1 + choices.pick(scope.workers);
        let fault = |choices: &mut Choices, extra| usize::from(scope.draws(choices, extra, 8));
        let faults = Faults {
            deaths: choices.pick(scope.deaths + 1),
            cancels: fault(choices, Extra::Cancels),
            failed_starts: 4 * fault(choices, Extra::FailedStarts),
            losses: usize::from(scope.draws(choices, Extra::Losses, 1)),
            stops: 2 * fault(choices, Extra::Stops),
            waits: 30 * fault(choices, Extra::Waits),
        };
        let has_backlogs = scope.draws(choices, Extra::Backlogs, 16);
        let has_curse = scope.draws(choices, Extra::Curses, 4);
        let mut programs = vec![Program::draw(choices, scope, n_workers)];
        let mut runs = vec![Planned::draw(choices, scope, 0)];
        while runs.len() < scope.runs && choices.weighted(&[1, 2]) > 0 {
            let known = choices.weighted(&[3, 2, 2]);
            if known == 0 {
                let program = choices.pick(programs.len());
                runs.push(Planned::draw(choices, scope, program));
                continue;
            }
            let program = if known == 1 {
                Program::draw(choices, scope, n_workers)
            } else {
                let n_processors = draw_processors(choices, scope, n_workers);
                let known = &programs[choices.pick(programs.len())];
                known.replanned(|| choices.pick(n_processors), n_processors)
            };
            runs.push(Planned::draw(choices, scope, programs.len()));
            programs.push(program);
        }
        Self {
            n_workers,
            programs,
            runs,
            faults,
            has_backlogs,
            curse: has_curse.then_some(Curse {
                worker: 0,
                is_early: choices.pick(2) > 0,
            }),
            paces: Paces::draw(choices, n_workers),
        }
    }
}

impl Planned {
    fn draw(choices: &mut Choices, scope: &Scope, program: usize) -> Self {
        let has_deadline = scope.draws(choices, Extra::Deadlines, 4);
        Self {
            program,
            timeout: has_deadline.then_some(Duration::from_secs(3)),
        }
    }
}

impl Program {
    fn draw(choices: &mut Choices, scope: &Scope, n_workers: usize) -> Self {
        let n_processors = draw_processors(choices, scope, n_workers);
        let (shape, seed_of_numbers) = (choices.pick(4), choices.pick(50));
        let mut tasks = Vec::new();
        while tasks.is_empty() || tasks.len() < scope.tasks && choices.weighted(&[1, 5]) > 0 {
            let number = tasks.len();
            tasks.push(Task {
                parents: match shape {
                    0 => draw_parents(choices, number),
                    // A chain, a fan, and two layers.
                    1 => number.checked_sub(1).into_iter().collect(),
                    2 => (0..number.min(1)).collect(),
                    _ => (0..if number > 2 { 3 } else { 0 }).collect(),
                },
                size: [0, 3, 100][choices.weighted(&[4, 1, 1])],
                action: draw_action(choices, scope),
                output: choices.weighted(&[2, 1]) > 0,
                limits: draw_limits(choices, scope),
                home: choices.pick(n_processors),
            });
        }
        let mut numbers: Vec<_> = (0..tasks.len()).collect();
        if seed_of_numbers > 0 {
            fastrand::Rng::with_seed(seed_of_numbers as u64).shuffle(&mut numbers);
        }
        let has_backoff = scope.draws(choices, Extra::Backoff, 8);
        let backoff = Duration::from_secs(u64::from(has_backoff));
        Self::new(&tasks, &numbers, n_processors, backoff)
    }
}

impl Paces {
    /// Paces are not on the tape, because they only set the probabilities of other choices.
    fn draw(choices: &mut Choices, n_workers: usize) -> Self {
        let Some(random) = choices.beyond_tape() else {
            return Self::even(n_workers);
        };
        let mut pace = || 16 * [1, 4, 16][random.usize(0..3)];
        Self {
            workers: (0..n_workers).map(|_| pace()).collect(),
            // Reports are sent late, so that many are often lost with their worker.
            reports: pace().div_ceil(8),
            exits: pace(),
            coordinator: 2 * pace(),
            messages: pace(),
            starts: pace(),
            waits: pace().div_ceil(8),
            faults: pace().div_ceil(16),
        }
    }
}

/// The number of workers that a plan uses.
fn draw_processors(choices: &mut Choices, scope: &Scope, n_workers: usize) -> usize {
    if scope.extras.contains(&Extra::UnusedWorkers) {
        n_workers - choices.pick(n_workers)
    } else {
        n_workers
    }
}

fn draw_parents(choices: &mut Choices, task: usize) -> Vec<usize> {
    let n_parents = choices.pick(task.min(3) + 1);
    // Not sorted, because their order decides which of them are only used in part.
    let mut parents = Vec::new();
    for _ in 0..n_parents {
        let parent = task - 1 - choices.pick(task);
        if !parents.contains(&parent) {
            parents.push(parent);
        }
    }
    parents
}

fn draw_action(choices: &mut Choices, scope: &Scope) -> Action {
    if scope.draws(choices, Extra::ComputeOnce, 4) {
        Action::ComputeOnce
    } else if scope.draws(choices, Extra::CrashAgain, 4) {
        Action::CrashAgain
    } else if scope.draws(choices, Extra::Failures, 2) {
        [Action::Fail, Action::Panic][choices.pick(2)].clone()
    } else {
        Action::Compute
    }
}

fn draw_limits(choices: &mut Choices, scope: &Scope) -> Limits {
    let retry = if scope.draws(choices, Extra::Retries, 10) {
        1 + u32::try_from(choices.pick(3)).expect("few attempts")
    } else {
        0
    };
    let within = scope.draws(choices, Extra::Limits, 4);
    Limits {
        within: within.then_some(Duration::from_secs(1)),
        retry,
    }
}
