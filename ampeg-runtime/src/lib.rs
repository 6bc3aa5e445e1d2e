//! The runtime of [`ampeg`](https://docs.rs/ampeg): from a task graph to a schedule, a plan, worker processes, and results.

mod base;

mod sys;

mod value;

mod generated_code;

mod definition;

mod plan;

mod run;

mod transport;

mod report;

mod api;

#[cfg(test)]
mod testing;

pub use api::outcome::{Outcome, Values};
pub use api::pool::{Canceller, Pool, PoolBuilder, Run};
pub use api::program::Graph;
#[expect(deprecated, reason = "programs may still use the former name")]
pub use base::failure::Place;
pub use base::failure::{Location, TaskError, TaskErrorKind};
pub use generated_code::facts::Statement;
pub use report::{Breakdown, MeasuredCosts, Report};
pub use run::event::{Attempt, Death, Event, Observer, Transfer};
pub use value::shared::{Shared, SharedContents};

pub use transport::setup::Output;

pub use ampeg_schedule::schedule;
pub use ampeg_schedule::{
    Cost, Dependency, Error, ErrorKind, IntoCost, Policy, ProcessorId, Processors, Schedule,
    Scheduler, Slot, TaskGraph, TaskGraphBuilder, TaskId, Time,
};

pub use generated_code::task_value::TaskValue;

/// Processes of this program as workers.
pub mod worker_process {
    pub use crate::transport::entry::enter;
}

/// The items that generated code names. They change without notice.
#[doc(hidden)]
pub mod generated {
    pub use crate::api::outcome::{
        Fields, GroupOf, Named, Outcome, Results, Show, Take, TasksOf, Unwrap, Values, list_of,
        named, show,
    };
    pub use crate::api::program::graph;
    pub use crate::base::failure::Failure;
    pub use crate::definition::outputs::Field;
    pub use crate::definition::site::Site;
    pub use crate::generated_code::capture::{
        Borrowed, Capture, Captured, Function, Mode, Pointer, Reference, Referent, Refused,
        SharedState, Unknown, Value, probe,
    };
    pub use crate::generated_code::clause::{IntoCount, IntoDuration, Limit};
    pub use crate::generated_code::facts::{Facts, FactsText, Source, Statement};
    pub use crate::generated_code::index::{IndexNumber, IndexRange, IndexType, IntoIndex};
    pub use crate::generated_code::inputs::{
        Cursor, ForgottenQuestionMark, Inputs, IsTheValue, List, Maybe, Members, Nest, Optional,
        Type, ValueOf,
    };
    pub use crate::generated_code::members::{Each, EachMember, Spread, each};
    pub use crate::generated_code::part::{
        Carrier, OptionalPart, OwnPiece, Piece, Portion, Projection, carry, projection,
    };
    pub use crate::generated_code::task::{Call, dispatcher};
    pub use crate::generated_code::task_value::{Codec, TaskValue};
    pub use crate::value::payload::Payload;
    pub use ampeg_schedule::internal::{EvaluatedCosts, GivenCost};
}

/// Entry points of the fuzz targets.
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing {
    use crate::generated_code::task_value::TaskValue;
    use crate::run::message::{AttemptReport, ToWorker};
    use crate::value::payload::Payload;
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

    /// Decodes a value from bytes in the self-describing form.
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
