//! Runs a graph in this process and thread, one task after another: for debuggers, and as a yardstick.

use crate::api::outcome::{Results, Values};
use crate::api::program::Graph;
use crate::base::clock::now;
use crate::base::failure::{TaskError, TaskErrorKind};
use crate::definition::Definition;
use crate::plan::Step;
use crate::report::Report;
use crate::run::executor::{Executor, LoadedGraph};
use crate::run::log::Log;
use crate::run::message::{AttemptReport, Observed};
use crate::value::payload::Payload;
use ampeg_schedule::Error;
use ampeg_schedule::ProcessorId;
use std::rc::Rc;

impl<V> Graph<V> {
    /// Runs the graph in this process and thread, in topological order.
    ///
    /// Results are the same as with worker processes, but for what processes are for: a crash takes the program,
    /// and `within` has no effect.
    ///
    /// # Errors
    ///
    /// If the graph has no valid costs or captures. A task that fails is no error of the run.
    ///
    /// ```
    /// let here = std::process::id();
    /// let graph = ampeg::graph! { is_here = std::process::id() == here; };
    /// assert_eq!(graph.run_inline()?.is_here, Ok(true));
    /// assert_eq!(graph.run(1)?.is_here, Ok(false));
    /// # Ok::<(), ampeg::Error>(())
    /// ```
    pub fn run_inline(&self) -> Result<V::Outcome, Error>
    where
        V: Values,
    {
        let definition = self.definition()?;
        let mut log = Log::begin(now(), definition.task_graph.n_tasks());
        let results = run(definition, &mut log);
        log.finish = now();
        let report = Report::inline(&definition.task_graph, log);
        Ok(V::outcome(&mut Results::new(definition, results, report)))
    }
}

/// What became of one task: the bytes of an output, or why there is no result.
type Ending = Result<Option<Payload>, TaskError>;

fn run(definition: &Definition, log: &mut Log) -> Vec<Option<Result<Payload, TaskError>>> {
    let order = definition.task_graph.topological_order();
    let steps: Vec<_> = order
        .iter()
        .map(|&task| Step::new(definition, task))
        .collect();
    let graph = LoadedGraph::new(definition.descriptor, definition.captures.values.clone());
    let mut executor = Executor::new(Rc::new(graph));
    for step in &steps {
        executor.add_uses(step);
    }
    let mut endings: Vec<Option<Ending>> = vec![None; steps.len()];
    for step in steps {
        let task = step.task;
        let ending = match failed_input(&step, &endings) {
            Some(cause) => {
                executor.drop_uses(&step);
                let kind = TaskErrorKind::DependencyFailed { cause };
                Err(definition.blame(task, 1, kind))
            }
            None => attempt(definition, &mut executor, &step, log),
        };
        endings[task.index()] = Some(ending);
    }
    endings
        .into_iter()
        .map(|ending| ending.and_then(Result::transpose))
        .collect()
}

fn failed_input(step: &Step, endings: &[Option<Ending>]) -> Option<TaskError> {
    step.inputs
        .iter()
        .find_map(|input| endings[input.index()].as_ref()?.as_ref().err())
        .map(|error| error.root().clone())
}

fn attempt(definition: &Definition, executor: &mut Executor, step: &Step, log: &mut Log) -> Ending {
    let mut attempt = 1;
    loop {
        let start = now();
        let inputs = executor.inputs(step, attempt);
        let result = inputs.and_then(|inputs| executor.call(step, inputs));
        let result = executor.finish(step, attempt, result);
        let observed = Observed {
            reading: executor.reading(),
            ..Observed::between(start, now())
        };
        let result = result.map(|it| it.whole);
        let report = AttemptReport::new(0, step, attempt, result, observed);
        log.note(ProcessorId::new(0), &report);
        match report.result {
            Err(_) if report.will_retry => attempt += 1,
            Err(kind) => return Err(definition.blame(step.task, attempt, *kind)),
            Ok(payload) => return Ok(payload),
        }
    }
}
