//! The verbs that run a graph: [`Graph::run`], and [`Pool`] for more than one run.

use crate::crew::{Bounds, Crew};
use crate::definition::Definition;
use crate::error::Error;
use crate::outcome::{Outcome, Results};
use crate::prepared::{PlanCache, Planned};
use crate::program::Graph;
use crate::report::Report;
use crate::run_error::RunErrorKind;
use crate::schedule::{Policy, Processors, Schedule, Scheduler};
use crate::transport::Cluster;
use crate::transport::ipc::IpcCluster;
use crate::transport::local::LocalCluster;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

#[cfg(test)]
mod tests;

impl<O> Graph<O> {
    /// Runs the graph on this many worker processes, which are started for it and end with it.
    ///
    /// No more are started than the graph has tasks.
    /// To run several graphs, or one several times, a [`Pool`] saves starting them anew.
    ///
    /// # Errors
    ///
    /// If `processes` is 0, the graph has no valid costs or captures, or no process could be started.
    /// A task that fails is no error of the run: it is in the outcome.
    ///
    /// ```
    /// let graph = ampeg::graph! { a = 20 + 1; b = a * 2; };
    /// assert_eq!(graph.run(2)?.b, Ok(42));
    /// assert!(graph.run(0).is_err());
    /// # Ok::<(), ampeg::Error>(())
    /// ```
    pub fn run(&self, processes: usize) -> Result<Outcome<O>, Error> {
        let n_tasks = self.task_graph()?.n_tasks();
        if processes > 0 && n_tasks == 0 {
            return self.run_inline();
        }
        Pool::new(processes.min(n_tasks))?.run(self)
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
/// Several threads may run graphs on one pool; the runs follow one another.
/// Clones stand for the same workers, which end with the last clone.
/// A worker that dies is replaced at once during a run, and else before the next.
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
pub struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    crew: Mutex<Crew>,
    /// Kept outside the lock, which a run holds for as long as it takes.
    waker: Arc<dyn Fn() + Send + Sync>,
    plans: PlanCache,
    timeout: Option<Duration>,
}

impl Pool {
    /// Starts this many worker processes.
    ///
    /// # Errors
    ///
    /// If `processes` is 0, or a process could not be started.
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
    /// If the graph has no valid costs or captures, or a worker that is missing could not be started again.
    /// A task that fails is no error of the run: it is in the outcome.
    pub fn run<O>(&self, graph: &Graph<O>) -> Result<Outcome<O>, Error> {
        let definition = graph.definition()?;
        let prepared = self.shared.plans.get(definition, None)?;
        self.run_prepared(graph, &prepared)
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
    pub fn run_schedule<O>(
        &self,
        graph: &Graph<O>,
        schedule: &Schedule,
    ) -> Result<Outcome<O>, Error> {
        let definition = graph.definition()?;
        let prepared = self.shared.plans.get(definition, Some(schedule))?;
        self.run_prepared(graph, &prepared)
    }

    fn run_prepared<O>(&self, graph: &Graph<O>, prepared: &Planned) -> Result<Outcome<O>, Error> {
        let definition = graph.definition()?;
        let finished = self
            .shared
            .run(definition, prepared, &AtomicBool::new(false))?;
        Ok(finished.collect(graph))
    }

    /// Starts to run a graph and returns at once.
    ///
    /// # Errors
    ///
    /// If the graph has no valid costs or captures, or no thread could be started.
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
    pub fn start<O>(&self, graph: &Graph<O>) -> Result<Run<O>, Error> {
        let definition = Arc::clone(graph.definition()?);
        let prepared = self.shared.plans.get(&definition, None)?;
        let cancelled = Arc::new(AtomicBool::new(false));
        let waker = Arc::clone(&self.shared.waker);
        let (shared, flag) = (Arc::clone(&self.shared), Arc::clone(&cancelled));
        let thread = std::thread::Builder::new().name("ampeg run".into());
        let thread = thread.spawn(move || shared.run(&definition, &prepared, &flag));
        Ok(Run {
            graph: graph.clone(),
            cancelled,
            waker,
            thread: Some(thread.map_err(|error| RunErrorKind::NoWorker(error.to_string()))?),
        })
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("processors", &self.plans.processors)
            .field("policy", &self.plans.policy)
            .finish_non_exhaustive()
    }
}

impl Shared {
    fn run(
        &self,
        definition: &Arc<Definition>,
        prepared: &Planned,
        cancelled: &AtomicBool,
    ) -> Result<Done, Error> {
        let bounds = Bounds {
            deadline: self
                .timeout
                .and_then(|timeout| Instant::now().checked_add(timeout)),
            cancelled,
        };
        let (results, log) = self.lock().run(definition, &prepared.plan, bounds)?;
        Ok(Done {
            definition: Arc::clone(definition),
            results,
            report: Report::new(&definition.task_graph, Arc::clone(&prepared.schedule), log),
        })
    }

    /// The crew; if a run panicked, which is a mistake in this crate, it is still as usable as after any other run.
    fn lock(&self) -> std::sync::MutexGuard<'_, Crew> {
        self.crew.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A run that is over, not yet typed.
struct Done {
    definition: Arc<Definition>,
    results: Vec<Option<Result<crate::payload::Payload, crate::failure::TaskError>>>,
    report: Report,
}

impl Done {
    fn collect<O>(self, graph: &Graph<O>) -> Outcome<O> {
        let mut results = Results::new(&self.definition, self.results);
        Outcome::new(graph.collect(&mut results), self.report)
    }
}

/// The settings of a [`Pool`].
///
/// ```
/// use ampeg::{Policy, Pool, graph};
/// use std::time::Duration;
///
/// let pool = Pool::builder()
///     .processes(2)
///     .speeds([1.0, 2.0]) // the second worker is said to be twice as fast
///     .policy(Policy::Fast)
///     .timeout(Duration::from_secs(600))
///     .build()?;
/// assert_eq!(pool.run(&graph! { a = 1; b = a + 1; })?.b, Ok(2));
/// assert!(Pool::builder().processes(0).build().is_err());
/// # Ok::<(), ampeg::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `build`"]
pub struct PoolBuilder {
    /// One for each processor of the system, unless told.
    workers: Option<usize>,
    threads: bool,
    speeds: Option<Vec<f64>>,
    policy: Policy,
    timeout: Option<Duration>,
    backoff: Duration,
    memory_limit: Option<u64>,
}

impl Default for PoolBuilder {
    fn default() -> Self {
        Self {
            workers: None,
            threads: false,
            speeds: None,
            policy: Policy::default(),
            timeout: None,
            backoff: Duration::ZERO,
            memory_limit: None,
        }
    }
}

impl PoolBuilder {
    /// This many worker processes; unless told, one for each processor that the system has for this program.
    pub fn processes(mut self, processes: usize) -> Self {
        self.workers = Some(processes);
        self.threads = false;
        self
    }

    /// This many threads of this process instead of worker processes.
    ///
    /// For debuggers, and for tasks that are known to be thread-safe and not to crash:
    /// a task that aborts takes the program, and a running task cannot be ended early.
    /// Values still travel as bytes.
    pub fn threads(mut self, threads: usize) -> Self {
        self.workers = Some(threads);
        self.threads = true;
        self
    }

    /// The relative speed of each worker, for the schedule; unless told, all are equal.
    pub fn speeds(mut self, speeds: impl IntoIterator<Item = f64>) -> Self {
        self.speeds = Some(speeds.into_iter().collect());
        self
    }

    /// How graphs are scheduled.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// How long a whole run may take; what is unfinished then ends as cancelled.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// What to wait before a task with a `retry` clause is tried for the second time; twice as long before the third,
    /// and so on. Unless told, it is tried again at once.
    ///
    /// Its worker does nothing else in the meantime.
    pub fn retry_backoff(mut self, backoff: Duration) -> Self {
        self.backoff = backoff;
        self
    }

    /// How many bytes of address space each worker process may use.
    ///
    /// A task that needs more fails to get it, which ends most programs: it crashes, alone.
    /// Address space is more than memory in use: allow some hundred megabytes beyond what a task needs, for the
    /// program itself, its threads and its allocator.
    /// Threads have no limit of their own, and neither have systems other than Unix.
    pub fn memory_limit(mut self, bytes: u64) -> Self {
        self.memory_limit = Some(bytes);
        self
    }

    /// Starts the workers.
    ///
    /// # Errors
    ///
    /// If there are to be none, a speed is out of range or there is not one for each worker,
    /// or a worker could not be started.
    pub fn build(self) -> Result<Pool, Error> {
        // To ask the system takes longer than a short run, and is done only if it must be.
        let present = || std::thread::available_parallelism().map_or(1, usize::from);
        let workers = self.workers.unwrap_or_else(present);
        if workers == 0 {
            return Err(RunErrorKind::NoProcesses.into());
        }
        let processors = match self.speeds {
            Some(speeds) if speeds.len() != workers => {
                return Err(RunErrorKind::Speeds {
                    given: speeds.len(),
                    workers,
                }
                .into());
            }
            Some(speeds) => Processors::with_speeds(speeds)?,
            None => Processors::new(workers)?,
        };
        let cluster: Box<dyn Cluster> = if self.threads {
            Box::new(LocalCluster::start(workers)?)
        } else {
            Box::new(IpcCluster::start(workers, self.memory_limit)?)
        };
        let crew = Crew::new(cluster);
        Ok(Pool {
            shared: Arc::new(Shared {
                waker: crew.waker().into(),
                crew: Mutex::new(crew),
                plans: PlanCache::new(processors, self.policy, self.backoff),
                timeout: self.timeout,
            }),
        })
    }
}

/// A run under way; dropped, it is cancelled.
pub struct Run<O> {
    graph: Graph<O>,
    cancelled: Arc<AtomicBool>,
    waker: Arc<dyn Fn() + Send + Sync>,
    thread: Option<JoinHandle<Result<Done, Error>>>,
}

impl<O> fmt::Debug for Run<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("is_finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}

impl<O> Run<O> {
    /// Ends the run: tasks that are running are killed, and what has no result yet ends as cancelled.
    ///
    /// Results that exist already are kept. On threads, running tasks are left to finish.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
        (self.waker)();
    }

    /// Whether [`wait`](Self::wait) would return at once.
    pub fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Waits for the end of the run.
    ///
    /// # Errors
    ///
    /// As [`Pool::run`].
    pub fn wait(mut self) -> Result<Outcome<O>, Error> {
        let thread = self.thread.take();
        let done = thread.map_or_else(
            || Err(RunErrorKind::Cancelled.into()),
            |thread| {
                thread
                    .join()
                    .unwrap_or_else(|_| Err(RunErrorKind::Cancelled.into()))
            },
        )?;
        Ok(done.collect(&self.graph))
    }
}

impl<O> Drop for Run<O> {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.cancel();
            // Whatever came of it, nobody asks any more.
            let _ = thread.join();
        }
    }
}
