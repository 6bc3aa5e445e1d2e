//! The reasons why there is no schedule, or why a schedule is not valid.

use super::Slot;
use super::processors::{MOST_CONNECTED, MOST_PROCESSORS};
use crate::base::error::{Error, ErrorKind};
use crate::base::id::ProcessorId;
use std::fmt;

#[derive(Debug)]
pub(crate) enum ScheduleErrorKind {
    NoProcessors,
    TooManyProcessors(usize),
    TooManyConnected(usize),
    Speed {
        processor: usize,
        speed: f64,
    },
    Scale {
        from: ProcessorId,
        to: ProcessorId,
        factor: f64,
    },
    /// The number of factors is not one for each pair of processors.
    Factors {
        found: usize,
        expected: usize,
    },
    CostColumns {
        n_columns: usize,
        n_processors: usize,
    },
    TaskCount {
        scheduled: usize,
        in_graph: usize,
    },
    ProcessorCount {
        found: usize,
        expected: usize,
    },
    UnknownTask(usize),
    UnknownProcessor(ProcessorId),
    /// A slot ends before it starts.
    Backwards(Slot),
    Missing(String),
    Twice(String),
    TooShort {
        task: String,
        length: f64,
        needed: f64,
    },
    Overlap {
        first: String,
        second: String,
        processor: ProcessorId,
    },
    TooEarly {
        task: String,
        start: f64,
        predecessor: String,
        arrival: f64,
    },
    /// Tasks wait for each other, because of dependencies or of their order on a processor.
    Deadlock(Vec<String>),
}

impl From<ScheduleErrorKind> for Error {
    fn from(kind: ScheduleErrorKind) -> Self {
        Self::of(ErrorKind::InvalidSchedule, kind)
    }
}

impl fmt::Display for ScheduleErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProcessors => f.write_str("a schedule needs at least one processor"),
            Self::TooManyProcessors(n) => write!(
                f,
                "a schedule cannot have {n} processors, but at most {MOST_PROCESSORS}"
            ),
            Self::TooManyConnected(n) => write!(
                f,
                "not each pair of {n} processors can have a connection of its own, but of at most {MOST_CONNECTED}"
            ),
            Self::Speed { processor, speed } => {
                write!(f, "processor {processor} cannot have the speed {speed:?}")
            }
            Self::Scale { from, to, factor } => {
                write!(
                    f,
                    "communication from processor {from} to {to} cannot be scaled by {factor:?}"
                )
            }
            Self::Factors { found, expected } => write!(
                f,
                "{found} factors on communication are given for {expected} processors, not one for each pair"
            ),
            Self::CostColumns {
                n_columns,
                n_processors,
            } => write!(
                f,
                "the graph has costs for {n_columns} processors, too few for {n_processors}"
            ),
            Self::TaskCount {
                scheduled,
                in_graph,
            } => write!(
                f,
                "the schedule has {scheduled} tasks, the graph {in_graph}"
            ),
            Self::ProcessorCount { found, expected } => {
                write!(
                    f,
                    "there are lists for {found} processors instead of {expected}"
                )
            }
            Self::UnknownTask(index) => write!(f, "no task has the id {index}"),
            Self::UnknownProcessor(processor) => write!(f, "there is no processor {processor}"),
            Self::Backwards(Slot {
                task,
                start,
                finish,
                ..
            }) => write!(
                f,
                "the slot of task {task} ends at {finish}, before it starts at {start}"
            ),
            Self::Missing(task) => write!(f, "task `{task}` is not in the schedule"),
            Self::Twice(task) => write!(f, "task `{task}` is in the schedule twice"),
            Self::TooShort {
                task,
                length,
                needed,
            } => write!(
                f,
                "task `{task}` has a slot of {length}, but takes {needed}"
            ),
            Self::Overlap {
                first,
                second,
                processor,
            } => write!(
                f,
                "tasks `{first}` and `{second}` overlap on processor {processor}"
            ),
            Self::TooEarly {
                task,
                start,
                predecessor,
                arrival,
            } => write!(
                f,
                "task `{task}` starts at {start}, before the result of `{predecessor}` arrives at {arrival}"
            ),
            Self::Deadlock(tasks) => {
                write!(
                    f,
                    "tasks wait for each other in this order: {}",
                    tasks.join(" → ")
                )
            }
        }
    }
}
