//! The yearly cycle of temperature, and the remainder without it.

use crate::data::Day;
use serde::{Deserialize, Serialize};
use std::f64::consts::TAU;

const TERMS: usize = 5;

/// The usual high of each day of the year: a mean and two waves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Season {
    coefficients: [f64; TERMS],
}

impl Season {
    /// Fits the cycle to the highs by least squares.
    pub(crate) fn fit(days: &[Day]) -> Self {
        let mut matrix = [[0.0; TERMS + 1]; TERMS];
        for day in days {
            let terms = terms(day.yearday);
            for (row, &term) in matrix.iter_mut().zip(&terms) {
                for (cell, other) in row.iter_mut().zip(&terms) {
                    *cell += term * other;
                }
                row[TERMS] += term * day.high;
            }
        }
        Self {
            coefficients: solve(matrix),
        }
    }

    /// The usual high of a day, in degrees Celsius.
    pub(crate) fn high(&self, day_of_year: u32) -> f64 {
        let terms = terms(day_of_year);
        let products = self.coefficients.iter().zip(terms);
        products.map(|(coefficient, term)| coefficient * term).sum()
    }

    /// The difference of each day's high from the usual high.
    pub(crate) fn anomalies(&self, days: &[Day]) -> Vec<f64> {
        let anomaly = |day: &Day| day.high - self.high(day.yearday);
        days.iter().map(anomaly).collect()
    }
}

fn terms(day_of_year: u32) -> [f64; TERMS] {
    let angle = TAU * f64::from(day_of_year) / 365.25;
    let (sine, cosine) = angle.sin_cos();
    let (sine_twice, cosine_twice) = (2.0 * angle).sin_cos();
    [1.0, sine, cosine, sine_twice, cosine_twice]
}

/// Solves linear equations, given as rows with the right side last, by elimination.
fn solve(mut rows: [[f64; TERMS + 1]; TERMS]) -> [f64; TERMS] {
    for column in 0..TERMS {
        let pivot = (column..TERMS)
            .max_by(|&a, &b| rows[a][column].abs().total_cmp(&rows[b][column].abs()))
            .unwrap_or(column);
        rows.swap(column, pivot);
        let pivot = rows[column];
        for row in &mut rows[column + 1..] {
            let factor = row[column] / pivot[column];
            row.iter_mut()
                .zip(pivot)
                .for_each(|(cell, above)| *cell -= factor * above);
        }
    }
    let mut solution = [0.0; TERMS];
    for row in (0..TERMS).rev() {
        let known = (row + 1..TERMS).map(|column| rows[row][column] * solution[column]);
        solution[row] = (rows[row][TERMS] - known.sum::<f64>()) / rows[row][row];
    }
    solution
}

/// The number of days after which the autocorrelation of the weather is below a tenth.
pub(crate) fn memory(anomalies: &[f64]) -> usize {
    let lags = 1..anomalies.len() / 2;
    lags.clone()
        .find(|&lag| correlation(anomalies, lag) < 0.1)
        .unwrap_or(lags.end)
}

/// The correlation of a series with itself, `lag` days later.
pub(crate) fn correlation(series: &[f64], lag: usize) -> f64 {
    let products = series.iter().zip(&series[lag..]).map(|(a, b)| a * b);
    products.sum::<f64>() / series.iter().map(|value| value * value).sum::<f64>()
}
