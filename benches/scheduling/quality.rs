//! Makespans over the optimum, over the best known, and over those of peers.

use crate::cases::Case;
use ampeg::{Policy, Processors, Scheduler};
use std::collections::{BTreeMap, BTreeSet};

/// Families that come from workflows, or look like them.
const WORKFLOWS: [&str; 3] = ["structured", "wf", "wfgen"];

/// Ratios of makespans: their number, their geometric mean, the worst, and the number of ratios that are 1.
#[derive(Debug, Default, Clone, Copy)]
struct Ratios {
    n: u32,
    log_sum: f64,
    worst: f64,
    n_exact: u32,
}

impl Ratios {
    fn add(&mut self, ratio: f64) {
        self.n += 1;
        self.log_sum += ratio.ln();
        self.worst = self.worst.max(ratio);
        self.n_exact += u32::from(ratio < 1.0 + 1e-9);
    }

    fn mean(&self) -> f64 {
        (self.log_sum / f64::from(self.n)).exp()
    }

    /// Number, mean, worst, and percentage of ones.
    fn columns(&self) -> String {
        if self.n == 0 {
            return format!("{:>4} {:>7} {:>7} {:>4}", "", "", "", "");
        }
        let exact = 100.0 * f64::from(self.n_exact) / f64::from(self.n);
        let (n, mean, worst) = (self.n, self.mean(), self.worst);
        format!("{n:>4} {mean:>7.4} {worst:>7.4} {exact:>4.0}")
    }
}

#[derive(Debug, Default)]
struct Row {
    optimum: Ratios,
    best_known: Ratios,
    peers: BTreeMap<String, Ratios>,
}

/// Schedules all cases and prints one line per family and communication variant.
pub(crate) fn print(title: &str, policy: Policy, cases: &[&Case]) {
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    for case in cases {
        let makespan = makespan(policy, case);
        let mut keys = vec![
            format!("{} {}", case.family, case.variant),
            "~ all".to_owned(),
        ];
        if WORKFLOWS.contains(&case.family.as_str()) {
            keys.push(format!("~ workflows {}", case.variant));
        }
        for key in keys {
            rows.entry(key).or_default().add(case, makespan);
        }
    }
    print_rows(title, &rows);
}

fn makespan(policy: Policy, case: &Case) -> f64 {
    let processors = Processors::new(case.n_processors).expect("at least one processor");
    let schedule = policy
        .schedule(&case.graph, &processors)
        .expect("a schedule of equal processors");
    schedule.validate(&case.graph).expect("a valid schedule");
    let makespan = schedule.makespan().value();
    if let Some(bound) = schedule.lower_bound() {
        let is_sound = bound.value() <= case.best_known * (1.0 + 1e-9);
        assert!(is_sound, "a lower bound above a known makespan");
    }
    makespan
}

impl Row {
    fn add(&mut self, case: &Case, makespan: f64) {
        self.best_known.add(makespan / case.best_known);
        if let Some(optimum) = case.optimum {
            self.optimum.add(makespan / optimum);
        }
        for (peer, theirs) in &case.peers {
            self.peers
                .entry(peer.clone())
                .or_default()
                .add(makespan / theirs);
        }
    }
}

fn print_rows(title: &str, rows: &BTreeMap<String, Row>) {
    let peers: BTreeSet<&String> = rows.values().flat_map(|row| row.peers.keys()).collect();
    println!("\n{title}: makespan over …");
    let columns = format!("{:>4} {:>7} {:>7} {:>4}", "n", "mean", "worst", "%=1");
    print!("{:<20} | optimum: {columns} | best known: {columns} |", "");
    for peer in &peers {
        print!(" {peer:>14}");
    }
    println!();
    for (key, row) in rows {
        let (optimum, best_known) = (row.optimum.columns(), row.best_known.columns());
        print!("{key:<20} |          {optimum} |             {best_known} |");
        for peer in &peers {
            match row.peers.get(*peer) {
                Some(ratios) => print!(" {:>14.4}", ratios.mean()),
                None => print!(" {:>14}", ""),
            }
        }
        println!();
    }
}
