//! Schedules made by hand: lists of tasks per processor, or slots.

use super::error::ScheduleErrorKind;
use super::placer::Placement;
use super::problem::Problem;
use super::{Processors, Schedule, Slot};
use crate::base::error::Error;
use crate::base::id::TaskId;
use crate::task_graph::TaskGraph;

impl Schedule {
    /// The schedule that runs these tasks on these processors in this order, each as early as possible.
    ///
    /// `order` has one list per processor. Together, the lists have every task once.
    ///
    /// # Errors
    ///
    /// If a task is missing or listed twice, the numbers of lists and processors differ, or tasks would wait for each
    /// other for ever.
    ///
    /// ```
    /// use ampeg::TaskGraph;
    /// use ampeg::schedule::{Processors, Schedule};
    ///
    /// let graph = TaskGraph::builder()
    ///     .task("a", 2)
    ///     .task("b", 1)
    ///     .dependency("a", "b", 5)
    ///     .build()?;
    /// let [a, b] = ["a", "b"].map(|name| graph.find(name).unwrap());
    /// let two = Processors::new(2)?;
    /// let apart = Schedule::from_order(&graph, &two, &[vec![a], vec![b]])?;
    /// assert_eq!(apart.makespan().value(), 8.0);
    /// let together = Schedule::from_order(&graph, &two, &[vec![a, b], vec![]])?;
    /// assert_eq!(together.makespan().value(), 3.0);
    /// # Ok::<(), ampeg::Error>(())
    /// ```
    pub fn from_order(
        graph: &TaskGraph,
        processors: &Processors,
        order: &[Vec<TaskId>],
    ) -> Result<Self, Error> {
        if order.len() != processors.len() {
            return Err(ScheduleErrorKind::ProcessorCount {
                found: order.len(),
                expected: processors.len(),
            }
            .into());
        }
        let listed = order.iter().flatten().copied();
        check_each_once(graph.n_tasks(), listed, |task| graph.name(task).to_owned())?;
        let problem = Problem::new(graph, processors)?;
        let (placements, run_order) = earliest_times(&problem, order)?;
        let slots = run_order.into_iter().map(|task| {
            let placement = &placements[task.index()];
            Slot {
                task,
                processor: crate::base::id::ProcessorId::new(placement.processor),
                start: crate::task_graph::cost::Time::from_sum(placement.start),
                finish: crate::task_graph::cost::Time::from_sum(placement.finish),
            }
        });
        Ok(Self::sorted(processors.clone(), slots.collect()))
    }

    /// The schedule with these slots, in any order, one per task.
    ///
    /// Slots that start and finish together on one processor run in the given order. [`validate`](Self::validate)
    /// checks whether the schedule is valid for a graph.
    ///
    /// # Errors
    ///
    /// If a slot is on a processor that does not exist or ends before it starts, or if a task has no slot or several
    /// slots. Task ids must be consecutive, from zero on.
    pub fn from_slots(processors: &Processors, slots: Vec<Slot>) -> Result<Self, Error> {
        for slot in &slots {
            if slot.processor.index() >= processors.len() {
                return Err(ScheduleErrorKind::UnknownProcessor(slot.processor).into());
            }
            if slot.finish < slot.start {
                return Err(ScheduleErrorKind::Backwards(*slot).into());
            }
        }
        let tasks = slots.iter().map(|slot| slot.task);
        check_each_once(slots.len(), tasks, |task| task.to_string())?;
        Ok(Self::sorted(processors.clone(), slots))
    }
}

fn check_each_once(
    n_tasks: usize,
    tasks: impl Iterator<Item = TaskId>,
    name: impl Fn(TaskId) -> String,
) -> Result<(), Error> {
    let mut is_there = vec![false; n_tasks];
    for task in tasks {
        let index = task.index();
        match is_there.get_mut(index) {
            None => return Err(ScheduleErrorKind::UnknownTask(index).into()),
            Some(true) => return Err(ScheduleErrorKind::Twice(name(task)).into()),
            Some(is_there) => *is_there = true,
        }
    }
    match is_there.iter().position(|&is_there| !is_there) {
        Some(index) => Err(ScheduleErrorKind::Missing(name(TaskId::new(index))).into()),
        None => Ok(()),
    }
}

/// The earliest times of tasks that run in this order on each processor, and one topological order of all of them.
///
/// # Errors
///
/// If tasks would wait for each other for ever.
pub(super) fn earliest_times(
    problem: &Problem<'_>,
    order: &[Vec<TaskId>],
) -> Result<(Vec<Placement>, Vec<TaskId>), Error> {
    let graph = problem.graph;
    let next = next_on_processor(problem.n_tasks(), order);
    let mut placements = vec![Placement::default(); problem.n_tasks()];
    let mut n_open: Vec<usize> = graph
        .task_ids()
        .map(|task| graph.predecessors(task).len())
        .collect();
    for (processor, tasks) in order.iter().enumerate() {
        for (index, task) in tasks.iter().enumerate() {
            placements[task.index()].processor = processor;
            n_open[task.index()] += usize::from(index > 0);
        }
    }
    let mut run_order: Vec<TaskId> = graph
        .task_ids()
        .filter(|task| n_open[task.index()] == 0)
        .collect();
    let mut index = 0;
    while let Some(&task) = run_order.get(index) {
        index += 1;
        let here = &mut placements[task.index()];
        here.finish = here.start + problem.duration(task, here.processor);
        let here = *here;
        let waiting = graph
            .successors(task)
            .iter()
            .map(|s| (s.task, s.cost.value()));
        for (to, cost) in waiting.chain(next[task.index()].map(|to| (to, 0.0))) {
            let there = &mut placements[to.index()];
            let transfer = problem.transfer(cost, here.processor, there.processor);
            there.start = there.start.max(here.finish + transfer);
            n_open[to.index()] -= 1;
            if n_open[to.index()] == 0 {
                run_order.push(to);
            }
        }
    }
    if run_order.len() == problem.n_tasks() {
        Ok((placements, run_order))
    } else {
        Err(deadlock(problem, &n_open, &next))
    }
}

/// By task: the next task on the same processor.
fn next_on_processor(n_tasks: usize, order: &[Vec<TaskId>]) -> Vec<Option<TaskId>> {
    let mut next = vec![None; n_tasks];
    for tasks in order {
        for pair in tasks.windows(2) {
            next[pair[0].index()] = Some(pair[1]);
        }
    }
    next
}

/// The error that names some of the tasks that wait for each other.
fn deadlock(problem: &Problem<'_>, n_open: &[usize], next: &[Option<TaskId>]) -> Error {
    let graph = problem.graph;
    let is_open = |task: &TaskId| n_open[task.index()] > 0;
    let mut before = vec![None; problem.n_tasks()];
    for task in graph.task_ids().filter(is_open) {
        let successors = graph.successors(task).iter().map(|s| s.task);
        for to in successors.chain(next[task.index()]) {
            before[to.index()].get_or_insert(task);
        }
    }
    let mut position = vec![None; problem.n_tasks()];
    let mut path = Vec::new();
    let mut task = graph.task_ids().find(is_open);
    while let Some(open) = task {
        if let Some(first) = position[open.index()] {
            path.drain(..first);
            break;
        }
        position[open.index()] = Some(path.len());
        path.push(open);
        task = before[open.index()];
    }
    path.reverse();
    let names = path.iter().chain(path.first());
    ScheduleErrorKind::Deadlock(names.map(|&task| graph.name(task).to_owned()).collect()).into()
}
