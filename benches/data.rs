//! What results cost to move: encoded, decoded, and from worker to worker, against the memory of this machine.
//!
//! All figures of a row are from one run, and the ratio is what counts.
//!
//! Run it with `cargo bench --bench data`.

use ampeg::schedule::{Processors, Schedule};
use ampeg::{Error, Graph, Pool, Shared, graph};
use ipc_channel::ipc::{self, IpcOneShotServer, IpcSender, IpcSharedMemory};
use serde::{Deserialize, Serialize};
use std::hint::black_box;
use std::time::{Duration, Instant};

#[derive(Clone, Serialize, Deserialize)]
struct Table {
    name: String,
    columns: Vec<Vec<f64>>,
}

fn main() -> Result<(), Error> {
    let pool = Pool::new(2)?;
    hop(&pool)?;
    tiny(&pool)?;
    sizes(&pool)
}

/// One dependency across workers against ipc-channel's own hop.
fn hop(pool: &Pool) -> Result<(), Error> {
    let chain = graph! {
        t0 = 1; t1 = t0 + 1; t2 = t1 + 1; t3 = t2 + 1; t4 = t3 + 1;
        t5 = t4 + 1; t6 = t5 + 1; t7 = t6 + 1; t8 = t7 + 1; pub t9 = t8 + 1;
    };
    let apart = apart(&chain)?;
    let near = median(300, || pool.run(&chain).map(drop))?;
    let far = median(300, || pool.run_schedule(&chain, &apart).map(drop))?;
    let hop = far.saturating_sub(near) / 9;
    let raw = raw_hop(pool)?;
    println!("one small result from worker to worker {hop:.1?}");
    println!("a hop of ipc-channel between processes {raw:.1?}");
    println!("ratio {:.2} (bar: 1.5)\n", ratio(hop, raw));
    Ok(())
}

/// What ipc-channel alone takes for a number from one process to another: the other one is a task.
fn raw_hop(pool: &Pool) -> Result<Duration, Error> {
    let (server, name) = IpcOneShotServer::<IpcSender<Ping>>::new().expect("a socket");
    let other = pool.start(&graph! { echo = echo(name); })?;
    let (_, to) = server.accept().expect("a task that connects");
    let (back, here) = ipc::channel().expect("a channel");
    to.send(Ping::To(back)).expect("a listener");
    let hops = median(300, || {
        for number in 0..10 {
            to.send(Ping::Number(number)).expect("a listener");
            here.recv().expect("an answer");
        }
        Ok(())
    })?;
    drop(to);
    other.wait()?;
    Ok(hops / 20)
}

#[derive(Serialize, Deserialize)]
enum Ping {
    To(IpcSender<u64>),
    Number(u64),
}

/// Sends every number back.
fn echo(server: String) {
    let (to, there) = ipc::channel().expect("a channel");
    let server = IpcSender::connect(server).expect("a server");
    server.send(to).expect("a server that accepts");
    let Ok(Ping::To(back)) = there.recv() else {
        return;
    };
    while let Ok(Ping::Number(number)) = there.recv() {
        back.send(number).expect("a listener");
    }
}

/// A chain of tiny tasks on one worker, all results returned.
fn tiny(pool: &Pool) -> Result<(), Error> {
    let tasks = graph! {
        a0 = 1; a1 = a0 + 1; a2 = a1 + 1; a3 = a2 + 1; a4 = a3 + 1; a5 = a4 + 1; a6 = a5 + 1; a7 = a6 + 1;
        b0 = a7 + 1; b1 = b0 + 1; b2 = b1 + 1; b3 = b2 + 1; b4 = b3 + 1; b5 = b4 + 1; b6 = b5 + 1; b7 = b6 + 1;
        c0 = b7 + 1; c1 = c0 + 1; c2 = c1 + 1; c3 = c2 + 1; c4 = c3 + 1; c5 = c4 + 1; c6 = c5 + 1; c7 = c6 + 1;
        d0 = c7 + 1; d1 = d0 + 1; d2 = d1 + 1; d3 = d2 + 1; d4 = d3 + 1; d5 = d4 + 1; d6 = d5 + 1; d7 = d6 + 1;
        e0 = d7 + 1; e1 = e0 + 1; e2 = e1 + 1; e3 = e2 + 1; e4 = e3 + 1; e5 = e4 + 1; e6 = e5 + 1; e7 = e6 + 1;
        f0 = e7 + 1; f1 = f0 + 1; f2 = f1 + 1; f3 = f2 + 1; f4 = f3 + 1; f5 = f4 + 1; f6 = f5 + 1; f7 = f6 + 1;
    };
    let single = graph! { a = 1; };
    let run = median(500, || pool.run(&tasks).map(drop))?;
    let least = median(500, || pool.run(&single).map(drop))?;
    let each = run.saturating_sub(least) / 47;
    println!("a run of one task {least:.1?}; each further tiny task {each:.2?} (bar: 1 µs)\n");
    Ok(())
}

fn sizes(pool: &Pool) -> Result<(), Error> {
    println!("size, what                moved        memory       ratio (bar at 100 MB: 1.3)");
    for kilobytes in [1, 100, 1_000, 10_000, 100_000] {
        let n = kilobytes * 125;
        let written = vec![7_u8; n * 8];
        let memory = median(7, || {
            by_hand(&written);
            Ok(())
        })?;
        let numbers = graph! { made = vec![0.5; n]; pub sum = made.len(); };
        let bytes = graph! { made = vec![7_u8; n * 8]; pub sum = made.len(); };
        let text = graph! { made = "a".repeat(n * 8); pub sum = made.len(); };
        let table = graph! {
            made = Table { name: "table".into(), columns: vec![vec![0.5; n / 5]; 5] };
            pub sum = made.columns.len() + made.name.len();
        };
        let shared = graph! {
            made = Shared::build(n, |numbers: &mut [f64]| numbers.fill(0.5));
            pub sum = made.len();
        };
        row(kilobytes, "Vec<f64>", moved(pool, &numbers)?, memory);
        row(kilobytes, "Vec<u8>", moved(pool, &bytes)?, memory);
        row(kilobytes, "String", moved(pool, &text)?, memory);
        row(kilobytes, "struct", moved(pool, &table)?, memory);
        row(kilobytes, "Shared", moved(pool, &shared)?, memory);
    }
    Ok(())
}

fn row(kilobytes: usize, what: &str, moved: Duration, memory: Duration) {
    let ratio = ratio(moved, memory);
    println!("{kilobytes:>7} KB {what:<12} {moved:>12.1?} {memory:>12.1?} {ratio:>10.2}");
}

/// What a graph costs more if its second task is not where its first is.
fn moved<O>(pool: &Pool, graph: &Graph<O>) -> Result<Duration, Error> {
    let apart = apart(graph)?;
    let near = median(9, || pool.run(graph).map(drop))?;
    let far = median(9, || pool.run_schedule(graph, &apart).map(drop))?;
    Ok(far.saturating_sub(near))
}

/// Writes to new shared memory, and copies out of it.
fn by_hand(made: &[u8]) {
    let memory = IpcSharedMemory::from_bytes(made);
    black_box(memory.to_vec());
}

/// A schedule by hand: each task on the other worker than the one before.
fn apart<O>(graph: &Graph<O>) -> Result<Schedule, Error> {
    let tasks = graph.task_graph()?;
    let order = tasks.topological_order().iter().copied();
    let (even, odd): (Vec<_>, Vec<_>) = (0..).zip(order).partition(|(place, _)| place % 2 == 0);
    let lists = [even, odd].map(|list| list.into_iter().map(|(_, task)| task).collect());
    Schedule::from_order(tasks, &Processors::new(2)?, &lists)
}

fn median(times: usize, run: impl Fn() -> Result<(), Error>) -> Result<Duration, Error> {
    let once = || {
        let start = Instant::now();
        run().map(|()| start.elapsed())
    };
    let mut times = (0..times).map(|_| once()).collect::<Result<Vec<_>, _>>()?;
    times.sort_unstable();
    Ok(times[times.len() / 2])
}

fn ratio(time: Duration, other: Duration) -> f64 {
    time.as_secs_f64() / other.as_secs_f64()
}
