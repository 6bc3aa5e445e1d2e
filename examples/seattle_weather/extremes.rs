//! The hottest day and the longest dry spell of simulated years.

use crate::data::Day;
use crate::season::Season;
use crate::trend::quantile;
use serde::{Deserialize, Serialize};

/// The value of a usual year, and the value that one year in ten exceeds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Extreme {
    pub(crate) usual: f64,
    pub(crate) one_in_ten: f64,
}

impl Extreme {
    fn of(mut years: Vec<f64>) -> Self {
        years.sort_unstable_by(f64::total_cmp);
        Self {
            usual: quantile(&years, 0.5),
            one_in_ten: quantile(&years, 0.9),
        }
    }
}

/// The hottest day of a year: the usual season, with blocks of anomalies from the same time of some year.
pub(crate) fn hottest_day(
    days: &[Day],
    season: &Season,
    anomalies: &[f64],
    block: usize,
    years: usize,
) -> Extreme {
    let n_years = days.len() / 365;
    let mut random = fastrand::Rng::with_seed(2);
    let season: Vec<f64> = (0..365).map(|day| season.high(day)).collect();
    let year = |_| {
        let mut hottest = f64::MIN;
        for start in (0..365).step_by(block) {
            let shift = random.usize(..31);
            let from = (random.usize(..n_years) * 365 + start + shift).saturating_sub(15);
            let anomalies = &anomalies[from.min(anomalies.len() - block)..];
            let highs = season[start..].iter().zip(&anomalies[..block]);
            hottest = highs.map(|(usual, it)| usual + it).fold(hottest, f64::max);
        }
        hottest
    };
    Extreme::of((0..years).map(year).collect())
}

/// The probability of a wet day after a dry day and after a wet day, in each month of 30.4 days.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rain {
    pub(crate) after_dry: [f64; 12],
    pub(crate) after_wet: [f64; 12],
}

impl Rain {
    pub(crate) fn count(days: &[Day]) -> Self {
        // One more wet and one more dry day are counted, so that no probability is 0 or 1.
        let mut wet = [[1.0; 12]; 2];
        let mut all = [[2.0; 12]; 2];
        for pair in days.windows(2) {
            let (before, month) = (usize::from(pair[0].is_wet()), month(pair[1].yearday));
            all[before][month] += 1.0;
            wet[before][month] += f64::from(u8::from(pair[1].is_wet()));
        }
        let share = |before: usize| std::array::from_fn(|it| wet[before][it] / all[before][it]);
        Self {
            after_dry: share(0),
            after_wet: share(1),
        }
    }

    /// The longest time without rain in a year, in days.
    pub(crate) fn longest_dry_spell(&self, years: usize) -> Extreme {
        let mut random = fastrand::Rng::with_seed(3);
        let mut is_wet = true;
        let year = |_| {
            let (mut longest, mut spell) = (0_u32, 0);
            for day in 0..365 {
                let by_month = if is_wet {
                    &self.after_wet
                } else {
                    &self.after_dry
                };
                is_wet = random.f64() < by_month[month(day)];
                spell = if is_wet { 0 } else { spell + 1 };
                longest = longest.max(spell);
            }
            f64::from(longest)
        };
        Extreme::of((0..years).map(year).collect())
    }
}

fn month(day_of_year: u32) -> usize {
    (day_of_year as usize * 12 / 366).min(11)
}
