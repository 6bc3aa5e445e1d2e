//! What a schedule is laid on: how many processors, how fast, how well connected.

use super::error::ScheduleErrorKind;
use crate::cost::count;
use crate::error::Error;
use crate::id::ProcessorId;

/// The processors of a schedule: how many there are, their speeds, and how well they are connected.
///
/// A task of cost `c` takes `c / speed`; equal processors have the speed 1.
/// A result of communication cost `c` takes `c` from one processor to any other, times the scale of that pair if one is given; on one processor it takes nothing.
///
/// ```
/// use ampeg::schedule::Processors;
///
/// let equal = Processors::new(4)?;
/// let fast_and_slow = Processors::with_speeds([2.0, 1.0])?;
/// // Processors 0 and 1 share a machine; 2 sits on another.
/// let two_machines = Processors::new(3)?
///     .with_communication(|a, b| if a.index().max(b.index()) == 2 { 10.0 } else { 1.0 })?;
/// # Ok::<(), ampeg::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Processors {
    speeds: Vec<f64>,
    /// One factor per ordered pair, row by row, or empty where all are 1.
    scales: Vec<f64>,
}

/// The range of speeds and communication scales; with [`Cost::MAX`](crate::Cost::MAX) it keeps all times finite.
const FACTORS: std::ops::RangeInclusive<f64> = 1e-100..=1e100;

impl Processors {
    /// This many equal processors.
    ///
    /// # Errors
    ///
    /// If `n` is zero.
    pub fn new(n: usize) -> Result<Self, Error> {
        Self::with_speeds(std::iter::repeat_n(1.0, n))
    }

    /// One processor for each relative speed.
    ///
    /// # Errors
    ///
    /// If there are none, or a speed is not between 10⁻¹⁰⁰ and 10¹⁰⁰.
    pub fn with_speeds(speeds: impl IntoIterator<Item = f64>) -> Result<Self, Error> {
        let speeds: Vec<f64> = speeds.into_iter().collect();
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

    /// The same processors, where communication from one to another is scaled by `scale`.
    ///
    /// # Errors
    ///
    /// If a factor is neither zero nor between 10⁻¹⁰⁰ and 10¹⁰⁰.
    pub fn with_communication(
        mut self,
        mut scale: impl FnMut(ProcessorId, ProcessorId) -> f64,
    ) -> Result<Self, Error> {
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

    /// How many processors there are: at least one.
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

    /// How fast `processor` is.
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

    /// The least factor between two different processors; zero if there is but one.
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
