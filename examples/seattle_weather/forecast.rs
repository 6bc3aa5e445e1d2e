//! Predictions of tomorrow's high from today by three methods, tested on the last year.

use crate::data::Day;
use crate::season::correlation;
use serde::{Deserialize, Serialize};

/// The mean error of each method, in degrees.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Simple {
    /// The prediction is the usual high of the season.
    pub(crate) usual: f64,
    /// The prediction is the usual high, plus a part of today's difference from the usual high.
    pub(crate) persistence: f64,
}

/// The mean errors of the methods that need no search.
pub(crate) fn simple(days: &[Day], anomalies: &[f64]) -> Simple {
    let damping = correlation(anomalies, 1);
    let last_year = last_year(days);
    let pairs = || {
        last_year
            .clone()
            .map(|day| (anomalies[day - 1], anomalies[day]))
    };
    Simple {
        usual: mean(pairs().map(|(_, tomorrow)| tomorrow.abs())),
        persistence: mean(pairs().map(|(today, tomorrow)| (tomorrow - damping * today).abs())),
    }
}

/// A prediction from days similar to today: its settings and its error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Analogues {
    /// The number of days that are averaged.
    pub(crate) n_days: usize,
    /// The largest distance in days from today's day of the year.
    pub(crate) window: u32,
    /// The weight of the wind.
    pub(crate) wind: f64,
    /// The mean error in the last year, in degrees.
    pub(crate) error: f64,
}

impl Analogues {
    /// Finds the settings with the smallest error in all years except the last, and tests them on the last year.
    pub(crate) fn search(days: &[Day], anomalies: &[f64]) -> Self {
        let last_year = last_year(days);
        let mut best: Option<Self> = None;
        for window in [15, 30, 45, 60, 90] {
            for wind in [0.0, 0.5, 1.0] {
                let errors = errors(days, anomalies, 1..last_year.start, window, wind);
                for (n_days, error) in (1..).zip(errors) {
                    if best.as_ref().is_none_or(|best| error < best.error) {
                        best = Some(Self {
                            n_days,
                            window,
                            wind,
                            error,
                        });
                    }
                }
            }
        }
        let best = best.expect("some settings were tried");
        let errors = errors(days, anomalies, last_year, best.window, best.wind);
        Self {
            error: errors[best.n_days - 1],
            ..best
        }
    }
}

/// The mean error for 1, 2, … analogues, over the days in `range`.
fn errors(
    days: &[Day],
    anomalies: &[f64],
    range: std::ops::Range<usize>,
    window: u32,
    wind: f64,
) -> [f64; 60] {
    let mut errors = [0.0; 60];
    let n = range.len();
    for day in range {
        let mut sum = 0.0;
        let nearest = nearest(days, anomalies, day - 1, window, wind);
        for (n_days, (_, analogue)) in (1_u32..).zip(nearest).take(errors.len()) {
            sum += anomalies[analogue + 1];
            let error = anomalies[day] - sum / f64::from(n_days);
            errors[n_days as usize - 1] += error.abs();
        }
    }
    #[allow(clippy::cast_precision_loss, reason = "days of a few years")]
    errors.map(|error| error / n as f64)
}

/// Days of other years at about the same time of the year, most similar first.
fn nearest(
    days: &[Day],
    anomalies: &[f64],
    today: usize,
    window: u32,
    wind: f64,
) -> Vec<(f64, usize)> {
    let unlike = |day: usize| {
        let yesterday = |day: usize| anomalies[day.saturating_sub(1)];
        let rain = |day: usize| days[day].precipitation.ln_1p();
        (anomalies[day] - anomalies[today]).powi(2)
            + 0.3 * (yesterday(day) - yesterday(today)).powi(2)
            + 0.5 * (rain(day) - rain(today)).powi(2)
            + wind * (days[day].wind - days[today].wind).powi(2)
    };
    let is_candidate = |&day: &usize| {
        let apart = days[day].yearday.abs_diff(days[today].yearday);
        days[day].year != days[today].year && apart.min(365_u32.saturating_sub(apart)) <= window
    };
    let candidates = (0..days.len() - 1).filter(is_candidate);
    let mut candidates: Vec<_> = candidates.map(|day| (unlike(day), day)).collect();
    candidates.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    candidates
}

fn last_year(days: &[Day]) -> std::ops::Range<usize> {
    let year = days.last().map(|day| day.year);
    let first = days.iter().position(|day| Some(day.year) == year);
    first.unwrap_or(0)..days.len()
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (n, sum) = values.fold((0.0, 0.0), |(n, sum), value| (n + 1.0, sum + value));
    sum / n
}
