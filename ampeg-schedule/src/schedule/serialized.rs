//! The serialized forms of a schedule and its processors. Deserialized data is checked like schedules made by hand.

use super::{Processors, Schedule, Slot};
use crate::base::error::Error;
use crate::task_graph::cost::Time;
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename = "Schedule")]
pub(super) struct SerializedSchedule {
    processors: Processors,
    slots: Vec<Slot>,
    lower_bound: Option<Time>,
}

impl From<Schedule> for SerializedSchedule {
    fn from(schedule: Schedule) -> Self {
        Self {
            processors: schedule.processors,
            slots: schedule.slots,
            lower_bound: schedule.lower_bound,
        }
    }
}

impl TryFrom<SerializedSchedule> for Schedule {
    type Error = Error;

    fn try_from(serialized: SerializedSchedule) -> Result<Self, Error> {
        let schedule = Self::from_slots(&serialized.processors, serialized.slots)?;
        Ok(Self {
            lower_bound: serialized.lower_bound,
            ..schedule
        })
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename = "Processors")]
pub(super) struct SerializedProcessors {
    speeds: Vec<f64>,
    /// The communication factors of all ordered pairs, row by row; empty if all factors are 1.
    communication: Vec<f64>,
}

impl From<Processors> for SerializedProcessors {
    fn from(processors: Processors) -> Self {
        let (speeds, communication) = processors.into_factors();
        Self {
            speeds,
            communication,
        }
    }
}

impl TryFrom<SerializedProcessors> for Processors {
    type Error = Error;

    fn try_from(serialized: SerializedProcessors) -> Result<Self, Error> {
        Self::from_factors(serialized.speeds, &serialized.communication)
    }
}
