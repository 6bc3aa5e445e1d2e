//! One worker's loop: messages in, steps run in order, results out.
//!
//! It knows no graph but its own steps, and no process: what moves messages is a [`Link`].

use crate::clock::now;
use crate::executor::{Executor, Spent};
use crate::id::{ProcessorId, TaskId};
use crate::message::{
    Arrival, Content, Ended, FromWorker, Observed, RunId, Timestamp, ToWorker, Value,
};
use crate::part::PartKey;
use crate::payload::Payload;
use crate::plan::Step;
use crate::queue::Queue;
use crate::sys::DescriptorAddress;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A worker's side of a transport.
pub(crate) trait Link {
    /// The next message, waited for; none if nobody is left to send one.
    fn receive(&mut self) -> Option<Incoming>;
    /// The next message that is here already.
    fn try_receive(&mut self) -> Option<Incoming>;
    /// Sends a result to another worker; if that one is gone, nothing happens.
    fn send(&mut self, to: ProcessorId, value: Value);
    /// Tells the coordinator, in order and soon; if that one is gone, nothing happens.
    ///
    /// Whether that took no time, since it is to be told later.
    fn report(&mut self, message: FromWorker) -> bool;
    /// There is nothing more to do for now: what is still to be told is told at once.
    fn tell_all(&mut self);
    /// How many changes of its peers the link has taken in.
    fn peer_changes(&self) -> u32;
    /// Notes what is running from now on, where it can be read even after this worker's death.
    fn begin(&mut self, step: &Step, start: Timestamp);
    /// Notes that nothing is running.
    fn end(&mut self);
}

/// A message and who sent it: another worker, or the coordinator.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) from: Option<ProcessorId>,
    pub(crate) message: ToWorker,
    /// When it came in, which may be while a task was running.
    pub(crate) received: Timestamp,
}

/// Works until the coordinator says stop or is gone.
pub(crate) fn work(link: &mut impl Link) {
    let mut worker = Worker::default();
    loop {
        while let Some(incoming) = link.try_receive() {
            if !worker.on_message(incoming, link) {
                return;
            }
        }
        if worker.is_ready() {
            worker.run_step(link);
        } else {
            if worker.queue.is_empty() {
                link.tell_all();
            }
            let Some(incoming) = link.receive() else {
                return;
            };
            if !worker.on_message(incoming, link) {
                return;
            }
        }
    }
}

/// A graph as it comes in: its captures follow one by one.
#[derive(Debug)]
struct Loading {
    descriptor: DescriptorAddress,
    captures: Vec<Payload>,
}

#[derive(Debug, Default)]
struct Worker {
    loading: Option<Loading>,
    executor: Option<Executor>,
    run: Option<RunId>,
    /// The last run that is over.
    ended: RunId,
    /// The steps of each run that begins.
    plan: Arc<Vec<Step>>,
    queue: Queue,
    /// Steps of which more are to come.
    incoming: Vec<Step>,
    skipped: HashSet<TaskId>,
    /// Values of runs that have not begun here.
    early: Vec<Incoming>,
    arrivals: HashMap<TaskId, Arrival>,
    /// When the last task ended, if no time to speak of has passed since: to read a clock takes as long as many a task.
    just_ended: Option<Timestamp>,
}

impl Worker {
    /// Takes in one message; false if it is the last.
    fn on_message(&mut self, incoming: Incoming, link: &mut impl Link) -> bool {
        self.just_ended = None;
        match incoming.message {
            ToWorker::Graph { descriptor } => {
                self.executor = None;
                self.plan = Arc::default();
                self.loading = Some(Loading {
                    descriptor,
                    captures: Vec::new(),
                });
            }
            ToWorker::Capture(payload) => {
                if let Some(loading) = &mut self.loading {
                    loading.captures.push(payload);
                }
            }
            ToWorker::Plan { steps, more } => {
                if let Some(steps) = self.collect(steps, more) {
                    self.plan = Arc::new(steps);
                }
            }
            ToWorker::Begin { run } => self.on_begin(run, link),
            ToWorker::Steps { run, steps, more } => {
                if let Some(steps) = self.collect(steps, more) {
                    self.on_steps(run, steps, link);
                }
            }
            ToWorker::Value(value) if Some(value.run) == self.run => {
                self.on_value(incoming.from, value, incoming.received);
            }
            ToWorker::Value(ref value) if value.run > self.ended => self.early.push(incoming),
            ToWorker::Value(_) => {}
            ToWorker::Skip { run, tasks } => {
                if Some(run) == self.run {
                    self.on_skip(&tasks);
                }
            }
            ToWorker::End { run } => self.on_end(run),
            ToWorker::Stop => return false,
        }
        true
    }

    /// All steps that belong together, if there are no more to come.
    fn collect(&mut self, steps: Vec<Step>, more: bool) -> Option<Vec<Step>> {
        if self.incoming.is_empty() {
            self.incoming = steps;
        } else {
            self.incoming.extend(steps);
        }
        (!more).then(|| std::mem::take(&mut self.incoming))
    }

    fn on_begin(&mut self, run: RunId, link: &mut impl Link) {
        self.finish_loading(link);
        let Some(executor) = &mut self.executor else {
            return;
        };
        for step in &*self.plan {
            executor.expect(step);
        }
        self.queue = Queue::of(Arc::clone(&self.plan));
        self.enter(run);
    }

    fn on_steps(&mut self, run: RunId, steps: Vec<Step>, link: &mut impl Link) {
        self.finish_loading(link);
        let Some(executor) = &mut self.executor else {
            return;
        };
        for step in &steps {
            executor.expect(step);
        }
        let (again, steps): (Vec<_>, _) = steps.into_iter().partition(|step| step.again);
        for step in steps {
            self.queue.push(step);
        }
        self.queue.insert_again(again);
        if self.run != Some(run) {
            self.enter(run);
        }
    }

    /// Takes part in a run from now on, and takes in what has come for it already.
    fn enter(&mut self, run: RunId) {
        self.run = Some(run);
        for incoming in std::mem::take(&mut self.early) {
            match incoming.message {
                ToWorker::Value(value) if value.run == run => {
                    self.on_value(incoming.from, value, incoming.received);
                }
                _ => {}
            }
        }
    }

    fn finish_loading(&mut self, link: &mut impl Link) {
        if let Some(loading) = self.loading.take() {
            match loading.descriptor.resolve() {
                Ok(descriptor) => {
                    self.executor = Some(Executor::new(descriptor, loading.captures));
                }
                Err(reason) => {
                    link.report(FromWorker::Refused { reason });
                }
            }
        }
    }

    fn on_value(&mut self, from: Option<ProcessorId>, value: Value, received: Timestamp) {
        if let Some(executor) = &mut self.executor {
            let arrival = self.arrivals.entry(value.task).or_insert(Arrival {
                task: value.task,
                from,
                sent: value.sent,
                received,
                bytes: 0,
                decoding: 0,
            });
            // Parts may come one after another.
            arrival.received = received;
            arrival.bytes += value.content.len();
            match value.content {
                Content::Whole(payload) => executor.keep(value.task, payload),
                Content::Parts(parts) => executor.keep_parts(value.task, parts),
            }
        }
    }

    fn on_skip(&mut self, tasks: &[TaskId]) {
        self.skipped.extend(tasks);
        let skipped = &self.skipped;
        if let Some(executor) = &mut self.executor {
            self.queue.retain(|step| {
                let stays = !skipped.contains(&step.task);
                if !stays {
                    executor.forgo(step);
                }
                stays
            });
        }
    }

    fn on_end(&mut self, run: RunId) {
        self.ended = run;
        self.run = None;
        self.queue = Queue::default();
        self.incoming.clear();
        self.skipped.clear();
        self.arrivals.clear();
        self.early.retain(
            |incoming| matches!(&incoming.message, ToWorker::Value(value) if value.run > run),
        );
        if let Some(executor) = &mut self.executor {
            executor.clear();
        }
    }

    fn is_ready(&self) -> bool {
        match (&self.executor, self.queue.front()) {
            (Some(executor), Some(step)) => executor.is_ready(step),
            _ => false,
        }
    }

    /// Runs the first step, whose inputs are here.
    fn run_step(&mut self, link: &mut impl Link) {
        let (Some(run), Some(executor), Some(step)) =
            (self.run, &mut self.executor, self.queue.front())
        else {
            return;
        };
        let mut just_ended = self.just_ended.take();
        if step.limited {
            let (task, attempt) = (step.task, step.attempt);
            link.report(FromWorker::Started { run, task, attempt });
            just_ended = None;
        }
        if step.wait_for_turn() {
            just_ended = None;
        }
        let start = just_ended.unwrap_or_else(now);
        link.begin(step, start);
        let result = executor.run(step);
        let finish = now();
        link.end();
        let spent = executor.take_spent();
        let observed = Observed {
            arrivals: arrivals(&mut self.arrivals, step, &spent),
            encoding: spent.encoding,
            ..Observed::between(start, finish)
        };
        let (result, parts) = match result {
            Ok(encoded) => (Ok(encoded.whole), encoded.parts),
            Err(kind) => (Err(kind), HashMap::new()),
        };
        let mut ended = Ended::new(run, step, result, observed);
        deliver(&mut ended, parts, step, link);
        ended.peer_changes = link.peer_changes();
        let is_kept = step.consumers.is_empty();
        if ended.tries_again {
            self.queue.set_attempt(0, ended.attempt + 1);
        } else {
            self.queue.remove(0);
        }
        if link.report(FromWorker::Ended(ended)) && is_kept {
            self.just_ended = Some(finish);
        }
    }
}

/// Sends a result, or parts of it, to the workers that need it; what is left is for the coordinator.
fn deliver(
    ended: &mut Ended,
    mut parts: HashMap<ProcessorId, Vec<(PartKey, Payload)>>,
    step: &Step,
    link: &mut impl Link,
) {
    let Ok(whole) = &ended.result else {
        return;
    };
    ended.observed.bytes = whole.as_ref().map(Payload::len);
    for &consumer in &step.consumers {
        let contents = match (parts.remove(&consumer), whole) {
            (Some(parts), _) => Content::messages(parts),
            (None, Some(whole)) => vec![Content::Whole(whole.clone())],
            (None, None) => Vec::new(),
        };
        for content in contents {
            let value = Value {
                run: ended.run,
                task: step.task,
                content,
                sent: now(),
            };
            link.send(consumer, value);
        }
    }
    if !step.output {
        ended.result = Ok(None);
    }
}

fn arrivals(arrivals: &mut HashMap<TaskId, Arrival>, step: &Step, spent: &Spent) -> Vec<Arrival> {
    if arrivals.is_empty() {
        return Vec::new();
    }
    let inputs = step.inputs.iter();
    let arrivals = inputs.filter_map(|input| {
        let arrival = arrivals.remove(input)?;
        let decoding = spent.decoding.iter().filter(|(task, _)| task == input);
        Some(Arrival {
            decoding: decoding.map(|&(_, spent)| spent).sum(),
            ..arrival
        })
    });
    arrivals.collect()
}
