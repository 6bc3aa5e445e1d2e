//! The settings of a pool, and its start: [`PoolBuilder`].

use super::turn::Turns;
use super::{Pool, Shared};
use crate::base::error::Error;
use crate::base::run_error::RunErrorKind;
use crate::plan::prepared::PlanCache;
use crate::run::caller::{Caller, PoolId};
use crate::run::cluster::Cluster;
use crate::run::crew::Crew;
use crate::schedule::{Policy, Processors};
use crate::sys::resources::{self, WorkerLimits};
use crate::sys::thread;
use crate::transport::ipc::IpcCluster;
use crate::transport::local::LocalCluster;
use std::sync::Arc;
use std::time::Duration;

/// More workers are no pool that a machine could have, but most likely a number below zero that went round.
pub(crate) const MOST_WORKERS: usize = 1 << 16;

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
    limits: WorkerLimits,
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
            limits: WorkerLimits::default(),
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
        // One too many is kept, for `build` to see.
        self.speeds = Some(speeds.into_iter().take(MOST_WORKERS + 1).collect());
        self
    }

    /// How graphs are scheduled.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// How long a whole run may take; what is unfinished then ends as cancelled.
    ///
    /// The time counts from the call of [`run`](Pool::run) or [`start`](Pool::start): it takes in the scheduling of the
    /// graph, and the wait for earlier runs on the same pool.
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
    /// A task that needs more fails to get it, which ends most programs: it crashes, alone, and its error names this
    /// limit.
    /// Address space is more than memory in use: allow some hundred megabytes beyond what a task needs, for the
    /// program itself, its threads and its allocator.
    /// Threads have no limit of their own, and neither have systems other than Unix.
    pub fn memory_limit(mut self, bytes: u64) -> Self {
        self.limits.memory = Some(bytes);
        self
    }

    /// How many bytes of stack each task has: for deep recursion.
    ///
    /// Unless told, tasks have as much as the main thread of a program, which `ulimit -s` says and is usually 8 MB: on
    /// worker processes, in whose main threads they run, and on worker threads, if the variable `RUST_MIN_STACK` is
    /// not set. With [`run_inline`](crate::Graph::run_inline) they have the stack of the calling thread.
    ///
    /// If told, tasks of a worker process run in another thread than its main thread. A stack counts as address space
    /// for [`memory_limit`](Self::memory_limit); as memory, only what is used of it.
    ///
    /// ```
    /// use ampeg::{Pool, graph};
    ///
    /// fn depth(n: u64) -> u64 {
    ///     let frame = std::hint::black_box([n; 32]);
    ///     if n == 0 { 0 } else { depth(n - 1) + frame[0] - n + 1 }
    /// }
    ///
    /// let pool = Pool::builder().processes(1).stack_size(512 << 20).build()?;
    /// assert_eq!(pool.run(&graph! { deep = depth(200_000); })?.deep, Ok(200_000));
    /// # Ok::<(), ampeg::Error>(())
    /// ```
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.limits.stack = Some(bytes);
        self
    }

    /// Starts the workers.
    ///
    /// # Errors
    ///
    /// If there are to be none or more than 65,536, a speed is out of range or there is not one for each worker,
    /// `memory_limit` is more than the system allows this program, a worker could not be started, or this is called by a task inside of ten pools.
    pub fn build(self) -> Result<Pool, Error> {
        // To ask the system takes longer than a short run, and is done only if it must be.
        let present = || std::thread::available_parallelism().map_or(1, usize::from);
        let workers = self.workers.unwrap_or_else(present);
        if workers == 0 {
            return Err(RunErrorKind::NoProcesses.into());
        }
        if workers > MOST_WORKERS {
            let most = MOST_WORKERS;
            return Err(RunErrorKind::TooManyWorkers { workers, most }.into());
        }
        if let (Some(asked), Some(most)) = (self.limits.memory, resources::most_memory())
            && asked > most
            && !self.threads
        {
            return Err(RunErrorKind::MemoryLimit { asked, most }.into());
        }
        let id = PoolId::next();
        let tasks = Caller::here().of_tasks(id)?;
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
            let stack = self.limits.stack.or_else(resources::stack_of_tasks);
            Box::new(LocalCluster::start(workers, tasks, stack)?)
        } else {
            let limits = self.limits;
            Box::new(thread::with_locals(move || {
                IpcCluster::start(workers, limits)
            })?)
        };
        let crew = Crew::new(cluster);
        Ok(Pool {
            shared: Arc::new(Shared {
                id,
                waker: crew.waker(),
                crew: Turns::new(crew),
                plans: PlanCache::new(processors, self.policy, self.backoff),
                timeout: self.timeout,
            }),
        })
    }
}
