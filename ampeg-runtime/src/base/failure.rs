//! The error of one task, which can be sent between processes: [`TaskError`].

use crate::base::bounded;
use crate::base::signal::signal_name;
use ampeg_schedule::{Error, ErrorKind};
use serde::{Deserialize, Serialize};
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The type into which `?` in the body of a task converts an error. It accepts any error that converts into a boxed
/// error.
pub struct Failure(Box<dyn StdError + Send + Sync>);

impl<E: Into<Box<dyn StdError + Send + Sync>>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Failure {
    /// The messages of the error and of its chain of sources, cut if they are long or have no end.
    pub(crate) fn into_kind(self) -> TaskErrorKind {
        let message = bounded::display(&self.0);
        let mut sources = Vec::new();
        let mut source = self.0.source();
        while let Some(error) = source {
            if sources.len() == MOST_SOURCES {
                sources.push("… and more".into());
                break;
            }
            sources.push(bounded::display_within(LONGEST_SOURCE, error));
            source = error.source();
        }
        TaskErrorKind::Failed { message, sources }
    }
}

/// The number of sources of an error that are kept. A chain of sources may be endless, since an error may be its own
/// source.
const MOST_SOURCES: usize = 32;
/// The longest message of a source in bytes.
const LONGEST_SOURCE: usize = bounded::LONGEST / MOST_SOURCES;

/// Where a task is declared in the source code.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Location {
    /// The file, as the compiler was given it.
    pub file: String,
    /// The line, from one.
    pub line: u32,
    /// The column, from one.
    pub column: u32,
}

/// The former name of [`Location`].
#[deprecated(since = "0.1.0", note = "write `Location`")]
pub type Place = Location;

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// Why one task has no result.
///
/// Tasks that depend on this task have no result either; all other tasks have theirs.
/// The message names the task, its location in the source, and what happened.
///
/// ```
/// use ampeg::{TaskErrorKind, graph};
///
/// let outcome = graph! {
///     number: i32 = "twelve".parse()?;
///     double = number * 2;
///     other = 5;
/// }
/// .run(2)?;
/// assert_eq!(outcome.other, Ok(5));
///
/// let error = outcome.double.as_ref().unwrap_err();
/// assert!(matches!(error.kind(), TaskErrorKind::DependencyFailed { .. }));
/// let root = error.root();
/// assert_eq!((root.task(), root.attempt()), ("number", 1));
/// assert!(root.location().is_some());
/// assert!(root.to_string().ends_with("failed: invalid digit found in string"));
/// # Ok::<(), ampeg::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskError {
    #[serde(with = "crate::base::arc")]
    inner: Arc<Inner>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Inner {
    task: String,
    location: Option<Location>,
    attempt: u32,
    kind: TaskErrorKind,
    /// The limit of the run that cancelled the task.
    run_timeout: Option<Duration>,
    /// The last lines that it wrote, if its output was captured.
    output: Option<String>,
}

/// What happened to a task.
///
/// ```
/// use ampeg::{TaskError, TaskErrorKind, graph};
/// use std::time::Duration;
///
/// fn advice(error: &TaskError) -> &'static str {
///     match error.root().kind() {
///         TaskErrorKind::Failed { .. } => "look at the input",
///         TaskErrorKind::Crashed { signal: Some(9), .. } => "is there enough memory?",
///         TaskErrorKind::Crashed { .. } | TaskErrorKind::Panicked { .. } => "report a bug",
///         TaskErrorKind::TimedOut { .. } => "give it more time",
///         _ => "try again",
///     }
/// }
///
/// let list: Vec<i32> = Vec::new();
/// let outcome = graph! {
///     first = list[0];
///     gone: u8 = std::process::abort();
///     slow = std::thread::sleep(Duration::from_secs(3600)) within Duration::from_millis(50);
/// }
/// .run(3)?;
/// assert_eq!(advice(outcome.first.as_ref().unwrap_err()), "report a bug");
/// assert_eq!(advice(outcome.slow.as_ref().unwrap_err()), "give it more time");
/// let TaskErrorKind::Crashed { signal, .. } = outcome.gone.as_ref().unwrap_err().kind() else {
///     panic!("it aborts");
/// };
/// assert_eq!(*signal, Some(6));
/// # Ok::<(), ampeg::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum TaskErrorKind {
    /// Its body returned an error through `?`.
    Failed {
        /// The message of the error, cut after 64 KiB.
        message: String,
        /// The messages of the error's sources, nearest first: at most 32, each cut after 2 KiB.
        sources: Vec<String>,
    },
    /// Its body panicked.
    Panicked {
        /// The message of the panic, if it was text, cut after 64 KiB.
        message: String,
        /// The location of the panic, as `file:line:column`, if known.
        location: Option<String>,
    },
    /// Its worker process died while running it.
    Crashed {
        /// The signal that killed the worker, if one did.
        signal: Option<i32>,
        /// The exit code of the worker, if it exited by itself.
        exit_code: Option<i32>,
        /// The last lines that the worker wrote to stderr, at most 16 KiB.
        ///
        /// They may come from a task that ended just before this one began.
        stderr: String,
        /// The panics of the worker before it died, in order, each with its location and message.
        ///
        /// A panic ends the worker if the program is built with `panic = "abort"`, or if the panic cannot unwind: in
        /// a function that C calls, or in a destructor during another panic.
        panics: Vec<String>,
    },
    /// It ran for longer than its `within` clause allows.
    TimedOut {
        /// The limit.
        limit: Duration,
    },
    /// It was not run, because a task that it depends on, directly or indirectly, has no result.
    DependencyFailed {
        /// The error of the task that failed first.
        cause: TaskError,
    },
    /// Its result could not be encoded for another process, or decoded there.
    NotDeliverable {
        /// The message of the codec or of the type.
        reason: String,
    },
    /// It was not completed, because its worker process died repeatedly without running it or could not be started.
    NoWorker {
        /// What happened to the worker.
        reason: String,
    },
    /// The run was cancelled before the task ended, exceeded the [`timeout`](crate::PoolBuilder::timeout) of its pool,
    /// or was ended by [`max_failures`](crate::PoolBuilder::max_failures).
    ///
    /// [`TaskError::run_timeout`] returns the limit after a timeout.
    Cancelled,
    /// The task was not run: [`Graph::only`](crate::Graph::only) was given the names of other outputs.
    LeftOut,
}

impl TaskError {
    pub(crate) fn new(
        task: impl Into<String>,
        location: Option<Location>,
        attempt: u32,
        kind: TaskErrorKind,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                task: task.into(),
                location,
                attempt,
                kind,
                run_timeout: None,
                output: None,
            }),
        }
    }

    /// Records that the end of the run cancelled the task, and the time limit that ended the run, if one did.
    pub(crate) fn cancelled_by(mut self, run_timeout: Option<Duration>) -> Self {
        Arc::make_mut(&mut self.inner).run_timeout = run_timeout;
        self
    }

    /// The error of a task that wrote these lines last.
    pub(crate) fn with_output(mut self, output: &str) -> Self {
        Arc::make_mut(&mut self.inner).output = Some(output.to_owned());
        self
    }

    /// The error of a task that depends on one that has failed with this error.
    pub(crate) fn with_cause(mut self, cause: Self) -> Self {
        Arc::make_mut(&mut self.inner).kind = TaskErrorKind::DependencyFailed { cause };
        self
    }

    /// The name of the task.
    pub fn task(&self) -> &str {
        &self.inner.task
    }

    /// Where the task is declared, if a `graph!` declared it.
    pub fn location(&self) -> Option<&Location> {
        self.inner.location.as_ref()
    }

    /// The former name of [`location`](Self::location).
    #[deprecated(since = "0.1.0", note = "write `location`")]
    pub fn place(&self) -> Option<&Location> {
        self.location()
    }

    /// Which attempt at the task this was, from 1.
    pub fn attempt(&self) -> u32 {
        self.inner.attempt
    }

    /// What happened.
    pub fn kind(&self) -> &TaskErrorKind {
        &self.inner.kind
    }

    /// The limit that [`PoolBuilder::timeout`](crate::PoolBuilder::timeout) sets, if the run exceeded the limit, and
    /// the task was therefore [`Cancelled`](TaskErrorKind::Cancelled).
    ///
    /// ```
    /// use ampeg::{Pool, graph};
    /// use std::time::Duration;
    ///
    /// let limit = Duration::from_millis(50);
    /// let pool = Pool::builder().processes(1).timeout(limit).build()?;
    /// let outcome = pool.run(&graph! { long = std::thread::sleep(Duration::from_secs(3600)); })?;
    /// let error = outcome.long.unwrap_err();
    /// assert_eq!(error.run_timeout(), Some(limit));
    /// assert!(error.to_string().contains("its run exceeded the limit of 50ms"));
    /// # Ok::<(), ampeg::Error>(())
    /// ```
    pub fn run_timeout(&self) -> Option<Duration> {
        self.inner.run_timeout
    }

    /// The last lines that the task wrote to stdout and stderr, at most 16 KiB, if its output was
    /// [`Captured`](crate::Output::Captured) and it wrote anything.
    ///
    /// ```
    /// use ampeg::{Output, Pool, graph};
    ///
    /// let pool = Pool::builder().processes(1).output(Output::Captured).build()?;
    /// let graph = graph! {
    ///     parsed: u32 = { println!("reading"); "x".parse()? };
    /// };
    /// let error = pool.run(&graph)?.parsed.unwrap_err();
    /// assert_eq!(error.output(), Some("reading\n"));
    /// assert!(error.to_string().ends_with("; its last words: reading"));
    /// # Ok::<(), ampeg::Error>(())
    /// ```
    pub fn output(&self) -> Option<&str> {
        self.inner.output.as_deref()
    }

    /// The error of the task that failed first: this error, or that of a dependency.
    pub fn root(&self) -> &Self {
        match &self.inner.kind {
            TaskErrorKind::DependencyFailed { cause } => cause.root(),
            _ => self,
        }
    }

    /// [`root`](Self::root), by value.
    #[must_use]
    pub fn into_root(self) -> Self {
        self.root().clone()
    }
}

impl fmt::Debug for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A failed `unwrap` or `assert_eq!` prints this, and its reader needs the message.
        write!(f, "TaskError({self})")
    }
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task `{}`", self.task())?;
        if let Some(location) = self.location() {
            write!(f, " ({location})")?;
        }
        if self.attempt() > 1 {
            write!(f, ", attempt {}", self.attempt())?;
        }
        write!(f, " {}", self.kind())?;
        if let Some(limit) = self.run_timeout() {
            write!(
                f,
                ": its run exceeded the limit of {limit:?} that `PoolBuilder::timeout` sets"
            )?;
        }
        // The error of a crash has last words without that.
        let is_crash = matches!(self.kind(), TaskErrorKind::Crashed { .. });
        match self.output().and_then(last_words).filter(|_| !is_crash) {
            Some(line) => write!(f, "; its last words: {line}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for TaskErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed { message, sources } => {
                write!(f, "failed: {message}")?;
                sources
                    .iter()
                    .try_for_each(|source| write!(f, ": {source}"))
            }
            Self::Panicked { message, location } => {
                f.write_str("panicked")?;
                if let Some(location) = location {
                    write!(f, " at {location}")?;
                }
                write!(f, ": {message}")
            }
            Self::Crashed {
                signal,
                exit_code,
                stderr,
                panics,
            } => {
                match (signal, exit_code) {
                    (Some(signal), _) => write!(
                        f,
                        "crashed: its worker was killed by signal {signal}{}",
                        signal_name(*signal)
                    ),
                    (_, Some(code)) => write!(f, "crashed: its worker exited with code {code}"),
                    _ => write!(f, "crashed: its worker is gone; {UNKNOWN_END}"),
                }?;
                write_traces(f, panics, stderr)
            }
            Self::TimedOut { limit } => write!(f, "timed out after {limit:?}"),
            Self::DependencyFailed { cause } => write!(f, "was not run: {}", cause.root()),
            Self::NotDeliverable { reason } => {
                write!(f, "has a result that cannot be sent: {reason}")
            }
            Self::NoWorker { reason } => write!(f, "was not run: {reason}"),
            Self::Cancelled => f.write_str("was cancelled"),
            Self::LeftOut => f.write_str("was left out by `Graph::only`"),
        }
    }
}

/// Lets `?` on the result of a task work in a function that returns an [`Error`].
impl From<TaskError> for Error {
    fn from(error: TaskError) -> Self {
        Self::of(ErrorKind::Task, error)
    }
}

impl StdError for TaskError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        // The message of a `DependencyFailed` already contains its root.
        None
    }
}

/// Appends a note to the [`last_words`] of a process.
pub(crate) fn add_to_last_words(stderr: &mut String, note: &str) {
    match last_words(stderr).map(|line| line.as_ptr().addr() - stderr.as_ptr().addr() + line.len())
    {
        Some(end) => stderr.insert_str(end, &format!(" ({note})")),
        None => stderr.push_str(note),
    }
}

/// Writes the traces of a dead process: its panics, and its last words unless a panic contains them.
pub(crate) fn write_traces(
    f: &mut fmt::Formatter<'_>,
    panics: &[String],
    stderr: &str,
) -> fmt::Result {
    let mut before = "; it";
    for (index, panic) in panics.iter().enumerate() {
        // The first panic is the cause, and the last two ended the process: a panic that cannot unwind is followed by
        // a panic of std.
        if index == 0 || index + 2 >= panics.len() {
            write!(f, "{before} {panic}")?;
            before = ", then";
        }
    }
    let last_words = last_words(stderr);
    match last_words.filter(|line| !panics.iter().any(|panic| panic.contains(line))) {
        Some(line) => write!(f, "; its last words: {line}"),
        None => Ok(()),
    }
}

/// The last line of stderr that is not empty, not part of a backtrace, and not one of std's general notes on panics.
pub(crate) fn last_words(stderr: &str) -> Option<&str> {
    let text = stderr.split("stack backtrace:").next()?;
    let says = |line: &&str| {
        !(line.is_empty()
            || line.starts_with("note: run with")
            || line.starts_with("thread caused non-unwinding panic")
            || line.starts_with("thread panicked while processing panic"))
    };
    text.lines().map(str::trim).rfind(says)
}

/// The text for a process whose exit status was taken by this program or by the system, before this crate could read
/// it.
pub(crate) const UNKNOWN_END: &str = "how it ended is unknown, since this program ignores SIGCHLD, or waits for all of \
     its children itself, as in a handler of SIGCHLD";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failure_keeps_the_chain_of_sources() {
        #[derive(Debug)]
        struct Outer(std::num::ParseIntError);
        impl fmt::Display for Outer {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("no number")
            }
        }
        impl StdError for Outer {
            fn source(&self) -> Option<&(dyn StdError + 'static)> {
                Some(&self.0)
            }
        }
        let failure = Failure::from(Outer("x".parse::<i32>().unwrap_err()));
        assert_eq!(
            failure.into_kind().to_string(),
            "failed: no number: invalid digit found in string"
        );
        assert_eq!(
            Failure::from("plain text").into_kind().to_string(),
            "failed: plain text"
        );
    }

    #[test]
    fn last_words_come_before_a_backtrace() {
        assert_eq!(last_words("one\ntwo\n\n"), Some("two"));
        let stderr = "memory allocation failed\nstack backtrace:\n   0: oom\nnote: some details\n";
        assert_eq!(last_words(stderr), Some("memory allocation failed"));
        let stderr =
            "memory allocation failed\nnote: run with `RUST_BACKTRACE=1` environment variable\n";
        assert_eq!(last_words(stderr), Some("memory allocation failed"));
        assert_eq!(last_words(" \n"), None);
        let mut stderr = "memory allocation failed \nstack backtrace:\n   0: oom\n".to_owned();
        add_to_last_words(&mut stderr, "a limit");
        assert_eq!(
            last_words(&stderr),
            Some("memory allocation failed (a limit)")
        );
        let mut stderr = "\n".to_owned();
        add_to_last_words(&mut stderr, "a limit");
        assert_eq!(last_words(&stderr), Some("a limit"));
    }

    #[test]
    fn chain_of_sources_without_an_end_is_cut() {
        #[derive(Debug)]
        struct Own;
        impl fmt::Display for Own {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (0..100_000).try_for_each(|_| f.write_str("its own source"))
            }
        }
        impl StdError for Own {
            fn source(&self) -> Option<&(dyn StdError + 'static)> {
                Some(self)
            }
        }
        let kind = Failure::from(Own).into_kind();
        let TaskErrorKind::Failed { message, sources } = &kind else {
            unreachable!("{kind:?}");
        };
        assert_eq!(sources.len(), MOST_SOURCES + 1);
        assert_eq!(sources[MOST_SOURCES], "… and more");
        assert!(message.len() < 2 * bounded::LONGEST);
        assert!(kind.to_string().len() < 3 * bounded::LONGEST);
    }

    #[test]
    fn crash_message_has_the_panics_before_it() {
        let crash = |panics: &[&str], stderr: &str| {
            let kind = TaskErrorKind::Crashed {
                signal: Some(6),
                exit_code: None,
                stderr: stderr.into(),
                panics: panics.iter().map(ToString::to_string).collect(),
            };
            let text = kind.to_string();
            let (_, traces) = text.split_once("(SIGABRT, abort)").unwrap();
            traces.to_owned()
        };
        let std = "\nthread caused non-unwinding panic. aborting.\n";
        let one = "panicked at a.rs:1:2: dry";
        assert_eq!(crash(&[one], std), "; it panicked at a.rs:1:2: dry");
        assert_eq!(
            crash(&[one], "dry\nstack backtrace:\n"),
            "; it panicked at a.rs:1:2: dry"
        );
        assert_eq!(
            crash(&[one, "b", "c", "d"], "malloc(): corrupted"),
            "; it panicked at a.rs:1:2: dry, then c, then d; its last words: malloc(): corrupted"
        );
        assert_eq!(crash(&[], std), "");
    }

    #[test]
    fn message_names_task_location_and_root() {
        let location = Location {
            file: "main.rs".into(),
            line: 3,
            column: 5,
        };
        let crash = TaskErrorKind::Crashed {
            signal: Some(6),
            exit_code: None,
            stderr: String::new(),
            panics: Vec::new(),
        };
        let root = TaskError::new("load", Some(location), 2, crash);
        let cause = root.clone();
        let error = TaskError::new("sum", None, 1, TaskErrorKind::DependencyFailed { cause });
        assert_eq!(
            error.to_string(),
            "task `sum` was not run: task `load` (main.rs:3:5), attempt 2 crashed: \
             its worker was killed by signal 6 (SIGABRT, abort)"
        );
        assert_eq!(error.into_root(), root);
    }
}
