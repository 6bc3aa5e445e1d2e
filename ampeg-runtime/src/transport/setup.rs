//! The settings of workers: environment, limits, and the function that each calls before its first task.

use crate::base::{bounded, panics};
use crate::sys::FunctionAddress;
use crate::sys::resources::WorkerLimits;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

/// A function of the program, and a function that calls it and knows the type of its error.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Hook {
    function: FunctionAddress,
    call: FunctionAddress,
}

type Call = fn(FunctionAddress) -> Result<(), String>;

impl Hook {
    /// Fails if the function is not part of the executable.
    pub(crate) fn of<E: fmt::Display>(function: fn() -> Result<(), E>) -> Result<Self, String> {
        Ok(Self {
            function: FunctionAddress::of(function)?,
            call: FunctionAddress::of::<Call>(call::<E>)?,
        })
    }

    /// Calls the function. Its error or panic is the reason why the worker cannot work.
    pub(crate) fn run(self) -> Result<(), String> {
        let call: Call = self.call.resolve()?;
        let result = panics::catch(|| call(self.function));
        let reason = match result {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(reason)) => format!("failed: {reason}"),
            Err(kind) => format!("failed: {kind}"),
        };
        // The reason is sent as one line.
        let reason = bounded::cut(reason.replace('\n', " "));
        Err(format!("the function of `on_worker_start` {reason}"))
    }
}

fn call<E: fmt::Display>(function: FunctionAddress) -> Result<(), String> {
    let function: fn() -> Result<(), E> = function.resolve()?;
    function().map_err(|error| error.to_string())
}

/// The treatment of the output of tasks.
///
/// [`PoolBuilder::output`](crate::PoolBuilder::output) sets it, or the environment variable `AMPEG_OUTPUT`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Output {
    /// The output is passed on to the streams of the program, in whole lines. This is the default.
    #[default]
    Inherited,
    /// As [`Inherited`](Self::Inherited), and each line begins with the name of its task: `[part[3]] 12 rows`.
    Tagged,
    /// The output is not printed. [`Report::output`](crate::Report::output) returns the output of each task, and
    /// [`TaskError::output`](crate::TaskError::output) the last lines of a failed task. Workers still print their output
    /// from before their first task.
    Captured,
}

/// The settings for starting worker processes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Setup {
    /// Environment variables in addition to those of this process.
    pub(crate) variables: Vec<(OsString, OsString)>,
    /// The working directory; by default that of this process.
    pub(crate) directory: Option<PathBuf>,
    /// Whether each worker leads a process group, which ends with the worker.
    pub(crate) leads_group: bool,
    pub(crate) limits: WorkerLimits,
    pub(crate) hook: Option<Hook>,
    pub(crate) output: Output,
}
