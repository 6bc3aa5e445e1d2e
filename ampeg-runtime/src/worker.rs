//! One worker's loop: messages in, steps run in order, results out.
//!
//! It knows no graph but its own steps, and no process: what moves messages is a [`Link`].

use crate::clock::now;
use crate::executor::Executor;
use crate::id::{ProcessorId, TaskId};
use crate::message::{Arrival, Ended, FromWorker, Observed, RunId, Timestamp, ToWorker, Value};
use crate::payload::Payload;
use crate::plan::{Step, insert_again};
use crate::sys::DescriptorAddress;
use std::collections::{HashMap, HashSet, VecDeque};

/// A worker's side of a transport.
pub(crate) trait Link {
    /// The next message, waited for; none if nobody is left to send one.
    fn receive(&mut self) -> Option<Incoming>;
    /// The next message that is here already.
    fn try_receive(&mut self) -> Option<Incoming>;
    /// Sends a result to another worker; if that one is gone, nothing happens.
    fn send(&mut self, to: ProcessorId, value: Value);
    /// Tells the coordinator, in order and soon; if that one is gone, nothing happens.
    fn report(&mut self, message: FromWorker);
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
    queue: VecDeque<Step>,
    /// Steps of which more are to come.
    incoming: Vec<Step>,
    skipped: HashSet<TaskId>,
    /// Values of runs that have not begun here.
    early: Vec<Incoming>,
    arrivals: HashMap<TaskId, Arrival>,
}

impl Worker {
    /// Takes in one message; false if it is the last.
    fn on_message(&mut self, incoming: Incoming, link: &mut impl Link) -> bool {
        match incoming.message {
            ToWorker::Graph { descriptor } => {
                self.executor = None;
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
            ToWorker::Steps { run, steps, more } => {
                self.incoming.extend(steps);
                if !more {
                    let steps = std::mem::take(&mut self.incoming);
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

    fn on_steps(&mut self, run: RunId, steps: Vec<Step>, link: &mut impl Link) {
        self.finish_loading(link);
        let Some(executor) = &mut self.executor else {
            return;
        };
        for step in &steps {
            executor.expect(step);
        }
        let mut again = Vec::new();
        for step in steps {
            if step.again {
                again.push(step);
            } else {
                self.queue.push_back(step);
            }
        }
        insert_again(&mut self.queue, again);
        if self.run != Some(run) {
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
    }

    fn finish_loading(&mut self, link: &mut impl Link) {
        if let Some(loading) = self.loading.take() {
            match loading.descriptor.resolve() {
                Ok(descriptor) => {
                    self.executor = Some(Executor::new(descriptor, loading.captures));
                }
                Err(reason) => link.report(FromWorker::Refused { reason }),
            }
        }
    }

    fn on_value(&mut self, from: Option<ProcessorId>, value: Value, received: Timestamp) {
        if let Some(executor) = &mut self.executor {
            self.arrivals.insert(
                value.task,
                Arrival {
                    task: value.task,
                    from,
                    sent: value.sent,
                    received,
                    bytes: value.payload.len(),
                },
            );
            executor.keep(value.task, value.payload);
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
        self.queue.clear();
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
        let (Some(run), Some(executor), Some(mut step)) =
            (self.run, &mut self.executor, self.queue.pop_front())
        else {
            return;
        };
        if step.limited {
            let (task, attempt) = (step.task, step.attempt);
            link.report(FromWorker::Started { run, task, attempt });
        }
        step.wait_for_turn();
        let start = now();
        link.begin(&step, start);
        let result = executor.run(&step);
        let finish = now();
        link.end();
        let observed = Observed {
            arrivals: arrivals(&mut self.arrivals, &step),
            ..Observed::between(start, finish)
        };
        let mut ended = Ended::new(run, &step, result, observed);
        deliver(&mut ended, &step, link);
        ended.peer_changes = link.peer_changes();
        let tries_again = ended.tries_again;
        link.report(FromWorker::Ended(ended));
        if tries_again {
            step.attempt += 1;
            self.queue.push_front(step);
        }
    }
}

/// Sends a result to the workers that need it; what is left is for the coordinator.
fn deliver(ended: &mut Ended, step: &Step, link: &mut impl Link) {
    if let Ok(Some(payload)) = &ended.result {
        ended.observed.bytes = Some(payload.len());
        for &consumer in &step.consumers {
            let value = Value {
                run: ended.run,
                task: step.task,
                payload: payload.clone(),
                sent: now(),
            };
            link.send(consumer, value);
        }
        if !step.output {
            ended.result = Ok(None);
        }
    }
}

fn arrivals(arrivals: &mut HashMap<TaskId, Arrival>, step: &Step) -> Vec<Arrival> {
    if arrivals.is_empty() {
        return Vec::new();
    }
    let inputs = step.inputs.iter();
    inputs.filter_map(|input| arrivals.remove(input)).collect()
}
