//! Time to schedule, against the number of tasks.

use crate::cases::Case;
use ampeg::{Cost, Policy, Processors, Scheduler, TaskGraph, TaskId};
use std::time::{Duration, Instant};

/// The shortest of this many runs counts, as long as they take less than a second together.
const N_RUNS: usize = 30;

/// Small graphs are scheduled in batches of this many tasks. With one graph again and again, the branch predictor of
/// the processor would learn all branches.
const N_TASKS_TOGETHER: usize = 50_000;

/// Prints the time of each policy on layered graphs of 16 processors.
pub(crate) fn print() {
    let processors = Processors::new(16).expect("sixteen is not zero");
    println!("\nmilliseconds on 16 processors");
    println!(
        "{:>9} {:>9} {:>10} {:>10} {:>10} {:>10} {:>9}",
        "tasks", "edges", "Heft", "Cpop", "Peft", "Fast", "Fast/Heft"
    );
    for n_tasks in [100, 1000, 10_000, 100_000, 1_000_000] {
        let n_graphs = (N_TASKS_TOGETHER / n_tasks).clamp(1, N_RUNS);
        let graphs: Vec<TaskGraph> = (1..)
            .take(n_graphs)
            .map(|seed| layered(n_tasks, seed))
            .collect();
        let policies = [Policy::Heft, Policy::Cpop, Policy::Peft, Policy::Fast];
        let [heft, cpop, peft, fast] =
            policies.map(|policy| milliseconds(policy, &graphs, &processors));
        println!(
            "{n_tasks:>9} {:>9} {heft:>10.3} {cpop:>10.3} {peft:>10.3} {fast:>10.3} {:>9.2}",
            graphs[0].n_dependencies(),
            fast / heft
        );
    }
}

/// Prints how much longer the fast mode takes than HEFT.
pub(crate) fn print_ratio(cases: &[&Case]) {
    let (mut heft, mut fast, mut worst) = (0.0, 0.0, 0.0_f64);
    for case in cases {
        let processors = Processors::new(case.n_processors).expect("at least one processor");
        let [one, other] = [Policy::Heft, Policy::Fast]
            .map(|policy| milliseconds(policy, std::slice::from_ref(&case.graph), &processors));
        heft += one;
        fast += other;
        worst = worst.max(other / one);
    }
    println!(
        "\ntime over all cases: HEFT {heft:.1} ms, fast {fast:.1} ms: {:.2} times, {worst:.2} in the worst case",
        fast / heft
    );
}

fn milliseconds(policy: Policy, graphs: &[TaskGraph], processors: &Processors) -> f64 {
    let begin = Instant::now();
    let mut best = Duration::MAX;
    for graph in graphs.iter().cycle().take(N_RUNS) {
        let start = Instant::now();
        let schedule = policy.schedule(graph, processors);
        best = best.min(start.elapsed());
        assert!(schedule.is_ok());
        if begin.elapsed() > Duration::from_secs(1) {
            break;
        }
    }
    best.as_secs_f64() * 1000.0
}

/// Layers of about √n tasks, each with two to five predecessors in the layer before: 3.4 on average.
fn layered(n_tasks: usize, seed: u64) -> TaskGraph {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut builder = TaskGraph::builder();
    let width = n_tasks.isqrt();
    for index in 0..n_tasks {
        let cost = Cost::new(f64::from(random.u32(1..100))).expect("a small number");
        let task = builder.add_task(index, cost);
        let layer = index / width * width;
        if layer == 0 {
            continue;
        }
        for _ in 0..[2, 3, 3, 4, 5][random.usize(..5)] {
            let predecessor = TaskId::new(layer - width + random.usize(..width));
            let cost = Cost::new(f64::from(random.u32(1..100))).expect("a small number");
            builder.add_dependency(predecessor, task, cost);
        }
    }
    builder.build().expect("layers make no cycle")
}
