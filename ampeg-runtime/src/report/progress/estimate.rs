//! Estimates the time that a run has left. It replays the rest of the plan several times with observed durations.
//!
//! A replay keeps the workers and the order of the plan. The duration of a task is the duration of an ended task of the
//! same statement, chosen at random and scaled by the costs of both. The replays differ, so the estimate has a range.
//! Mean durations would give too short a time, because the slowest of several workers ends later than the mean of them.

use super::model::{Model, State};

/// The time that a run has left, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Left {
    /// The shortest time of all replays.
    pub(super) low: f64,
    /// The median.
    pub(super) middle: f64,
    /// The longest time of all replays.
    pub(super) high: f64,
}

impl Left {
    /// Whether the replays differ by no more than a fifth.
    pub(super) fn is_certain(&self) -> bool {
        self.low >= 0.8 * self.middle && self.high <= 1.2 * self.middle
    }
}

/// The number of replays.
const REPLAYS: usize = 16;
/// The number of tries to draw a duration for a running task that is longer than its time so far.
const DRAWS: usize = 8;

/// The duration of a task in seconds, and its planned cost.
type Sample = (f64, f64);

/// The time left; `None` before any task has ended.
pub(super) fn left(model: &Model, is_lost: &[bool], now: f64) -> Option<Left> {
    let samples = Samples::of(model);
    if samples.observed.is_empty() {
        return None;
    }
    let mut random = Random(1);
    let mut times: Vec<f64> = (0..REPLAYS)
        .map(|_| replay(model, is_lost, &samples, now, &mut random))
        .collect();
    times.sort_by(f64::total_cmp);
    Some(Left {
        low: times[0],
        middle: f64::midpoint(times[REPLAYS / 2 - 1], times[REPLAYS / 2]),
        high: times[REPLAYS - 1],
    })
}

/// The observed durations.
#[derive(Debug)]
struct Samples {
    /// The samples by statement.
    of_family: Vec<Vec<Sample>>,
    /// The statements with samples.
    observed: Vec<usize>,
    /// Seconds for one unit of communication cost.
    move_unit: f64,
}

impl Samples {
    fn of(model: &Model) -> Self {
        let n_families = model.tasks.iter().map(|task| task.family + 1).max();
        let mut of_family = vec![Vec::new(); n_families.unwrap_or(0)];
        let (mut time, mut cost) = (0.0, 0.0);
        for task in &model.tasks {
            if let State::Ended { start, finish } = task.state {
                let duration = (finish - start).max(0.0);
                of_family[task.family].push((duration, task.planned));
                time += duration;
                cost += task.planned;
            }
        }
        let moves = model.moves;
        Self {
            observed: (0..of_family.len())
                .filter(|&family| !of_family[family].is_empty())
                .collect(),
            of_family,
            move_unit: if moves.planned > 0.0 {
                moves.observed / moves.planned
            } else if cost > 0.0 {
                time / cost
            } else {
                0.0
            },
        }
    }

    /// Draws as many samples for each statement from its observed samples, with replacement.
    ///
    /// So the estimate is less certain for a statement with few samples. A statement without samples uses those of another
    /// statement, a different one in each replay.
    fn again(&self, random: &mut Random) -> Vec<Vec<Sample>> {
        let families = self.of_family.iter().map(|own| {
            let from = if own.is_empty() {
                &self.of_family[*random.choose(&self.observed)]
            } else {
                own
            };
            from.iter().map(|_| *random.choose(from)).collect()
        });
        families.collect()
    }
}

/// The time left in one replay.
fn replay(
    model: &Model,
    is_lost: &[bool],
    samples: &Samples,
    now: f64,
    random: &mut Random,
) -> f64 {
    let of_family = samples.again(random);
    let mut free = vec![now; model.workers.len()];
    let mut finish = vec![0.0; model.tasks.len()];
    let mut end = now;
    for &index in model.order.iter() {
        let task = &model.tasks[index];
        if is_lost[index] {
            continue;
        }
        let samples_of_task = &of_family[task.family];
        let mut draw = || {
            let &(time, cost) = random.choose(samples_of_task);
            if cost > 0.0 && task.planned > 0.0 {
                time / cost * task.planned
            } else {
                time
            }
        };
        finish[index] = match task.state {
            State::Ended { finish, .. } => finish,
            State::Running { start } => {
                let elapsed = now - start;
                let longer = (0..DRAWS).map(|_| draw()).find(|&time| time > elapsed);
                // The task takes longer than all samples: assume up to half of its time so far in addition.
                let time = longer.unwrap_or_else(|| elapsed * (1.0 + random.share() / 2.0));
                start + time
            }
            _ => {
                let inputs = &model.inputs[task.inputs.clone()];
                let arrivals = inputs.iter().map(|input| {
                    let is_here = model.tasks[input.task].worker == task.worker;
                    let way = if is_here { 0.0 } else { input.cost };
                    finish[input.task] + way * samples.move_unit
                });
                arrivals.fold(free[task.worker], f64::max) + draw()
            }
        };
        free[task.worker] = free[task.worker].max(finish[index]);
        end = end.max(finish[index]);
    }
    end - now
}

/// Pseudorandom numbers by `SplitMix64`, the same in each run and with each version of every dependency.
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number from 0 to 1.
    fn share(&mut self) -> f64 {
        let bits = u32::try_from(self.next() >> 32).unwrap_or(0);
        f64::from(bits) / f64::from(u32::MAX)
    }

    /// An item of a slice that is not empty.
    fn choose<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        let place = self.next() % u64::try_from(items.len()).unwrap_or(1);
        &items[usize::try_from(place).unwrap_or(0)]
    }
}
