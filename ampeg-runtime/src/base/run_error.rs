//! The reasons why a graph could not be run.

use crate::base::failure::Location;
use ampeg_schedule::{Error, ErrorKind};
use std::fmt;
use std::path::PathBuf;

#[derive(Debug, Clone)]
pub(crate) enum RunErrorKind {
    /// The number of workers is 0.
    NoProcesses,
    /// A worker could not be started.
    NoWorker(String),
    /// A worker thread could not be started.
    NoThread(String),
    /// Why no worker could call the function of `on_worker_start`.
    StartFunction(String),
    /// Why no worker could call the function of `retry_if`.
    RetryFunction(String),
    /// A setting of processes was used for threads.
    ThreadsShare,
    Directory {
        directory: PathBuf,
        reason: String,
    },
    /// Worker processes cannot find the graph, because a dynamic library declares it.
    Elsewhere,
    /// A schedule has more processors than a pool has workers.
    TooFewWorkers {
        needed: usize,
        present: usize,
    },
    /// The number of speeds differs from the number of workers.
    Speeds {
        given: usize,
        workers: usize,
    },
    /// `max_failures` is 0.
    NoFailures,
    /// The value of the variable `AMPEG_WORKERS` is not a number of workers.
    WorkersVariable {
        value: String,
        most: usize,
    },
    /// The value of an environment variable cannot be used, for this reason.
    Variable {
        name: &'static str,
        why: String,
    },
    /// More workers than a pool can have.
    TooManyWorkers {
        workers: usize,
        most: usize,
    },
    /// Workers would be allowed more memory than the system allows.
    MemoryLimit {
        asked: u64,
        most: u64,
    },
    /// A pool that would be started inside too many others.
    TooDeep {
        deepest: u32,
    },
    /// A task would wait for a run that waits for this task: the run needs the pool that runs the task, either
    /// directly or because a run on another pool waits for that pool.
    WaitsForItself {
        by_others: bool,
    },
    /// Workers cannot be reached any more.
    Lost(String),
    /// This process may not open enough files.
    TooFewDescriptors {
        workers: usize,
        needed: usize,
        left: usize,
        limit: Option<u64>,
    },
    /// Tasks are unfinished, but no event can follow. This is a bug in this crate.
    Stuck(String),
    /// No output has this name.
    UnknownOutput {
        name: String,
        /// Whether a task that is not an output has this name.
        is_task: bool,
        /// The first outputs.
        outputs: Vec<String>,
    },
    /// A value given for the result of a task cannot be used.
    GivenResult {
        task: String,
        reason: String,
    },
    /// A captured name could not be encoded.
    Capture {
        name: String,
        /// The first task that uses the name, and the location of the task.
        user: Option<(String, Location)>,
        reason: String,
    },
    /// A clause of a task has a value out of range.
    Clause {
        task: String,
        clause: &'static str,
        reason: String,
    },
}

impl RunErrorKind {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Capture { .. }
            | Self::Clause { .. }
            | Self::UnknownOutput { .. }
            | Self::GivenResult { .. } => ErrorKind::InvalidGraph,
            Self::TooFewWorkers { .. } => ErrorKind::InvalidSchedule,
            Self::NoProcesses
            | Self::ThreadsShare
            | Self::Directory { .. }
            | Self::Speeds { .. }
            | Self::NoFailures
            | Self::WorkersVariable { .. }
            | Self::TooManyWorkers { .. }
            | Self::MemoryLimit { .. }
            | Self::Variable { .. } => ErrorKind::InvalidSetting,
            Self::NoWorker(_)
            | Self::NoThread(_)
            | Self::StartFunction(_)
            | Self::RetryFunction(_)
            | Self::Elsewhere
            | Self::Lost(_)
            | Self::TooFewDescriptors { .. }
            | Self::Stuck(_) => ErrorKind::Workers,
            Self::TooDeep { .. } | Self::WaitsForItself { .. } => ErrorKind::Nesting,
        }
    }
}

impl From<RunErrorKind> for Error {
    fn from(kind: RunErrorKind) -> Self {
        Self::of(kind.kind(), kind)
    }
}

impl fmt::Display for RunErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProcesses => f.write_str("a graph cannot be run on 0 processes: give at least 1"),
            Self::StartFunction(reason) => {
                write!(f, "the function of `on_worker_start` cannot be used: {reason}")
            }
            Self::RetryFunction(reason) => {
                write!(f, "the function of `retry_if` cannot be used: {reason}")
            }
            Self::ThreadsShare => f.write_str(
                "`env`, `current_dir` and `end_children` are settings of worker processes; worker threads are part of the program",
            ),
            Self::Directory { directory, reason } => write!(
                f,
                "workers cannot use the working directory `{}`: {reason}",
                directory.display()
            ),
            Self::UnknownOutput {
                name,
                is_task,
                outputs,
            } => write_unknown_output(f, name, *is_task, outputs),
            Self::GivenResult { task, reason } => {
                write!(f, "the value for `{task}` cannot be used: {reason}")
            }
            Self::NoThread(reason) => write!(f, "a worker thread could not be started: {reason}"),
            Self::NoWorker(reason) => write!(f, "a worker process could not be started: {reason}"),
            Self::Elsewhere => f.write_str(
                "the graph is declared in a dynamic library, where worker processes cannot find it: \
                 declare it in the executable, or run it with `run_inline` or on threads",
            ),
            Self::TooFewWorkers { needed, present } => write!(
                f,
                "the schedule needs {needed} workers, but the pool has {present}"
            ),
            Self::Speeds { given, workers } => {
                write!(f, "{given} speeds are given for {workers} workers")
            }
            Self::NoFailures => {
                f.write_str("`max_failures` is 0: give at least 1, which ends a run at the first failure")
            }
            Self::WorkersVariable { value, most } => write!(
                f,
                "the environment variable `AMPEG_WORKERS` is `{value}`, but must be a number from 1 to {most}"
            ),
            Self::Variable { name, why } => write!(f, "the environment variable `{name}` {why}"),
            Self::TooManyWorkers { workers, most } => write!(
                f,
                "a pool cannot have {workers} workers, but at most {most}"
            ),
            Self::MemoryLimit { asked, most } => write!(
                f,
                "`memory_limit` is {asked} bytes of address space for each worker, but the system allows this program \
                 at most {most}, as `ulimit -Hv` says: give less"
            ),
            Self::TooDeep { deepest } => write!(
                f,
                "graphs are nested {deepest} deep: a task runs a graph, whose task runs a graph, and so on; \
                 if that is meant, run the inner ones with `run_inline`"
            ),
            Self::WaitsForItself { by_others } => {
                f.write_str(if *by_others {
                    "this pool is running a task that waits, by way of other pools, for the task that calls it"
                } else {
                    "this pool is running the task that calls it"
                })?;
                f.write_str(
                    ": its runs follow one another, so that both would wait for ever; \
                     give the task a pool of its own, or run the graph with `run_inline`",
                )
            }
            Self::Lost(reason) => write!(f, "the connection to the workers is lost: {reason}"),
            Self::TooFewDescriptors {
                workers,
                needed,
                left,
                limit,
            } => {
                write_descriptors(f, *workers, (*needed, *left, *limit))
            }
            Self::Stuck(state) => write!(
                f,
                "the run cannot go on, which is a mistake in ampeg, please report it: {state}"
            ),
            Self::Capture { name, user, reason } => {
                write!(f, "the value of `{name}`")?;
                if let Some((task, location)) = user {
                    write!(f, ", which task `{task}` uses ({location}),")?;
                }
                write!(
                    f,
                    " cannot be sent to workers: it is {reason}; \
                     make it inside the task, or capture what it is made of"
                )
            }
            Self::Clause {
                task,
                clause,
                reason,
            } => write!(f, "`{clause}` of task `{task}`: {reason}"),
        }
    }
}

fn write_unknown_output(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    is_task: bool,
    outputs: &[String],
) -> fmt::Result {
    if is_task {
        return write!(
            f,
            "`{name}` is a task but not an output: write `pub` before it in the graph"
        );
    }
    let outputs: Vec<_> = outputs.iter().map(|name| format!("`{name}`")).collect();
    write!(
        f,
        "no output is named `{name}`: the outputs are {}",
        outputs.join(", ")
    )
}

fn write_descriptors(
    f: &mut fmt::Formatter<'_>,
    workers: usize,
    (needed, left, limit): (usize, usize, Option<u64>),
) -> fmt::Result {
    let processes = if workers == 1 { "process" } else { "processes" };
    write!(
        f,
        "starting {workers} worker {processes} takes {needed} open files, and {left}"
    )?;
    if let Some(limit) = limit {
        write!(f, " of {limit}")?;
    }
    f.write_str(" are left to this program: close some, or allow more, as with `ulimit -n`")
}
