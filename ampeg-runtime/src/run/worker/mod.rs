//! The loop of a worker: receives messages, runs its steps in order, sends results.
//!
//! A worker knows only its own steps of the graph, and no process: a [`Link`] moves the messages.

use crate::base::clock::{Timestamp, now};
use crate::base::failure::TaskErrorKind;
use crate::generated_code::part::PartKey;
use crate::generated_code::task::Descriptor;
use crate::plan::Step;
use crate::plan::retry::Retry;
use crate::run::executor::{Encoded, Executor, LoadedGraph};
use crate::run::message::{
    Arrival, AttemptReport, Content, Epoch, Observed, OpenStep, Recomputation, RunId, ToWorker,
    Value,
};
use crate::run::progress::{Phase, Progress};
use crate::sys::resources;
use crate::value::codec;
use crate::value::payload::Payload;
use ampeg_schedule::{ProcessorId, TaskId};
use queue::{Next, Queue};
use std::ops::ControlFlow;
use std::rc::Rc;
use std::time::Duration;

#[cfg(test)]
pub(crate) mod outlook;
mod queue;

/// A worker's side of a transport.
pub(crate) trait Link {
    /// Waits for the next message; none if no sender is left.
    fn receive(&mut self) -> Option<Incoming>;
    /// The next message, if one has already arrived.
    fn try_receive(&mut self) -> Option<Incoming>;
    /// Sends a result to another worker. Nothing happens if that worker is gone.
    ///
    /// # Errors
    ///
    /// If this process has too little memory or too few descriptors left to send it.
    fn send(&mut self, to: ProcessorId, value: Value) -> Result<(), String>;
    /// Sends a report to the coordinator, in order and soon. Nothing happens if the coordinator is gone.
    ///
    /// Returns true if the report was only queued, so that no system call was made.
    fn report(&mut self, report: AttemptReport) -> bool;
    /// Sends queued reports at once, because the worker has nothing to do for now.
    fn flush(&mut self);
    /// The epoch of the last introduction that the link has received.
    fn epoch(&self) -> Epoch;
    /// Called before a task that may take long.
    fn set_busy(&mut self);
    /// Called when a task begins: the output of this process from now on is the output of the task.
    fn begin_output(&mut self, task: TaskId) {
        // Threads write to the streams of the program.
        let _ = task;
    }
    /// Flushes the output of tasks that their process still buffers.
    fn flush_output(&mut self) {
        // The output of a thread belongs to the program.
    }
    /// Returns memory to the system. Called after a graph was dropped without a successor.
    fn release_memory(&mut self);
    /// Waits before another attempt at a task.
    fn sleep(&mut self, time: Duration) {
        std::thread::sleep(time);
    }
    /// The shared words in which this worker records its activity.
    fn progress(&self) -> &Progress;
}

/// A message and its sender: another worker, or none for the coordinator.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) from: Option<ProcessorId>,
    pub(crate) message: ToWorker,
    /// The time of arrival, which may be while a task was running.
    pub(crate) received: Timestamp,
}

/// Works until the coordinator sends `Stop` or is gone.
///
/// # Errors
///
/// If this worker cannot follow a message, which may happen if the coordinator is from another build.
pub(crate) fn work(link: &mut impl Link) -> Result<(), String> {
    let mut worker = Worker::default();
    loop {
        while let Some(incoming) = link.try_receive() {
            if worker.on_message(incoming, link)?.is_break() {
                return Ok(());
            }
        }
        if worker.is_ready() {
            worker.run_step(link);
        } else {
            if worker.is_done() {
                link.flush();
            }
            link.progress().enter_phase(Phase::Waiting);
            let incoming = link.receive();
            link.progress().enter_phase(Phase::Between);
            let Some(incoming) = incoming else {
                return Ok(());
            };
            if worker.on_message(incoming, link)?.is_break() {
                return Ok(());
            }
        }
    }
}

/// The state of a worker. The parts of a graph or a run are dropped as a whole with that graph or run.
#[derive(Debug, Default)]
pub(crate) struct Worker {
    graph: Option<Rc<LoadedGraph>>,
    plan: Rc<[Step]>,
    retry: Retry,
    run: Option<RunState>,
    /// The latest run that has begun or ended on this worker.
    last_run: RunId,
    /// Values of a run that has not begun on this worker yet. Messages of different senders may overtake each other.
    early: Vec<(Arrival, Value)>,
}

/// The state of one run on a worker.
#[derive(Debug)]
struct RunState {
    id: RunId,
    executor: Executor,
    queue: Queue,
    /// The next step; none if it has to be looked up.
    next: Option<NextStep>,
    /// The end of the previous attempt, if nothing happened since. The next attempt starts at this time. Reading
    /// the clock again would take 25 ns, as long as some tasks.
    just_ended: Option<Timestamp>,
    /// The time at which the output of tasks was last flushed.
    flushed: Timestamp,
}

/// The nanoseconds for which the output of a task may be held back while the next one runs. Checking for output takes
/// as long as a tiny task.
const FLUSH_INTERVAL: Timestamp = 100_000;

/// The next step, and the number of its missing inputs.
#[derive(Debug, Clone, Copy)]
struct NextStep {
    next: Next,
    n_missing: usize,
}

impl Worker {
    /// Handles one message. Returns `Break` after the last one.
    pub(crate) fn on_message(
        &mut self,
        incoming: Incoming,
        link: &mut impl Link,
    ) -> Result<ControlFlow<()>, String> {
        if let Some(run) = &mut self.run {
            run.just_ended = None;
        }
        match incoming.message {
            ToWorker::Graph { descriptor } => self.load(descriptor.resolve()?),
            ToWorker::GraphHere(descriptor) => self.load(descriptor),
            ToWorker::Capture(payload) => {
                if let Some(graph) = self.graph.as_mut().and_then(Rc::get_mut) {
                    graph.push_capture(payload);
                }
            }
            ToWorker::Plan { steps, retry } => {
                self.plan = codec::decode_fields::<Vec<Step>>(&steps)?.into();
                self.retry = retry;
            }
            ToWorker::Begin { run, open } => self.on_begin(run, open.as_ref(), link)?,
            ToWorker::Recompute { run, steps } => {
                if let Some(run) = self.in_run(run) {
                    run.recompute(codec::decode_fields(&steps)?);
                }
            }
            ToWorker::Value(value) => {
                let arrival = Arrival::new(incoming.from, &value, incoming.received);
                self.on_value(arrival, value);
            }
            ToWorker::Skip {
                run,
                steps,
                recomputations,
            } => {
                if let Some(run) = self.in_run(run) {
                    run.skip(&steps, &recomputations);
                }
            }
            ToWorker::End { run } => {
                self.last_run = self.last_run.max(run);
                if self.in_run(run).is_some() {
                    self.run = None;
                }
            }
            ToWorker::Unload => {
                self.unload();
                link.release_memory();
            }
            ToWorker::Stop => return Ok(ControlFlow::Break(())),
        }
        Ok(ControlFlow::Continue(()))
    }

    fn load(&mut self, descriptor: &'static Descriptor) {
        self.unload();
        self.graph = Some(Rc::new(LoadedGraph::new(descriptor, Vec::new())));
    }

    fn unload(&mut self) {
        self.run = None;
        self.plan = Rc::default();
        self.graph = None;
    }

    fn in_run(&mut self, run: RunId) -> Option<&mut RunState> {
        self.run.as_mut().filter(|state| state.id == run)
    }

    fn on_begin(
        &mut self,
        id: RunId,
        open: Option<&Payload>,
        link: &mut impl Link,
    ) -> Result<(), String> {
        let graph = self.graph.as_ref().ok_or("a run began without a graph")?;
        let open: Option<Vec<OpenStep>> = open.map(codec::decode_fields).transpose()?;
        let mut executor = Executor::new(Rc::clone(graph));
        let queue = Queue::new(Rc::clone(&self.plan), open.as_deref());
        queue.open_steps().for_each(|step| executor.add_uses(step));
        // This drops the values of an earlier run that did not end.
        self.run = Some(RunState {
            id,
            executor,
            queue,
            next: None,
            just_ended: None,
            flushed: 0,
        });
        self.last_run = id;
        link.progress().enter(id);
        for (arrival, value) in std::mem::take(&mut self.early) {
            self.on_value(arrival, value);
        }
        Ok(())
    }

    fn on_value(&mut self, arrival: Arrival, value: Value) {
        if let Some(run) = self.in_run(value.run) {
            run.on_value(arrival, value.content);
        } else if value.run > self.last_run {
            self.early.push((arrival, value));
        }
        // The results of an ended run are not needed.
    }

    /// Whether a step can be run now.
    pub(crate) fn is_ready(&mut self) -> bool {
        self.run.as_mut().is_some_and(RunState::is_ready)
    }

    /// Whether no step is left to run.
    pub(crate) fn is_done(&self) -> bool {
        self.run.as_ref().is_none_or(|run| run.queue.is_empty())
    }

    /// Makes one attempt at the next step, whose inputs must be present.
    pub(crate) fn run_step(&mut self, link: &mut impl Link) {
        let retry = self.retry;
        if let Some(run) = &mut self.run
            && let Some(NextStep { next, .. }) = run.next
        {
            run.attempt(next, retry, link);
        }
    }
}

impl RunState {
    fn recompute(&mut self, recomputations: Vec<Recomputation>) {
        for recomputation in &recomputations {
            self.executor.add_uses(&recomputation.step);
        }
        self.queue.insert(recomputations);
        self.next = None;
    }

    fn skip(&mut self, steps: &[u32], recomputations: &[TaskId]) {
        let executor = &mut self.executor;
        self.queue
            .skip(steps, recomputations, |step| executor.drop_uses(step));
        self.next = None;
    }

    fn on_value(&mut self, arrival: Arrival, content: Content) {
        let is_whole = matches!(content, Content::Whole(_));
        if self.executor.store(arrival, content)
            && let Some(next) = &mut self.next
        {
            next.n_missing -= 1;
            if next.n_missing == 0 && !is_whole {
                // A step that computes a lost result may need other parts than those that arrived, so its inputs are
                // checked again.
                self.next = None;
            }
        }
    }

    fn is_ready(&mut self) -> bool {
        if self.next.is_none() {
            self.next = self.queue.next().map(|next| {
                let (step, _) = self.queue.get(next);
                let n_missing = self.executor.look_for_inputs(step);
                NextStep { next, n_missing }
            });
        }
        self.next.is_some_and(|next| next.n_missing == 0)
    }

    fn attempt(&mut self, next: Next, retry: Retry, link: &mut impl Link) {
        let (step, attempt) = self.queue.get(next);
        let mut start = self.just_ended.take();
        if attempt > 1 {
            // A task that has crashed may crash again. Reports of earlier tasks must not be lost with this worker:
            // the tasks would be run again, and their own crashes would add up.
            link.flush_output();
            link.flush();
        }
        let wait = retry.wait_before(attempt);
        if !wait.is_zero() {
            link.set_busy();
            link.sleep(wait);
            start = None;
        }
        let start = start.unwrap_or_else(now);
        link.progress().begin(step.task, attempt, start);
        link.begin_output(step.task);
        link.set_busy();
        let (result, arrivals) = run_body(&mut self.executor, step, attempt, link.progress());
        let finish = now();
        let mut observed = Observed {
            arrivals,
            reading: self.executor.reading(),
            ..Observed::between(start, finish)
        };
        link.progress().end();
        let result = result.and_then(|encoded| {
            observed.encoding = encoded.encoding;
            observed.bytes = encoded.whole.as_ref().map(Payload::len);
            deliver(self.id, step, encoded, link)
                .map_err(|reason| TaskErrorKind::NotDeliverable { reason })
        });
        let is_kept = step.consumers.is_empty();
        let mut report = AttemptReport::new(self.id, step, attempt, result, observed, retry);
        report.epoch = link.epoch();
        self.next = None;
        if report.will_retry {
            self.queue.retry(next);
        } else {
            self.queue.close(next);
        }
        // Output is flushed before the report, so that everybody who has received the last report finds all output.
        // Tiny tasks share the cost of a flush.
        if finish.saturating_sub(self.flushed) >= FLUSH_INTERVAL || !self.is_ready() {
            link.flush_output();
            self.flushed = finish;
        }
        link.progress().count_report();
        if link.report(report) && is_kept {
            self.just_ended = Some(finish);
        }
        link.progress().enter_phase(Phase::Between);
    }
}

/// Makes one attempt at a step, and records the beginning and the end of a body that has a time limit. Also returns
/// the arrivals of the inputs that no earlier attempt has used.
fn run_body(
    executor: &mut Executor,
    step: &Step,
    attempt: u32,
    progress: &Progress,
) -> (Result<Encoded, TaskErrorKind>, Vec<Arrival>) {
    let inputs = executor.inputs(step, attempt);
    // Taken first, because inputs are dropped at their last use, together with their arrivals.
    let arrivals = executor.take_arrivals(step);
    if step.limited {
        progress.begin_body(now());
    }
    let result = inputs.and_then(|inputs| executor.call(step, inputs));
    if step.limited {
        progress.end_body();
    }
    let result = executor.finish(step, attempt, result);
    (result.map_err(resources::with_memory_limit), arrivals)
}

/// Sends a result, or parts of it, to the workers that need it. Returns the bytes for the coordinator.
fn deliver(
    run: RunId,
    step: &Step,
    encoded: Encoded,
    link: &mut impl Link,
) -> Result<Option<Payload>, String> {
    let Encoded {
        whole, mut parts, ..
    } = encoded;
    for &consumer in &step.consumers {
        let parts: Option<Vec<(PartKey, Payload)>> = parts.remove(&consumer);
        let contents = match (parts, &whole) {
            (Some(parts), _) => Content::parts(parts),
            (None, Some(whole)) => vec![Content::Whole(whole.clone())],
            (None, None) => Vec::new(),
        };
        for content in contents {
            let value = Value {
                run,
                task: step.task,
                content,
                sent: now(),
            };
            link.send(consumer, value)?;
        }
    }
    Ok(whole.filter(|_| step.output))
}
