//! Four years of Seattle's weather: is it getting warmer, how hot and how dry does it get, and how well can tomorrow
//! be predicted?
//!
//! ```text
//!                   ┌───── days ─────┬────────┐
//!                season      │       │       rain
//!                   │        │       │        │
//!               anomalies────┼───┐   │     dry_spell
//!              ┌────┼────┐   │   │   │        │
//!          memory   │  simple│ analogues      │
//!            ┌─┴────┤    │   │   │            │
//!          trend  hottest│   │   │            │
//!            └──────┴────┴─ answer ───────────┘
//! ```
//!
//! Four of the steps are expensive and of unequal length. The others take almost no time.
//! An inline run measures the cost of each step. With these costs, the graph is scheduled again, and runs on two worker
//! processes.
//!
//! Run it with `cargo run --release --example seattle_weather`.

mod data;
mod extremes;
mod forecast;
mod season;
mod trend;

use ampeg::{Pool, graph};
use data::{Day, read_days};
use extremes::{Extreme, Rain, hottest_day};
use forecast::{Analogues, Simple, simple};
use season::{Season, memory};
use trend::Estimate;

const DATA: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/examples/data/seattle-weather.csv"
);
const WORKERS: usize = 2;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).unwrap_or_else(|| DATA.to_owned());
    let graph = graph! {
        days = read_days(&path)?;
        season = Season::fit(&days);
        anomalies = season.anomalies(&days);
        memory = memory(&anomalies);
        trend = trend::bootstrap(&anomalies, memory, 60_000) @ 100;
        hottest = hottest_day(&days, &season, &anomalies, memory, 100_000) @ 100;
        rain = Rain::count(&days);
        dry_spell = rain.longest_dry_spell(60_000) @ 100;
        simple = simple(&days, &anomalies);
        analogues = Analogues::search(&days, &anomalies) @ 100;
        /// The text of all answers.
        pub answer = answer(&days, &trend, &hottest, &dry_spell, &simple, &analogues);
    };

    let inline = graph.run_inline()?;
    let graph = graph.with_costs(&inline.report().measured_costs());
    let pool = Pool::new(WORKERS)?;
    let parallel = pool.run(&graph)?;

    println!("{}\n", parallel.answer.clone()?);
    assert_eq!(parallel.answer, inline.answer, "processes change nothing");

    println!("{}\n", parallel.report());
    let (inline, parallel) = (inline.report().duration(), parallel.report().duration());
    println!(
        "inline {:.0} ms with the same answer, on {WORKERS} workers {:.0} ms: speed-up {:.2}, predicted {:.2}",
        inline.as_secs_f64() * 1e3,
        parallel.as_secs_f64() * 1e3,
        inline.as_secs_f64() / parallel.as_secs_f64(),
        graph.schedule(WORKERS)?.speed_up(graph.task_graph()?)?
    );
    Ok(())
}

fn answer(
    days: &[Day],
    trend: &Estimate,
    hottest: &Extreme,
    dry_spell: &Extreme,
    simple: &Simple,
    analogues: &Analogues,
) -> String {
    let verdict = if trend.low > 0.0 {
        "warmer"
    } else {
        "not for sure"
    };
    let wet = days.iter().filter(|day| day.is_wet()).count();
    format!(
        "Seattle, {n} days, {wet} of them wet\n\
         trend of the daily high: {value:+.2} °C a year, 95 % interval {low:+.2} to {high:+.2}: {verdict}\n\
         hottest day of a year: {hot:.1} °C, every tenth year above {hotter:.1} °C\n\
         longest time without rain: {dry} days, every tenth year more than {drier}\n\
         mean error when tomorrow's high is predicted, in {year}:\n  \
           the usual of the season  {usual:.2} °C\n  \
           as today, but less so    {persistence:.2} °C\n  \
           from {n_days:2} days like today  {error:.2} °C",
        n = days.len(),
        value = trend.value,
        low = trend.low,
        high = trend.high,
        hot = hottest.usual,
        hotter = hottest.one_in_ten,
        dry = dry_spell.usual,
        drier = dry_spell.one_in_ten,
        year = days.last().map_or(0, |day| day.year),
        usual = simple.usual,
        persistence = simple.persistence,
        n_days = analogues.n_days,
        error = analogues.error,
    )
}
