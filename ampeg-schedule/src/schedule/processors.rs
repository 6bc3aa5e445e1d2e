//! The processors of a schedule: their number, speeds and connections.

use super::error::ScheduleErrorKind;
use crate::base::error::Error;
use crate::base::id::ProcessorId;
use crate::task_graph::cost::count;
use serde::{Deserialize, Serialize};

/// The processors of a schedule: their number, speeds and connections.
///
/// A task of cost `c` takes `c / speed`; equal processors have the speed 1.
/// Moving a result of communication cost `c` to another processor takes `c`, times the scale of the two processors if one
/// is set. On the same processor it takes no time.
///
/// ```
/// use ampeg::schedule::Processors;
///
/// let equal = Processors::new(4)?;
/// let fast_and_slow = Processors::with_speeds([2.0, 1.0])?;
/// // Processors 0 and 1 are on one machine, and 2 is on another.
/// let two_machines = Processors::new(3)?
///     .with_communication(|a, b| if a.index().max(b.index()) == 2 { 10.0 } else { 1.0 })?;
/// # Ok::<(), ampeg::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    try_from = "super::serialized::SerializedProcessors",
    into = "super::serialized::SerializedProcessors"
)]
pub struct Processors {
    speeds: Vec<f64>,
    /// One factor per ordered pair, row by row; empty if all factors are 1.
    scales: Vec<f64>,
}

/// The range of speeds and communication scales; with [`Cost::MAX`](crate::Cost::MAX) it keeps all times finite.
const FACTORS: std::ops::RangeInclusive<f64> = 1e-100..=1e100;
/// The largest number of processors. A larger number is most likely a negative number that has wrapped around.
pub(super) const MOST_PROCESSORS: usize = 1 << 20;
/// The largest number of processors with a factor for each pair. The factors take half a gigabyte then.
pub(super) const MOST_CONNECTED: usize = 1 << 13;

impl Processors {
    /// This many equal processors.
    ///
    /// # Errors
    ///
    /// If `n` is zero, or more than 1,048,576.
    pub fn new(n: usize) -> Result<Self, Error> {
        if n > MOST_PROCESSORS {
            return Err(ScheduleErrorKind::TooManyProcessors(n).into());
        }
        Self::with_speeds(std::iter::repeat_n(1.0, n))
    }

    /// One processor for each relative speed.
    ///
    /// # Errors
    ///
    /// If there are none or more than 1,048,576, or a speed is not between 10⁻¹⁰⁰ and 10¹⁰⁰.
    pub fn with_speeds(speeds: impl IntoIterator<Item = f64>) -> Result<Self, Error> {
        // One more than allowed is enough to detect the error.
        let speeds: Vec<f64> = speeds.into_iter().take(MOST_PROCESSORS + 1).collect();
        if speeds.len() > MOST_PROCESSORS {
            return Err(ScheduleErrorKind::TooManyProcessors(speeds.len()).into());
        }
        if speeds.is_empty() {
            return Err(ScheduleErrorKind::NoProcessors.into());
        }
        for (processor, &speed) in speeds.iter().enumerate() {
            if !FACTORS.contains(&speed) {
                return Err(ScheduleErrorKind::Speed { processor, speed }.into());
            }
        }
        Ok(Self {
            speeds,
            scales: Vec::new(),
        })
    }

    /// The same processors, with the communication between two processors scaled by `scale`.
    ///
    /// # Errors
    ///
    /// If a factor is neither zero nor between 10⁻¹⁰⁰ and 10¹⁰⁰, or there are more than 8,192 processors.
    pub fn with_communication(
        mut self,
        mut scale: impl FnMut(ProcessorId, ProcessorId) -> f64,
    ) -> Result<Self, Error> {
        if self.len() > MOST_CONNECTED {
            return Err(ScheduleErrorKind::TooManyConnected(self.len()).into());
        }
        let mut scales = Vec::with_capacity(self.len() * self.len());
        for from in self.ids() {
            for to in self.ids() {
                let factor = if from == to { 0.0 } else { scale(from, to) };
                if factor != 0.0 && !FACTORS.contains(&factor) {
                    return Err(ScheduleErrorKind::Scale { from, to, factor }.into());
                }
                scales.push(factor);
            }
        }
        self.scales = scales;
        Ok(self)
    }

    /// The speeds, and the communication factors row by row. The factors are empty if all are 1.
    pub(super) fn into_factors(self) -> (Vec<f64>, Vec<f64>) {
        (self.speeds, self.scales)
    }

    /// The processors with these speeds and factors.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`with_speeds`](Self::with_speeds) and [`with_communication`](Self::with_communication).
    /// Also fails if there is not one factor for each pair.
    pub(super) fn from_factors(speeds: Vec<f64>, scales: &[f64]) -> Result<Self, Error> {
        let processors = Self::with_speeds(speeds)?;
        if scales.is_empty() {
            return Ok(processors);
        }
        let n = processors.len();
        if Some(scales.len()) != n.checked_mul(n) {
            let (found, expected) = (scales.len(), n);
            return Err(ScheduleErrorKind::Factors { found, expected }.into());
        }
        processors.with_communication(|from, to| scales[from.index() * n + to.index()])
    }

    /// The number of processors: at least one.
    #[allow(
        clippy::len_without_is_empty,
        reason = "there is always at least one processor"
    )]
    pub fn len(&self) -> usize {
        self.speeds.len()
    }

    /// The ids of all processors.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = ProcessorId> + DoubleEndedIterator + use<> {
        (0..self.len()).map(ProcessorId::new)
    }

    /// The speed of `processor`.
    ///
    /// # Panics
    ///
    /// If there is no such processor.
    pub fn speed(&self, processor: ProcessorId) -> f64 {
        self.speeds[processor.index()]
    }

    /// The factor on the communication cost from one processor to another; zero from one to itself.
    ///
    /// # Panics
    ///
    /// If there is no such processor.
    pub fn communication(&self, from: ProcessorId, to: ProcessorId) -> f64 {
        assert!(to.index() < self.len(), "no processor {to}");
        match self.scales.get(from.index() * self.len() + to.index()) {
            Some(&factor) => factor,
            None => f64::from(u8::from(from != to)),
        }
    }

    /// The mean factor over all ordered pairs of different processors.
    pub(crate) fn mean_communication(&self) -> f64 {
        if self.scales.is_empty() || self.len() == 1 {
            return 1.0;
        }
        self.scales.iter().sum::<f64>() / count(self.len() * (self.len() - 1))
    }

    /// The least factor between two different processors; zero if there is only one.
    pub(crate) fn least_communication(&self) -> f64 {
        let pairs = self
            .ids()
            .flat_map(|from| self.ids().map(move |to| (from, to)));
        let apart = pairs.filter(|(from, to)| from != to);
        if self.scales.is_empty() {
            return f64::from(u8::from(self.len() > 1));
        }
        apart
            .map(|(from, to)| self.communication(from, to))
            .min_by(f64::total_cmp)
            .unwrap_or(0.0)
    }

    pub(crate) fn are_equally_fast(&self) -> bool {
        self.speeds.iter().all(|&speed| speed == self.speeds[0])
    }

    pub(crate) fn are_equally_connected(&self) -> bool {
        self.scales.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::{Policy, Scaling};
    use crate::task_graph::TaskGraph;

    #[test]
    fn too_many_processors_are_refused() {
        let error = Processors::new(usize::MAX).unwrap_err().to_string();
        assert!(error.starts_with("a schedule cannot have 18446744073709551615 processors"));
        assert!(Processors::new(MOST_PROCESSORS).is_ok());
        assert!(Processors::new(MOST_PROCESSORS + 1).is_err());
        assert!(Processors::with_speeds(std::iter::repeat(1.0)).is_err());
        let many = Processors::new(MOST_CONNECTED + 1).unwrap();
        let error = many.with_communication(|_, _| 1.0).unwrap_err();
        assert!(error.to_string().ends_with("of at most 8192"), "{error}");
        let graph = TaskGraph::builder().task("a", 1).build().unwrap();
        assert!(Scaling::new(&graph, usize::MAX, &Policy::Fast).is_err());
    }

    #[test]
    fn nonsense_is_refused() {
        assert_eq!(
            Processors::new(0).unwrap_err().to_string(),
            "a schedule needs at least one processor"
        );
        assert!(Processors::with_speeds([1.0, 0.0]).is_err());
        assert!(Processors::with_speeds([f64::NAN]).is_err());
        let two = Processors::new(2).unwrap();
        assert!(two.with_communication(|_, _| -1.0).is_err());
    }

    #[test]
    fn communication_is_free_at_home() {
        let two = Processors::new(2).unwrap();
        let [a, b] = [0, 1].map(ProcessorId::new);
        assert_eq!(
            [two.communication(a, a), two.communication(a, b)],
            [0.0, 1.0]
        );
        let scaled = two.with_communication(|_, _| 3.0).unwrap();
        assert_eq!(
            [scaled.communication(a, a), scaled.communication(a, b)],
            [0.0, 3.0]
        );
        assert_eq!(scaled.mean_communication(), 3.0);
    }
}
