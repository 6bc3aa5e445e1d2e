//! Memory does not grow with the length of a graph or the number of runs: each test in a process of its own.

#![deny(warnings)]

mod isolated;

use ampeg::schedule::{Processors, Schedule};
use ampeg::{Graph, Pool, graph};
use isolated::isolated;

const MEGABYTE: usize = 1 << 20;

/// A number in a line of `/proc/self/status`, in bytes.
fn status(line: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let kilobytes = status.lines().find_map(|it| it.strip_prefix(line)).unwrap();
    let kilobytes = kilobytes.trim_start_matches(':').trim();
    kilobytes.trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

/// The largest resident memory of this process so far.
fn peak() -> usize {
    status("VmHWM")
}

/// The resident memory of this process.
fn now() -> usize {
    status("VmRSS")
}

fn next(mut block: Vec<u8>) -> Vec<u8> {
    block[0] = block[0].wrapping_add(1);
    block
}

/// A schedule in which two workers run the tasks in turn.
fn in_turn<O>(graph: &Graph<O>) -> Schedule {
    let tasks = graph.task_graph().unwrap();
    let order = tasks.topological_order();
    let of = |parity| {
        let each = order.iter().enumerate();
        let own = each.filter(move |(place, _)| place % 2 == parity);
        own.map(|(_, &task)| task).collect::<Vec<_>>()
    };
    Schedule::from_order(tasks, &Processors::new(2).unwrap(), &[of(0), of(1)]).unwrap()
}

#[test]
fn long_chain_of_large_results_needs_the_memory_of_a_few() {
    isolated(|| {
        let n = 10_000;
        let chain = graph! {
            x[0] = vec![0_u8; MEGABYTE];
            x[t in 1..n] = next(x[t - 1]);
            pub first = x[n - 1][0];
            pub peak = (peak(), first).0;
        };
        let values = Pool::new(1).unwrap().run(&chain).unwrap();
        let values = values.into_values().unwrap();
        assert_eq!(usize::from(values.first), (n - 1) % 256);
        assert!(values.peak < 100 * MEGABYTE, "{}", values.peak);
        assert!(peak() < 200 * MEGABYTE, "{}", peak());
    });
}

#[test]
fn large_results_that_cross_need_the_memory_of_a_few() {
    isolated(|| {
        let n = 600;
        let chain = graph! {
            x[0] = vec![0_u8; MEGABYTE];
            x[t in 1..n] = next(x[t - 1]);
            pub first = x[n - 1][0];
            here = (peak(), first).0;
            there = (peak(), here).0;
            pub peaks = [here, there];
        };
        let pool = Pool::new(2).unwrap();
        let values = pool.run_schedule(&chain, &in_turn(&chain)).unwrap();
        let values = values.into_values().unwrap();
        assert_eq!(usize::from(values.first), (n - 1) % 256);
        for peak in values.peaks {
            assert!(peak < 100 * MEGABYTE, "{peak}");
        }
    });
}

/// The number of tasks to run on one pool. The environment may set a larger one, such as 1,000,000.
fn n_tasks() -> usize {
    let number = std::env::var("AMPEG_MEMORY_TASKS").ok();
    number.map_or(100_000, |number| number.parse().unwrap())
}

#[test]
fn many_tasks_on_one_pool_leak_nothing() {
    isolated(|| {
        const TASKS: usize = 2_000;
        let n = TASKS;
        let graph = graph! {
            a[0] = 1_u64;
            a[t in 1..n - 1] = a[t - 1] + 1;
            memory = (now(), a[n - 2]).0;
        };
        let pool = Pool::new(2).unwrap();
        let run = || {
            let values = pool.run(&graph).unwrap().into_values().unwrap();
            assert_eq!(values.a[n - 2], n as u64 - 1);
            [values.memory, now()]
        };
        // Memory that is allocated once and kept is allocated in the first few runs.
        let after = |runs: usize| (0..runs).fold([0; 2], |_, _| run());
        let before = after(5);
        let last = after(n_tasks() / TASKS);
        for (before, last) in before.into_iter().zip(last) {
            assert!(last < before + 4 * MEGABYTE, "from {before} to {last}");
        }
    });
}
