//! Sets up and starts a pool: [`PoolBuilder`].

use super::turn::Turns;
use super::{Pool, PoolState};
use crate::api::progress;
use crate::api::trace::TraceFile;
use crate::base::failure::TaskErrorKind;
use crate::base::run_error::RunErrorKind;
use crate::plan::prepared::{AnyScheduler, PlanCache};
use crate::plan::retry::{Predicate, Retry};
use crate::run::caller::{Caller, PoolId};
use crate::run::cluster::Cluster;
use crate::run::crew::Crew;
use crate::run::event::Observer;
use crate::run::log::Observers;
use crate::sys::{FunctionAddress, resources, thread};
use crate::transport::ipc::IpcCluster;
use crate::transport::local::LocalCluster;
use crate::transport::setup::{Hook, Output, Setup};
use ampeg_schedule::Error;
use ampeg_schedule::{Policy, Processors, Scheduler};
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// No machine can run more workers. A larger number is most likely a negative one that has wrapped around.
pub(crate) const MOST_WORKERS: usize = 1 << 16;

/// The settings of a [`Pool`].
///
/// ```
/// use ampeg::{Policy, Pool, graph};
/// use std::time::Duration;
///
/// let pool = Pool::builder()
///     .processes(2)
///     .speeds([1.0, 2.0]) // the schedule assumes that the second worker is twice as fast
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
    /// By default one for each available processor.
    workers: Option<usize>,
    threads: bool,
    speeds: Option<Vec<f64>>,
    policy: AnyScheduler,
    timeout: Option<Duration>,
    max_failures: Option<usize>,
    backoff: Duration,
    retry_if: Option<Predicate>,
    setup: Setup,
    hook: Option<Result<Hook, String>>,
    observers: Observers,
    /// `None`: the environment decides.
    progress: Option<bool>,
    /// `None`: the environment decides.
    output: Option<Output>,
}

impl Default for PoolBuilder {
    fn default() -> Self {
        Self {
            workers: None,
            threads: false,
            speeds: None,
            policy: AnyScheduler(Arc::new(Policy::default())),
            timeout: None,
            max_failures: None,
            backoff: Duration::ZERO,
            retry_if: None,
            setup: Setup::default(),
            hook: None,
            observers: Observers::default(),
            progress: None,
            output: None,
        }
    }
}

/// The number of workers of a pool for which no number is set.
pub(super) fn default_workers() -> Result<usize, Error> {
    let Some(value) = std::env::var_os("AMPEG_WORKERS") else {
        return Ok(std::thread::available_parallelism().map_or(1, usize::from));
    };
    let workers = value.to_str().and_then(|value| value.trim().parse().ok());
    let is_possible = |workers: &usize| (1..=MOST_WORKERS).contains(workers);
    workers.filter(is_possible).ok_or_else(|| {
        let (value, most) = (value.to_string_lossy().into_owned(), MOST_WORKERS);
        RunErrorKind::WorkersVariable { value, most }.into()
    })
}

/// The treatment of output in a pool without a setting. The output of a graph in a task belongs to the task.
fn default_output() -> Result<Output, Error> {
    let value = std::env::var_os("AMPEG_OUTPUT").filter(|value| !value.is_empty());
    let Some(value) = value.filter(|_| Caller::here().depth == 0) else {
        return Ok(Output::Inherited);
    };
    match value.to_str() {
        Some("inherited") => Ok(Output::Inherited),
        Some("tagged") => Ok(Output::Tagged),
        Some("captured") => Ok(Output::Captured),
        _ => {
            let value = value.to_string_lossy();
            let why = format!("is `{value}`, but must be `inherited`, `tagged` or `captured`");
            let name = "AMPEG_OUTPUT";
            Err(RunErrorKind::Variable { name, why }.into())
        }
    }
}

impl PoolBuilder {
    /// Sets the number of worker processes. The later of `processes` and [`threads`](Self::threads) counts.
    ///
    /// The default is the value of the environment variable `AMPEG_WORKERS`, or else the number of processors that the
    /// program may use: on Linux, the affinity of the process and the quota of its cgroup count.
    pub fn processes(mut self, processes: usize) -> Self {
        self.workers = Some(processes);
        self.threads = false;
        self
    }

    /// Runs tasks on this many threads of this process instead of worker processes.
    ///
    /// Use it in a debugger, or for tasks that are thread-safe and do not crash: a task that aborts ends the program,
    /// and a running task cannot be ended early. Values are still encoded when they go to another thread.
    pub fn threads(mut self, threads: usize) -> Self {
        self.workers = Some(threads);
        self.threads = true;
        self
    }

    /// Sets the relative speed of each worker, which the schedule uses. By default all workers are equally fast.
    pub fn speeds(mut self, speeds: impl IntoIterator<Item = f64>) -> Self {
        // Keeps one speed more than the maximum, so that `build` finds the error.
        self.speeds = Some(speeds.into_iter().take(MOST_WORKERS + 1).collect());
        self
    }

    /// Sets the scheduler of graphs: a [`Policy`], a [`Search`](crate::schedule::Search), or a scheduler of one's own.
    ///
    /// A schedule that is not valid for the graph is an error of the run.
    ///
    /// ```
    /// use ampeg::{Error, Policy, Pool, Processors, Schedule, Scheduler, TaskGraph, graph};
    ///
    /// /// Runs all tasks on the first worker.
    /// struct OnOneWorker;
    ///
    /// impl Scheduler for OnOneWorker {
    ///     fn schedule(&self, graph: &TaskGraph, processors: &Processors) -> Result<Schedule, Error> {
    ///         let mut lists = vec![Vec::new(); processors.len()];
    ///         lists[0] = graph.topological_order().to_vec();
    ///         Schedule::from_order(graph, processors, &lists)
    ///     }
    /// }
    ///
    /// let pool = Pool::builder().processes(2).policy(OnOneWorker).build()?;
    /// let outcome = pool.run(&graph! { a = std::process::id(); b = std::process::id(); })?;
    /// assert_eq!(outcome.a, outcome.b);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn policy(mut self, policy: impl Scheduler + Send + Sync + 'static) -> Self {
        self.policy = AnyScheduler(Arc::new(policy));
        self
    }

    /// Limits the duration of each run. When it is over, unfinished tasks end as
    /// [`Cancelled`](crate::TaskErrorKind::Cancelled), and their errors name the limit; results that exist are kept.
    ///
    /// The time counts from the call of [`run`](Pool::run) or [`start`](Pool::start). It includes the scheduling of the
    /// graph, and the wait for earlier runs on the same pool.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Ends each run as soon as this many tasks have failed. By default a run goes on, whatever fails.
    ///
    /// With 1, the first failure ends the run. Only a task that has no attempt left counts, and a task that is not run
    /// because of a failed dependency does not count. Unfinished tasks end as
    /// [`Cancelled`](crate::TaskErrorKind::Cancelled); results that exist are kept. Two tasks that fail at the same time
    /// may both be in the outcome.
    ///
    /// ```
    /// use ampeg::{Pool, TaskErrorKind, graph};
    /// use std::time::Duration;
    ///
    /// let pool = Pool::builder().processes(2).max_failures(1).build()?;
    /// let outcome = pool.run(&graph! {
    ///     bad: u8 = "x".parse()?;
    ///     long = std::thread::sleep(Duration::from_secs(3600));
    /// })?;
    /// assert!(matches!(outcome.bad.unwrap_err().kind(), TaskErrorKind::Failed { .. }));
    /// assert_eq!(outcome.long.unwrap_err().kind(), &TaskErrorKind::Cancelled);
    /// # Ok::<(), ampeg::Error>(())
    /// ```
    pub fn max_failures(mut self, failures: usize) -> Self {
        self.max_failures = Some(failures);
        self
    }

    /// Sets the wait before the second attempt of a task with a `retry` clause. The wait doubles before each further
    /// attempt. By default there is no wait.
    ///
    /// The worker of the task does nothing else in the meantime.
    pub fn retry_backoff(mut self, backoff: Duration) -> Self {
        self.backoff = backoff;
        self
    }

    /// Sets which errors are followed by another attempt at a task with a `retry` clause. By default, all are.
    /// [`NotDeliverable`](TaskErrorKind::NotDeliverable) never is.
    ///
    /// The function runs in the worker of the task. After a crash or an exceeded time limit, it runs in this program.
    /// If it panics, there is no further attempt.
    ///
    /// ```
    /// use ampeg::{Pool, TaskErrorKind, graph};
    ///
    /// // Only errors that may not occur in another attempt.
    /// fn is_worth_it(error: &TaskErrorKind) -> bool {
    ///     matches!(error, TaskErrorKind::Crashed { .. } | TaskErrorKind::TimedOut { .. })
    /// }
    ///
    /// let pool = Pool::builder().processes(1).retry_if(is_worth_it).build()?;
    /// let graph = graph! {
    ///     wrong: u32 = "x".parse()? retry 9;
    ///     crash: u32 = std::process::abort() retry 1;
    /// };
    /// let outcome = pool.run(&graph)?;
    /// assert_eq!(outcome.wrong.unwrap_err().attempt(), 1);
    /// assert_eq!(outcome.crash.unwrap_err().attempt(), 2);
    /// # Ok::<(), ampeg::Error>(())
    /// ```
    pub fn retry_if(mut self, function: fn(&TaskErrorKind) -> bool) -> Self {
        self.retry_if = Some(function);
        self
    }

    /// Sends each event of each run to an observer, in addition to those that are set already.
    ///
    /// A run that ends while it waits for its turn has no events.
    ///
    /// ```
    /// use ampeg::{Event, Pool, graph};
    /// use std::sync::atomic::{AtomicUsize, Ordering};
    /// use std::sync::Arc;
    ///
    /// let ended = Arc::new(AtomicUsize::new(0));
    /// let counter = Arc::clone(&ended);
    /// let observer = move |event: &Event<'_>| {
    ///     if let Event::TaskEnded { .. } = event {
    ///         counter.fetch_add(1, Ordering::Relaxed);
    ///     }
    /// };
    /// let pool = Pool::builder().processes(2).observe(observer).build()?;
    /// let _ = pool.run(&graph! { a = 1; b = a + 1; })?;
    /// assert_eq!(ended.load(Ordering::Relaxed), 2);
    /// # Ok::<(), ampeg::Error>(())
    /// ```
    pub fn observe(mut self, observer: impl Observer + 'static) -> Self {
        self.observers.add(observer);
        self
    }

    /// Sets the treatment of the output of tasks. The default is the value of the environment variable `AMPEG_OUTPUT`
    /// (`inherited`, `tagged` or `captured`), or else [`Inherited`](Output::Inherited).
    ///
    /// With a setting other than `Inherited`, a worker writes a mark to its streams before each task, which takes about
    /// 2 µs. Output of other threads of a worker counts as output of the task that began last.
    /// The setting has no effect on worker threads, which print directly.
    ///
    /// ```
    /// use ampeg::{Output, Pool, graph};
    ///
    /// let pool = Pool::builder().processes(2).output(Output::Captured).build()?;
    /// let graph = graph! { answer = { println!("computing"); 42 }; };
    /// let outcome = pool.run(&graph)?;
    /// let answer = outcome.report().task_graph().find("answer").expect("it is declared");
    /// assert_eq!(outcome.report().output(answer), "computing\n");
    /// # Ok::<(), ampeg::Error>(())
    /// ```
    pub fn output(mut self, output: Output) -> Self {
        self.output = Some(output);
        self
    }

    /// Sets whether runs show their progress on stderr: as bars on a terminal, or else as plain lines at intervals.
    ///
    /// By default the environment variable `AMPEG_PROGRESS` decides: with `1`, all runs of a program show their progress.
    /// The page `ampeg::watching` describes the display. This method needs the cargo feature `progress`.
    ///
    /// ```
    /// use ampeg::{Pool, graph};
    /// use std::time::Duration;
    ///
    /// let pool = Pool::builder().processes(2).progress(true).build()?;
    /// let graph = graph! {
    ///     part[i in 0..20] = std::thread::sleep(Duration::from_millis(100 * (i % 2)));
    ///     sum = part.len();
    /// };
    /// assert_eq!(pool.run(&graph)?.sum, Ok(20));
    /// # Ok::<(), ampeg::Error>(())
    /// ```
    #[cfg(feature = "progress")]
    pub fn progress(mut self, show: bool) -> Self {
        self.progress = Some(show);
        self
    }

    /// Limits the address space of each worker process, in bytes.
    ///
    /// An allocation beyond the limit fails, which crashes most tasks. Only that task fails, and its error names the
    /// limit.
    /// Address space is more than memory in use: allow some hundred megabytes more than a task needs, for the program
    /// itself, its threads and its allocator.
    /// The limit has no effect on worker threads, nor on systems other than Unix.
    pub fn memory_limit(mut self, bytes: u64) -> Self {
        self.setup.limits.memory = Some(bytes);
        self
    }

    /// Sets the stack size of tasks, in bytes, for deep recursion.
    ///
    /// By default the stack of a task is as large as that of a main thread (`ulimit -s`, usually 8 MB), on worker
    /// processes and on worker threads. The variable `RUST_MIN_STACK` changes it for worker threads.
    /// [`run_inline`](crate::Graph::run_inline) runs tasks on the stack of the calling thread.
    ///
    /// With this setting, a worker process runs its tasks in a thread other than its main thread. The whole stack
    /// counts as address space for [`memory_limit`](Self::memory_limit); only the used part takes memory.
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
        self.setup.limits.stack = Some(bytes);
        self
    }

    /// Sets a function that each worker runs before its first task, also a worker that replaces another.
    ///
    /// Use it to set up things that a worker process does not inherit from `main`: a logger, a configuration, a thread pool.
    /// The function runs on the main thread of the worker process, or on the worker thread. The first
    /// tasks wait for it. Its output is printed like the output of tasks.
    ///
    /// If it fails or panics, [`build`](Self::build) fails with its message. If that happens in a worker that replaces
    /// another, the tasks of that worker fail.
    ///
    /// It is a function or a closure that uses no variables, since it runs in another process.
    ///
    /// ```
    /// use ampeg::{Pool, graph};
    /// use std::sync::OnceLock;
    ///
    /// static TABLE: OnceLock<Vec<f64>> = OnceLock::new();
    ///
    /// fn load_table() -> Result<(), std::num::ParseFloatError> {
    ///     let table = "0.5 1.5".split(' ').map(str::parse).collect::<Result<_, _>>()?;
    ///     TABLE.get_or_init(|| table);
    ///     Ok(())
    /// }
    ///
    /// let pool = Pool::builder().processes(2).on_worker_start(load_table).build()?;
    /// let outcome = pool.run(&graph! { sum = TABLE.get().ok_or("no table")?.iter().sum::<f64>(); })?;
    /// assert_eq!(outcome.sum, Ok(2.0));
    ///
    /// let refused = Pool::builder().processes(1).on_worker_start(|| Err("no licence")).build();
    /// assert!(refused.unwrap_err().to_string().contains("no licence"));
    /// # Ok::<(), ampeg::Error>(())
    /// ```
    ///
    /// With `env_logger` it is `|| env_logger::try_init()`, with `tracing-subscriber`
    /// `|| tracing_subscriber::fmt().try_init()`, and with rayon
    /// `|| rayon::ThreadPoolBuilder::new().num_threads(1).build_global()`.
    pub fn on_worker_start<E: fmt::Display>(mut self, function: fn() -> Result<(), E>) -> Self {
        self.hook = Some(Hook::of(function));
        self
    }

    /// Sets an environment variable of the worker processes. By default they have those of this process.
    ///
    /// ```
    /// use ampeg::{Pool, graph};
    ///
    /// let pool = Pool::builder().processes(1).env("OMP_NUM_THREADS", "1").build()?;
    /// let outcome = pool.run(&graph! { threads = std::env::var("OMP_NUM_THREADS")?; })?;
    /// assert_eq!(outcome.threads?, "1");
    /// # Ok::<(), ampeg::Error>(())
    /// ```
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.setup.variables.push((name.into(), value.into()));
        self
    }

    /// Sets the working directory of the worker processes. By default it is that of this process.
    ///
    /// ```
    /// use ampeg::{Pool, graph};
    ///
    /// let folder = std::env::temp_dir();
    /// let pool = Pool::builder().processes(1).current_dir(&folder).build()?;
    /// let outcome = pool.run(&graph! { here = std::env::current_dir()?; })?;
    /// assert_eq!(outcome.here.unwrap(), folder.canonicalize().unwrap());
    /// # Ok::<(), ampeg::Error>(())
    /// ```
    pub fn current_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.setup.directory = Some(directory.into());
        self
    }

    /// Whether processes that tasks have started end with their worker, however it ends. By default they do not.
    ///
    /// Without this, a program that a task has started, as with [`Command`](std::process::Command), continues when the
    /// task's worker crashes or is killed because of a time limit or a cancel.
    ///
    /// With this, each worker leads a process group of its own. So Ctrl-C reaches only this program, whose end also ends its
    /// workers. Ctrl-Z stops only this program, and tasks continue.
    /// A process that creates its own process group or session does not end. The setting has no effect on Windows.
    ///
    /// ```
    /// use ampeg::{Pool, graph};
    /// use std::process::Command;
    /// use std::time::Duration;
    ///
    /// let pool = Pool::builder().processes(1).end_children(true).build()?;
    /// let graph = graph! {
    ///     slow = Command::new("sleep").arg("1000").status()?.success() within Duration::from_millis(100);
    /// };
    /// assert!(pool.run(&graph)?.slow.is_err()); // `sleep` is gone, too
    /// # Ok::<(), ampeg::Error>(())
    /// ```
    pub fn end_children(mut self, end: bool) -> Self {
        self.setup.leads_group = end;
        self
    }

    /// Starts the workers.
    ///
    /// # Errors
    ///
    /// Returns an error if
    /// - the number of workers is 0 or more than 65,536, or `AMPEG_WORKERS` is needed and is not such a number,
    /// - a speed is out of range, or the number of speeds is not the number of workers,
    /// - `memory_limit` is more than the system allows this program,
    /// - `max_failures` is 0,
    /// - `env`, `current_dir` or `end_children` is set for threads, or the directory cannot be read,
    /// - the function of `on_worker_start` fails, panics, or is part of a dynamic library,
    /// - `AMPEG_OUTPUT` is needed and has a value other than the three,
    /// - the file that `AMPEG_TRACE` names cannot be written,
    /// - a worker cannot be started,
    /// - a task calls this inside ten nested pools.
    pub fn build(self) -> Result<Pool, Error> {
        // The system call takes longer than a short run.
        let workers = self.workers.map_or_else(default_workers, Ok)?;
        if workers == 0 {
            return Err(RunErrorKind::NoProcesses.into());
        }
        if workers > MOST_WORKERS {
            let most = MOST_WORKERS;
            return Err(RunErrorKind::TooManyWorkers { workers, most }.into());
        }
        if self.max_failures == Some(0) {
            return Err(RunErrorKind::NoFailures.into());
        }
        if let (Some(asked), Some(most)) = (self.setup.limits.memory, resources::most_memory())
            && asked > most
            && !self.threads
        {
            return Err(RunErrorKind::MemoryLimit { asked, most }.into());
        }
        let is_for_processes = self.setup.directory.is_some()
            || !self.setup.variables.is_empty()
            || self.setup.leads_group;
        if self.threads && is_for_processes {
            return Err(RunErrorKind::ThreadsShare.into());
        }
        if let Some(directory) = &self.setup.directory
            && let Err(error) = std::fs::read_dir(directory)
        {
            let (directory, reason) = (directory.clone(), error.to_string());
            return Err(RunErrorKind::Directory { directory, reason }.into());
        }
        let only_if = self.retry_if.map(FunctionAddress::of).transpose();
        let retry = Retry {
            backoff: self.backoff,
            only_if: only_if.map_err(RunErrorKind::RetryFunction)?,
        };
        let trace = TraceFile::named()?;
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
        let mut setup = self.setup;
        setup.output = self.output.map_or_else(default_output, Ok)?;
        setup.hook = self.hook.transpose().map_err(RunErrorKind::StartFunction)?;
        let cluster: Box<dyn Cluster> = if self.threads {
            let stack = setup.limits.stack.or_else(resources::stack_of_tasks);
            Box::new(LocalCluster::start(workers, tasks, stack, setup.hook)?)
        } else {
            Box::new(thread::with_locals(move || {
                IpcCluster::start(workers, setup)
            })?)
        };
        let mut observers = self.observers;
        progress::add(self.progress, &mut observers);
        let crew = Crew::new(cluster).observed_by(observers.called_by(tasks));
        Ok(Pool {
            shared: Arc::new(PoolState {
                id,
                waker: crew.waker(),
                crew: Turns::new(crew),
                plans: PlanCache::new(processors, self.policy, retry),
                timeout: self.timeout,
                max_failures: self.max_failures,
                trace,
            }),
        })
    }
}
