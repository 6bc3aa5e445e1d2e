//! Runs that take other times than planned, simulated step by step.

use super::{Told, attempt, seconds};
use crate::run::event::{Event, Transfer};
use ampeg_schedule::{ProcessorId, TaskGraph, TaskId};
use fastrand::Rng;

/// When each task starts and finishes.
type Times = Vec<(f64, f64)>;

/// What really happens, if the tasks take so many seconds, and a unit of the cost of moving a result takes `unit`.
///
/// Each worker takes the tasks of its list, one after another, each once its inputs are there.
pub(super) fn run(told: &Told, durations: &[f64], unit: f64) -> Times {
    let Told {
        graph, schedule, ..
    } = told;
    let workers = (0..schedule.n_processors()).map(ProcessorId::new);
    let mut lists: Vec<Vec<TaskId>> = workers.map(|it| schedule.tasks(it).collect()).collect();
    let mut free = vec![0.0; lists.len()];
    let mut times: Vec<Option<(f64, f64)>> = vec![None; graph.n_tasks()];
    for list in &mut lists {
        list.reverse();
    }
    while lists.iter().any(|list| !list.is_empty()) {
        for (worker, list) in lists.iter_mut().enumerate() {
            let Some(&task) = list.last() else { continue };
            let arrivals = graph.predecessors(task).iter().map(|input| {
                let is_here = schedule.slot(input.task).processor.index() == worker;
                let way = if is_here { 0.0 } else { input.cost.value() };
                let (_, finish) = times[input.task.index()]?;
                Some(finish + way * unit)
            });
            let Some(arrivals) = arrivals.collect::<Option<Vec<f64>>>() else {
                continue;
            };
            let start = arrivals.into_iter().fold(free[worker], f64::max);
            free[worker] = start + durations[task.index()];
            times[task.index()] = Some((start, free[worker]));
            list.pop();
        }
    }
    times.into_iter().map(Option::unwrap).collect()
}

/// Tells the model what happened until this time.
pub(super) fn tell(told: &mut Told, times: &Times, now: f64, unit: f64) {
    let (graph, schedule) = (told.graph.clone(), told.schedule.clone());
    for id in graph.task_ids() {
        let (start, finish) = times[id.index()];
        let worker = schedule.slot(id).processor;
        let name = graph.name(id);
        if start <= now {
            told.begins(name, 1, start);
        }
        if finish > now {
            continue;
        }
        for input in graph.predecessors(id) {
            let from = schedule.slot(input.task).processor;
            if from == worker {
                continue;
            }
            let sent = times[input.task.index()].1;
            let transfer = &Transfer {
                from: Some(from),
                to: worker,
                predecessor: input.task,
                sent: seconds(sent),
                received: seconds(sent + input.cost.value() * unit),
                bytes: 1,
                decoding: seconds(0.0),
            };
            let task = graph.name(input.task);
            told.model.on_event(&Event::ResultMoved { task, transfer });
        }
        let attempt = &attempt(id, worker, 1, (start, finish));
        told.model.on_event(&Event::TaskEnded {
            task: name,
            attempt,
        });
    }
}

/// A graph of some shape; each of its statements has tasks in all parts of the run.
pub(super) fn graph(shape: usize, random: &mut Rng) -> TaskGraph {
    let mut tasks: Vec<(String, f64)> = Vec::new();
    let mut uses: Vec<(String, String)> = Vec::new();
    match shape % 4 {
        0 => {
            let n = random.usize(60..300);
            tasks.push(("load".into(), 1.0));
            for index in 0..n {
                let part = format!("part[{index}]");
                uses.push(("load".into(), part.clone()));
                uses.push((part.clone(), "sum".into()));
                tasks.push((part, 1.0 + 9.0 * random.f64()));
            }
            tasks.push(("sum".into(), 1.0));
        }
        1 => cholesky(random.usize(7..12), &mut tasks, &mut uses),
        2 => {
            let width = random.usize(6..16);
            for row in 0..width {
                for column in 0..width {
                    let name = format!("cell[{row}][{column}]");
                    if row > 0 {
                        uses.push((format!("cell[{}][{column}]", row - 1), name.clone()));
                    }
                    if column > 0 {
                        uses.push((format!("cell[{row}][{}]", column - 1), name.clone()));
                    }
                    tasks.push((name, 1.0 + 9.0 * random.f64()));
                }
            }
        }
        _ => {
            let (n_layers, width) = (random.usize(12..30), random.usize(6..14));
            let mut above: Vec<String> = Vec::new();
            for layer in 0..n_layers {
                let mut names = Vec::new();
                for place in 0..width {
                    let name = format!("step{}[{layer}][{place}]", random.usize(0..4));
                    for _ in 0..if above.is_empty() {
                        0
                    } else {
                        random.usize(1..4)
                    } {
                        uses.push((random.choice(&above).unwrap().clone(), name.clone()));
                    }
                    tasks.push((name.clone(), 1.0 + 9.0 * random.f64()));
                    names.push(name);
                }
                above = names;
            }
        }
    }
    uses.sort();
    uses.dedup();
    let mut graph = TaskGraph::builder();
    for (name, cost) in tasks {
        graph = graph.task(name, cost);
    }
    for (from, to) in uses {
        graph = graph.dependency(from, to, random.f64());
    }
    graph.build().unwrap()
}

/// The factorization of a matrix of so many tiles a side.
fn cholesky(n: usize, tasks: &mut Vec<(String, f64)>, uses: &mut Vec<(String, String)>) {
    let tile = |step: usize, row: usize, column: usize| match (row == step, column == step) {
        (true, _) => format!("factor[{step}]"),
        (false, true) => format!("solve[{step}][{row}]"),
        (false, false) if row == column => format!("square[{step}][{row}]"),
        (false, false) => format!("update[{step}][{row}][{column}]"),
    };
    for step in 0..n {
        for column in step..n {
            for row in column..n {
                let name = tile(step, row, column);
                if step > 0 {
                    uses.push((tile(step - 1, row, column), name.clone()));
                }
                if row > step && column == step {
                    uses.push((tile(step, step, step), name.clone()));
                }
                if column > step {
                    uses.push((tile(step, row, step), name.clone()));
                    uses.push((tile(step, column, step), name.clone()));
                }
                tasks.push((name, if row == column { 3.0 } else { 6.0 }));
            }
        }
    }
}
