//! Days of weather, read from a table.

use serde::{Deserialize, Serialize};

/// The weather of one day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Day {
    pub(crate) year: u32,
    /// The day of the year, from 0 on the first of January to 365.
    pub(crate) yearday: u32,
    /// In millimetres.
    pub(crate) precipitation: f64,
    /// In degrees Celsius.
    pub(crate) high: f64,
    /// In metres per second.
    pub(crate) wind: f64,
}

impl Day {
    pub(crate) fn is_wet(&self) -> bool {
        self.precipitation > 0.0
    }
}

/// Reads a table with the columns date, precipitation, highest and lowest temperature, wind, and a word.
pub(crate) fn read_days(path: &str) -> Result<Vec<Day>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    let lines = text.lines().enumerate().skip(1);
    let day = |(index, line)| {
        parse_day(line).ok_or_else(|| format!("{path}:{}: `{line}` is no day", index + 1))
    };
    lines.map(day).collect()
}

fn parse_day(line: &str) -> Option<Day> {
    let mut fields = line.split(',');
    let mut date = fields.next()?.split('/').map(str::parse::<u32>);
    let (year, month, day) = (date.next()?.ok()?, date.next()?.ok()?, date.next()?.ok()?);
    let numbers = fields.take(4).map(str::parse::<f64>);
    let numbers: Vec<f64> = numbers.collect::<Result<_, _>>().ok()?;
    let [precipitation, high, _low, wind] = numbers[..] else {
        return None;
    };
    Some(Day {
        year,
        yearday: day_of_year(year, month, day)?,
        precipitation,
        high,
        wind,
    })
}

fn day_of_year(year: u32, month: u32, day: u32) -> Option<u32> {
    let february = if year.is_multiple_of(4) { 29 } else { 28 };
    let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let before = lengths.get(..month.checked_sub(1)? as usize)?;
    Some(before.iter().sum::<u32>() + day.checked_sub(1)?)
}
