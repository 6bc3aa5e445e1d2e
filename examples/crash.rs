//! A task that aborts its process costs only that task; the program continues.
//!
//! ```text
//!                    nights
//!       ┌────────────┬──┴─────────┬────────────┐
//!   year_2012    year_2013 ✗  year_2014    year_2015
//!       └─────┬──────┘            └─────┬──────┘
//!          before ✗                   after
//! ```
//!
//! A routine in C adds up the frost damage of a winter's nights from a table.
//! The table ends at -7 °C. Below that, the routine calls `abort`, which neither `catch_unwind` nor a thread survives.
//! In December 2013, Seattle had -7.1 °C.
//!
//! Run it with `cargo run --release --example crash`.

use ampeg::{Pool, TaskErrorKind, graph};
use std::collections::BTreeMap;

const DATA: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/examples/data/seattle-weather.csv"
);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let frost = graph! {
        nights = read_nights(DATA)? @ 2;
        year_2012 = frost_damage(&nights[&2012]);
        year_2013 = frost_damage(&nights[&2013]);
        year_2014 = frost_damage(&nights[&2014]);
        year_2015 = frost_damage(&nights[&2015]);
        before = year_2012 + year_2013;
        after = year_2014 + year_2015;
    };
    let pool = Pool::new(2)?;
    let outcome = pool.run(&frost)?;

    let years = [
        (2012, &outcome.year_2012),
        (2013, &outcome.year_2013),
        (2014, &outcome.year_2014),
        (2015, &outcome.year_2015),
    ];
    for (year, damage) in years {
        match damage {
            Ok(damage) => println!("{year}: {damage:.1} points of damage"),
            Err(error) => println!("{year}: unknown: {error}"),
        }
    }
    for (years, damage) in [("2012/13", &outcome.before), ("2014/15", &outcome.after)] {
        match damage {
            Ok(damage) => println!("{years}: {damage:.1} points of damage"),
            Err(error) => println!("{years}: unknown, because of `{}`", error.root().task()),
        }
    }
    println!("workers lost: {}", outcome.report().deaths().len());

    let error = outcome.year_2013.as_ref().expect_err("that year aborts");
    let signal = 6; // SIGABRT
    assert!(
        matches!(error.kind(), TaskErrorKind::Crashed { signal: Some(it), .. } if *it == signal)
    );
    assert!(outcome.after.is_ok());

    // The pool has a new worker in place of the one that died.
    let again = pool.run(&graph! { coldest = coldest(&read_nights(DATA)?); })?;
    println!("the coldest night had {} °C", again.into_values()?.coldest);
    Ok(())
}

/// The lowest temperature of each night, in degrees Celsius, by year.
fn read_nights(path: &str) -> Result<BTreeMap<u32, Vec<f64>>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    let mut nights: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let year = line.get(..4).and_then(|year| year.parse().ok());
        let lowest = line.split(',').nth(3).and_then(|field| field.parse().ok());
        let (Some(year), Some(lowest)) = (year, lowest) else {
            return Err(format!("`{line}` is no night"));
        };
        nights.entry(year).or_default().push(lowest);
    }
    Ok(nights)
}

fn frost_damage(nights: &[f64]) -> f64 {
    nights.iter().map(|&lowest| legacy::damage(lowest)).sum()
}

fn coldest(nights: &BTreeMap<u32, Vec<f64>>) -> f64 {
    nights.values().flatten().copied().fold(f64::MAX, f64::min)
}

/// Stands for an old C library.
mod legacy {
    #[allow(unsafe_code, reason = "what is shown here is a call into C")]
    // SAFETY: `abort` of the C library takes no arguments, never returns, and may be called at any time.
    unsafe extern "C" {
        safe fn abort() -> !;
    }

    pub(crate) fn damage(lowest: f64) -> f64 {
        if lowest < -7.0 {
            abort();
        }
        (-lowest).max(0.0).powi(2)
    }
}
