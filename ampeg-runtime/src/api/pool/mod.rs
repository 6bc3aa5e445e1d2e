//! Runs graphs: [`Graph::run`], and [`Pool`] for several runs.

use crate::api::outcome::{Results, Values};
use crate::api::program::Graph;
use crate::api::trace::TraceFile;
use crate::base::failure::{TaskError, TaskErrorKind};
use crate::base::run_error::RunErrorKind;
use crate::definition::Definition;
use crate::definition::captures::Keeper;
use crate::plan::prepared::{PlanCache, Planned};
use crate::report::Report;
use crate::run::crew::{Bounds, Crew, Timeout};
use crate::run::log::Log;
use crate::sys::resources;
use crate::sys::thread;
use crate::value::payload::Payload;
use ampeg_schedule::Error;
use ampeg_schedule::TaskId;
use ampeg_schedule::{Policy, Processors, Schedule, Scheduler};
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

mod turn;
mod waits;

pub(crate) mod builder;
mod run;

#[cfg(test)]
mod tests;

pub use builder::PoolBuilder;
use run::{AnnounceEnd, End};
pub use run::{Canceller, Run};

use crate::run::caller::{Caller, PoolId};
use turn::{Ticket, Turns};
use waits::Waiting;

impl<V> Graph<V> {
    /// Runs the graph on this many worker processes, which end when the run is over.
    ///
    /// If the graph has fewer tasks, one process per task is started.
    /// A [`Pool`] keeps its processes, so that several runs start them only once.
    ///
    /// # Errors
    ///
    /// Returns an error if `processes` is 0, a cost or a captured value of the graph is not valid, or no process can be
    /// started. The errors of failed tasks are in the outcome.
    ///
    /// ```
    /// let graph = ampeg::graph! { a = 20 + 1; b = a * 2; };
    /// assert_eq!(graph.run(2)?.b, Ok(42));
    /// assert!(graph.run(0).is_err());
    /// # Ok::<(), ampeg::Error>(())
    /// ```
    pub fn run(&self, processes: usize) -> Result<V::Outcome, Error>
    where
        V: Values,
    {
        let n_tasks = self.task_graph()?.n_tasks();
        if processes > 0 && n_tasks == 0 {
            return self.run_inline();
        }
        Pool::new(processes.min(n_tasks))?.run(self)
    }

    /// Runs the graph on one worker process per processor that the program may use.
    ///
    /// The environment variable `AMPEG_WORKERS` sets another number.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`run`](Self::run), and an error if `AMPEG_WORKERS` is not a number from 1 to 65,536.
    ///
    /// ```
    /// let outcome = ampeg::graph! { a = 20 + 1; b = a * 2; }.run_default()?;
    /// assert_eq!(outcome.b?, 42);
    /// # Ok::<(), ampeg::Error>(())
    /// ```
    pub fn run_default(&self) -> Result<V::Outcome, Error>
    where
        V: Values,
    {
        self.run(builder::default_workers()?)
    }

    /// Where and when each task would run on this many processes.
    ///
    /// # Errors
    ///
    /// If `processes` is 0, or the graph has no valid costs or captures.
    ///
    /// ```
    /// let graph = ampeg::graph! { a = 1 @ 3; b = 2 @ 4; c = a + b @ 1 via 1; };
    /// assert_eq!(graph.schedule(1)?.makespan().value(), 8.0);
    /// // `a` and `b` side by side, and `c` where `b` was.
    /// assert_eq!(graph.schedule(2)?.makespan().value(), 5.0);
    /// # Ok::<(), ampeg::Error>(())
    /// ```
    pub fn schedule(&self, processes: usize) -> Result<Schedule, Error> {
        self.schedule_on(&Processors::new(processes)?)
    }

    /// Where and when each task would run on processors of unequal speed or with unequal connections.
    ///
    /// # Errors
    ///
    /// If the graph has no valid costs or captures.
    pub fn schedule_on(&self, processors: &Processors) -> Result<Schedule, Error> {
        Policy::default().schedule(self.task_graph()?, processors)
    }
}

/// Worker processes that are kept between runs.
///
/// Several threads may run graphs on one pool. The pool runs one graph at a time, in the order of the calls.
/// A task that runs a graph on the pool that runs the task gets an error; it needs a pool of its own.
/// Clones share the same workers, which end when the last clone is dropped.
/// A worker that dies during a run is replaced at once; one that dies between runs is replaced before the next run.
///
/// ```
/// use ampeg::{Pool, graph};
///
/// let pool = Pool::new(2)?;
/// let workers = graph! { a = std::process::id(); b = std::process::id(); };
/// let (first, second) = (pool.run(&workers)?, pool.run(&workers)?);
/// assert_eq!((&first.a, &first.b), (&second.a, &second.b)); // the same two processes
///
/// let outcome = pool.run(&graph! { a: u8 = std::process::abort(); b = 1; })?;
/// assert!(outcome.a.is_err() && outcome.b == Ok(1));
/// assert_eq!(pool.run(&graph! { c = 2; })?.c, Ok(2));
/// # Ok::<(), ampeg::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "the workers of a pool end when it is dropped"]
pub struct Pool {
    shared: Arc<PoolState>,
}

struct PoolState {
    id: PoolId,
    crew: Turns<Crew>,
    /// Wakes the run that has the crew.
    waker: Box<dyn Fn() + Send + Sync>,
    plans: PlanCache,
    timeout: Option<Duration>,
    max_failures: Option<usize>,
    trace: Option<TraceFile>,
}

impl Pool {
    /// Starts this many worker processes.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`PoolBuilder::build`].
    pub fn new(processes: usize) -> Result<Self, Error> {
        Self::builder().processes(processes).build()
    }

    /// A pool with other settings than the usual ones.
    pub fn builder() -> PoolBuilder {
        PoolBuilder::default()
    }

    /// The number of workers.
    pub fn n_workers(&self) -> usize {
        self.shared.plans.processors.len()
    }

    /// Schedules a graph and runs it.
    ///
    /// The graph that was run last is neither scheduled again nor sent to the workers again.
    ///
    /// # Errors
    ///
    /// If the graph has no valid costs or captures, a worker that is missing could not be started again,
    /// or the pool is running the task that calls this: both would wait for ever.
    /// A task that fails is no error of the run: it is in the outcome.
    pub fn run<V: Values>(&self, graph: &Graph<V>) -> Result<V::Outcome, Error> {
        self.run_by(graph, None)
    }

    /// Runs a graph by a schedule that was made before, or by hand.
    ///
    /// Only the order and place of the tasks count: each starts as soon as its inputs are there and the task before
    /// it on the same worker has ended.
    ///
    /// # Errors
    ///
    /// If `schedule` is not valid for the graph or needs more workers than the pool has, and as [`run`](Self::run).
    ///
    /// ```
    /// use ampeg::schedule::{Processors, Schedule};
    /// use ampeg::{Pool, graph};
    ///
    /// let graph = graph! { a = 1; b = a + 1; };
    /// let tasks = graph.task_graph()?;
    /// let [a, b] = ["a", "b"].map(|name| tasks.find(name).expect("it is declared"));
    /// let apart = Schedule::from_order(tasks, &Processors::new(2)?, &[vec![b], vec![a]])?;
    ///
    /// let outcome = Pool::new(2)?.run_schedule(&graph, &apart)?;
    /// assert_eq!(outcome.b, Ok(2));
    /// assert_eq!(outcome.report().transfers().len(), 1); // `a` went to the other worker
    /// # Ok::<(), ampeg::Error>(())
    /// ```
    pub fn run_schedule<V: Values>(
        &self,
        graph: &Graph<V>,
        schedule: &Schedule,
    ) -> Result<V::Outcome, Error> {
        self.run_by(graph, Some(schedule))
    }

    fn run_by<V: Values>(
        &self,
        graph: &Graph<V>,
        schedule: Option<&Schedule>,
    ) -> Result<V::Outcome, Error> {
        let job = self.shared.job(graph.definition()?, schedule)?;
        let shared = Arc::clone(&self.shared);
        let done = thread::with_locals(move || shared.run(job))?;
        Ok(done.outcome::<V>())
    }

    /// Starts to run a graph and returns at once.
    ///
    /// # Errors
    ///
    /// If the graph has no valid costs or captures, no thread could be started,
    /// or the pool is running the task that calls this.
    ///
    /// ```
    /// use ampeg::{Pool, TaskErrorKind, graph};
    /// use std::time::Duration;
    ///
    /// let pool = Pool::new(2)?;
    /// let graph = graph! { long = std::thread::sleep(Duration::from_secs(3600)); };
    /// let run = pool.start(&graph)?;
    /// run.cancel();
    /// let outcome = run.wait()?;
    /// assert_eq!(outcome.long.as_ref().unwrap_err().kind(), &TaskErrorKind::Cancelled);
    /// # Ok::<(), ampeg::Error>(())
    /// ```
    pub fn start<V>(&self, graph: &Graph<V>) -> Result<Run<V>, Error> {
        let mut job = self.shared.job(graph.definition()?, None)?;
        job.is_awaited = false;
        let (shared, ticket) = (Arc::clone(&self.shared), Arc::clone(&job.ticket));
        let caller = Caller::here();
        let thread = std::thread::Builder::new().name("ampeg run".into());
        let end = Arc::new(End::default());
        let announce_end = AnnounceEnd(Arc::clone(&end));
        let thread = thread.spawn(move || {
            let _announce_end = announce_end;
            caller.enter();
            shared.run(job)
        });
        let thread = thread.map_err(|error| {
            self.shared.crew.leave(&ticket);
            RunErrorKind::NoWorker(resources::refused(&error))
        })?;
        Ok(Run {
            values: PhantomData,
            canceller: Canceller {
                pool: Arc::downgrade(&self.shared),
                ticket,
            },
            thread: Some(thread),
            end,
        })
    }
}

impl fmt::Debug for PoolState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolState")
            .field("processors", &self.plans.processors)
            .finish_non_exhaustive()
    }
}

/// A run as it was asked for.
struct Job {
    definition: Arc<Definition>,
    planned: Planned,
    deadline: Option<Timeout>,
    ticket: Arc<Ticket>,
    /// Whether the thread that asked for the run follows it, and does nothing else meanwhile.
    is_awaited: bool,
    /// As long as this run is under way, the task that asked for it waits.
    _waiting: Waiting,
}

impl Keeper for PoolState {
    fn release(&self) {
        // A run that has the crew does this at its end.
        if let Some(mut crew) = self.crew.try_take() {
            crew.unload_gone();
        }
    }
}

impl PoolState {
    /// Plans a run of a graph, whose time runs from now on, and puts it in the queue.
    fn job(
        self: &Arc<Self>,
        definition: &Arc<Definition>,
        schedule: Option<&Schedule>,
    ) -> Result<Job, Error> {
        let keeper = Arc::downgrade(self);
        definition.captures.tell_when_gone(keeper);
        Ok(Job {
            definition: Arc::clone(definition),
            deadline: self.timeout.and_then(Timeout::begin),
            _waiting: Waiting::on(self.id)?,
            planned: self.plans.get(definition, schedule)?,
            ticket: self.crew.join(),
            is_awaited: true,
        })
    }

    fn run(&self, job: Job) -> Result<Done, Error> {
        let (deadline, plan) = (job.deadline, &job.planned.plan);
        let end = deadline.map(|it| it.end);
        let (results, log) = if let Some(mut crew) = self.crew.take(&job.ticket, end) {
            let cancelled = job.ticket.cancelled();
            let bounds = Bounds {
                deadline,
                cancelled,
                max_failures: self.max_failures,
                prints: job.is_awaited,
            };
            crew.run(&job.definition, plan, Some(&job.planned.schedule), bounds)?
        } else {
            let is_cancelled = job.ticket.cancelled().load(Ordering::Acquire);
            let deadline = deadline.filter(|_| !is_cancelled);
            let timeout = deadline.map(|it| it.limit);
            (all_cancelled(&job.definition, timeout), Log::default())
        };
        let report = Report::new(&job.definition.task_graph, job.planned.schedule, log);
        if let Some(trace) = &self.trace
            && !report.attempts().is_empty()
        {
            trace.write(&report);
        }
        Ok(Done {
            report,
            definition: job.definition,
            results,
        })
    }
}

/// The results of a run that never had its turn.
fn all_cancelled(
    definition: &Definition,
    timeout: Option<Duration>,
) -> Vec<Option<Result<Payload, TaskError>>> {
    let tasks = (0..definition.tasks.len()).map(TaskId::new);
    let error = |task| {
        let error = definition.blame(task, 1, TaskErrorKind::Cancelled);
        error.cancelled_by(timeout)
    };
    tasks.map(|task| Some(Err(error(task)))).collect()
}

/// A run that is over, not yet typed.
struct Done {
    definition: Arc<Definition>,
    results: Vec<Option<Result<Payload, TaskError>>>,
    report: Report,
}

impl Done {
    fn outcome<V: Values>(self) -> V::Outcome {
        V::outcome(&mut Results::new(
            &self.definition,
            self.results,
            self.report,
        ))
    }
}
