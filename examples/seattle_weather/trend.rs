//! The trend of the temperature, and its uncertainty.

use serde::{Deserialize, Serialize};

/// An estimate with its 95 % confidence interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Estimate {
    pub(crate) value: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Estimate {
    /// The interval that holds the middle 95 % of `samples`.
    pub(crate) fn new(value: f64, mut samples: Vec<f64>) -> Self {
        samples.sort_unstable_by(f64::total_cmp);
        Self {
            value,
            low: quantile(&samples, 0.025),
            high: quantile(&samples, 0.975),
        }
    }
}

/// The value below which this share of sorted samples lies.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a position in a vector, from a share of its length"
)]
pub(crate) fn quantile(sorted: &[f64], share: f64) -> f64 {
    sorted[(share * (sorted.len() - 1) as f64).round() as usize]
}

/// The trend in degrees a year, by least squares.
///
/// A block bootstrap computes the interval: the residuals of the trend are drawn again in blocks of neighbouring days,
/// so that the days of a warm week stay together.
pub(crate) fn bootstrap(anomalies: &[f64], block: usize, replicates: usize) -> Estimate {
    let slope = slope(anomalies);
    let middle = middle(anomalies);
    let line = |day: usize| slope * (to_f64(day) - middle);
    let left: Vec<f64> = (0..)
        .zip(anomalies)
        .map(|(day, it)| it - line(day))
        .collect();
    let mut random = fastrand::Rng::with_seed(1);
    let replicate = |_| {
        let mut resampled = Vec::with_capacity(left.len() + block);
        while resampled.len() < left.len() {
            let start = random.usize(..left.len() - block);
            resampled.extend_from_slice(&left[start..start + block]);
        }
        resampled.truncate(left.len());
        slope + self::slope(&resampled)
    };
    let samples = (0..replicates).map(replicate).map(|it| it * 365.25);
    Estimate::new(slope * 365.25, samples.collect())
}

/// The slope of the line through values of consecutive days, in units per day.
fn slope(values: &[f64]) -> f64 {
    let middle = middle(values);
    let (mut products, mut squares) = (0.0, 0.0);
    for (day, value) in values.iter().enumerate() {
        let time = to_f64(day) - middle;
        products += time * value;
        squares += time * time;
    }
    products / squares
}

fn middle(values: &[f64]) -> f64 {
    to_f64(values.len() - 1) / 2.0
}

#[allow(clippy::cast_precision_loss, reason = "days of a few years")]
fn to_f64(days: usize) -> f64 {
    days as f64
}
