//! Runs a graph in this process and thread, one task after another, for debuggers and comparisons.

use crate::api::outcome::{Results, Values};
use crate::api::program::Graph;
use crate::api::trace::TraceFile;
use crate::base::clock::now;
use crate::base::failure::{TaskError, TaskErrorKind};
use crate::definition::Definition;
use crate::plan::Step;
use crate::plan::retry::Retry;
use crate::report::Report;
use crate::run::event::Observer;
use crate::run::executor::{Executor, LoadedGraph};
use crate::run::log::{Events, Observers};
use crate::run::message::{AttemptReport, Observed};
use crate::run::progress::Running;
use crate::value::payload::Payload;
use ampeg_schedule::Error;
use ampeg_schedule::ProcessorId;
use std::rc::Rc;

impl<V> Graph<V> {
    /// Runs the graph in this process and thread, in topological order.
    ///
    /// Results are the same as with worker processes, but there is no isolation: a crash ends the program, and
    /// `within` has no effect.
    ///
    /// # Errors
    ///
    /// If the graph has invalid costs or captures, or the file that `AMPEG_TRACE` names cannot be written. A failed
    /// task is not an error of the run.
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
        self.run_observed(Observers::default())
    }

    /// Runs the graph as [`run_inline`](Self::run_inline) does, and sends each event of the run to an observer.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`run_inline`](Self::run_inline).
    ///
    /// ```
    /// use ampeg::{Event, graph};
    /// use std::sync::{Arc, Mutex};
    ///
    /// let ended = Arc::new(Mutex::new(Vec::new()));
    /// let list = Arc::clone(&ended);
    /// let observer = move |event: &Event<'_>| {
    ///     if let Event::TaskEnded { task, .. } = event {
    ///         list.lock().unwrap().push(task.to_string());
    ///     }
    /// };
    /// let _ = graph! { a = 1; b = a + 1; }.run_inline_with(observer)?;
    /// assert_eq!(*ended.lock().unwrap(), ["a", "b"]);
    /// # Ok::<(), ampeg::Error>(())
    /// ```
    pub fn run_inline_with(&self, observer: impl Observer + 'static) -> Result<V::Outcome, Error>
    where
        V: Values,
    {
        let mut observers = Observers::default();
        observers.add(observer);
        self.run_observed(observers)
    }

    fn run_observed(&self, observers: Observers) -> Result<V::Outcome, Error>
    where
        V: Values,
    {
        let trace = TraceFile::named()?;
        let definition = self.definition()?;
        let mut events = Events::begin(&definition.task_graph, None, 1, observers, now());
        let results = run(definition, &mut events);
        let (log, _) = events.end(now());
        let report = Report::inline(&definition.task_graph, log);
        if let Some(trace) = trace {
            trace.write(&report);
        }
        Ok(V::outcome(&mut Results::new(definition, results, report)))
    }
}

/// The end of one task: the bytes of an output, or the reason why there is no result.
type Ending = Result<Option<Payload>, TaskError>;

fn run(
    definition: &Definition,
    events: &mut Events<'_>,
) -> Vec<Option<Result<Payload, TaskError>>> {
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
            None => attempt(definition, &mut executor, &step, events),
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

fn attempt(
    definition: &Definition,
    executor: &mut Executor,
    step: &Step,
    events: &mut Events<'_>,
) -> Ending {
    let here = ProcessorId::new(0);

    let mut attempt = 1;
    loop {
        let start = now();
        let running = Running {
            task: step.task,
            attempt,
            start,
        };
        events.task_begins(here, running);
        let inputs = executor.inputs(step, attempt);
        let result = inputs.and_then(|inputs| executor.call(step, inputs));
        let result = executor.finish(step, attempt, result);
        let observed = Observed {
            reading: executor.reading(),
            ..Observed::between(start, now())
        };
        let result = result.map(|it| it.whole);
        let report = AttemptReport::new(0, step, attempt, result, observed, Retry::default());
        events.task_ends(here, &report);
        match report.result {
            Err(_) if report.will_retry => attempt += 1,
            Err(kind) => return Err(definition.blame(step.task, attempt, *kind)),
            Ok(payload) => return Ok(payload),
        }
    }
}
