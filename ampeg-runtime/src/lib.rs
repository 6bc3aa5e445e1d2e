//! The runtime of [`ampeg`](https://docs.rs/ampeg): from a task graph to a schedule, a plan, worker processes, and results.

#[cfg(not(all(
    any(unix, windows),
    not(target_family = "wasm"),
    any(target_pointer_width = "32", target_pointer_width = "64"),
    target_has_atomic = "64"
)))]
compile_error!(
    "ampeg needs an operating system with processes (Linux, macOS or Windows) and a processor with 32 or 64 bits and \
     atomic numbers of 64 bits: this target is not supported"
);

mod id;

mod arc;
mod bounded;
mod error;
mod failure;
mod family_error;
mod run_error;
mod signal;

mod cost;
mod graph;

pub mod schedule;

mod capture;
mod codec;
mod facts;
mod index;
mod inputs;
mod members;
mod panics;
mod part;
mod payload;
mod resources;
mod segment;
mod shared;
mod sys;
mod task;
mod value;

mod caller;
mod captures;
mod clause;
mod definition;
mod site;

mod family;
mod resolve;

mod clock;
mod message;
mod plan;
mod progress;

mod columns;
mod outcome;
mod report;

mod merge;
mod program;

mod executor;
mod output;
mod process;
mod start;
mod thread;
mod transport;
mod worker;

mod coordinator;
mod entry;

mod crew;

mod inline;
mod pool;
mod prepared;

#[cfg(test)]
mod testing;

pub use cost::{Cost, IntoCost, Time};
pub use error::Error;
pub use facts::Statement;
pub use failure::{Place, TaskError, TaskErrorKind};
pub use graph::{Dependency, TaskGraph, TaskGraphBuilder};
pub use id::{ProcessorId, TaskId};
pub use outcome::{Outcome, Outputs};
pub use pool::{Pool, PoolBuilder, Run};
pub use program::Graph;
pub use report::{Attempt, Breakdown, MeasuredCosts, Report, Transfer};
pub use schedule::{Policy, Processors, Schedule, Scheduler, Slot};
pub use shared::{Contents, Shared};

pub use value::TaskValue;

/// Processes of this program as workers.
pub mod worker_process {
    pub use crate::entry::enter;
}

/// What generated code names; it changes without notice.
#[doc(hidden)]
pub mod generated {
    pub use crate::capture::{
        Capture, Captured, Function, Mode, Place, Pointer, Reference, Referent, Refused,
        SharedState, Unknown, Value, probe,
    };
    pub use crate::clause::{IntoCount, IntoDuration, Limit};
    pub use crate::columns::{Columns, Rows, transpose};
    pub use crate::cost::{GivenCost, Told};
    pub use crate::facts::{Facts, FactsText, Source, Statement};
    pub use crate::failure::Failure;
    pub use crate::index::{IndexNumber, IndexRange, IndexType, IntoIndex};
    pub use crate::inputs::{
        Cursor, ForgottenQuestionMark, Inputs, IsTheValue, List, Maybe, Members, Nest, Optional,
        Type, ValueOf,
    };
    pub use crate::members::{Each, EachMember, Spread, each};
    pub use crate::outcome::{
        Collect, Outputs, Results, Show, Take, Unwrap, collect, collector, show,
    };
    pub use crate::part::{
        Carrier, OptionalPart, OwnPiece, Piece, Portion, Projection, carry, projection,
    };
    pub use crate::payload::Payload;
    pub use crate::program::graph;
    pub use crate::site::Site;
    pub use crate::task::{Call, dispatcher};
    pub use crate::value::{Codec, TaskValue};
}

/// What the fuzz targets feed with bytes.
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing {
    use crate::message::{AttemptReport, ToWorker};
    use crate::payload::Payload;
    use crate::value::TaskValue;
    use std::collections::BTreeMap;

    /// Decodes a message in both directions.
    pub fn message(bytes: &[u8]) {
        let _ = postcard::from_bytes::<ToWorker>(bytes);
        let _ = postcard::from_bytes::<AttemptReport>(bytes);
    }

    /// Decodes a value from bytes in the compact form.
    pub fn compact<T: TaskValue>(bytes: &[u8]) -> Option<T> {
        T::decode(&Payload::copied(bytes).ok()?).ok()
    }

    /// Decodes a value from bytes that describe themselves.
    pub fn described<T: TaskValue>(bytes: &[u8]) -> Option<T> {
        T::decode(&Payload::copied(bytes).ok()?.described()).ok()
    }

    /// Decodes results of several types.
    pub fn value(bytes: &[u8]) {
        if let Ok(payload) = Payload::copied(bytes) {
            let _ = Vec::<f64>::decode(&payload);
            let _ = Vec::<(String, Option<u8>)>::decode(&payload);
            let _ = BTreeMap::<String, Vec<Vec<f32>>>::decode(&payload);
            let _ = Result::<Vec<()>, (char, bool)>::decode(&payload);
        }
    }
}
