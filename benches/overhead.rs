//! Measures the overhead of a run, a task and a dependency, compared with operations of the system.
//!
//! All figures of a row are from one run. Compare the ratios, since other load on the machine changes both times.
//!
//! Run it with `cargo bench --bench overhead`.

use ampeg::{Error, Graph, Pool, Values, graph};
use ipc_channel::ipc::{self, IpcOneShotServer, IpcSender};
use serde::{Deserialize, Serialize};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use timing::{apart, median, middle, ratio};

mod timing;

/// The variable that makes a process of this program do nothing.
const NOTHING: &str = "AMPEG_BENCH_NOTHING";

fn main() -> Result<(), Error> {
    if std::env::var_os(NOTHING).is_some() {
        return Ok(());
    }
    start_up()?;
    let pool = Pool::new(2)?;
    tiny(&pool)?;
    hop(&pool)
}

/// A first run on workers that are started for it, compared with starting as many processes that do nothing: of the
/// small program `true`, and of this program, as workers are.
fn start_up() -> Result<(), Error> {
    println!(
        "workers   first results   `true`   ratio (bar: 2)   this program   ratio   with the end"
    );
    for n in [1, 2, 4, 8] {
        let graph = graph! { part[i in 0..n] = i; };
        let (mut first, mut all) = (Vec::new(), Vec::new());
        for _ in 0..31 {
            let start = Instant::now();
            let pool = Pool::new(n)?;
            let _ = pool.run(&graph)?;
            first.push(start.elapsed());
            drop(pool);
            all.push(start.elapsed());
        }
        let (ours, all) = (middle(first), middle(all));
        let time_of = |start: &dyn Fn() -> Command| {
            median(31, || {
                trivial_processes(n, start);
                Ok(())
            })
        };
        let small = time_of(&|| Command::new("true"))?;
        let same = time_of(&nothing)?;
        let (ratio, ratio_to_same) = (ratio(ours, small), ratio(ours, same));
        println!(
            "{n:>7} {ours:>15.1?} {small:>8.1?} {ratio:>16.2} {same:>14.1?} {ratio_to_same:>7.2} {all:>14.1?}"
        );
    }
    println!();
    Ok(())
}

/// A command that starts this program, which then does nothing.
fn nothing() -> Command {
    let mut command = Command::new(std::env::current_exe().expect("the path of this program"));
    command.env(NOTHING, "");
    command
}

fn trivial_processes(n: usize, command: &dyn Fn() -> Command) {
    let start = |_| command().stdin(Stdio::null()).spawn();
    let children: Vec<_> = (0..n).map(start).collect();
    for child in children {
        child
            .and_then(|mut child| child.wait())
            .expect("a program that does nothing");
    }
}

/// Tiny tasks on workers that are kept, all results returned.
fn tiny(pool: &Pool) -> Result<(), Error> {
    const TASKS: u32 = 2_000;
    let n = TASKS as usize;
    let single = graph! { a = 1; };
    let chain = || graph! { a[0] = 1_u64; a[i in 1..n] = a[i - 1] + 1; };
    let wide = || graph! { a[i in 0..n] = i; };
    let least = median(300, || pool.run(&single).map(drop))?;
    println!("a run of one task {least:.1?}");
    println!("each further tiny task      again   a new graph");
    let each = |run: Duration| run.saturating_sub(least) / TASKS;
    let chains = (again(pool, &chain())?, first(pool, chain)?);
    let (known, new) = (each(chains.0), each(chains.1));
    println!("in a chain on one worker {known:>8.2?} {new:>13.2?} (bar: 1 µs)");
    let wides = (again(pool, &wide())?, first(pool, wide)?);
    let (known, new) = (each(wides.0), each(wides.1));
    println!("side by side on two      {known:>8.2?} {new:>13.2?}\n");
    Ok(())
}

/// A run of a graph that was run just before.
fn again<V: Values>(pool: &Pool, graph: &Graph<V>) -> Result<Duration, Error> {
    median(100, || pool.run(graph).map(drop))
}

/// A run of a graph that is new to the pool, so the graph is scheduled and sent to the workers.
fn first<V: Values>(pool: &Pool, graph: impl Fn() -> Graph<V>) -> Result<Duration, Error> {
    let mut graphs: Vec<_> = (0..100).map(|_| graph()).collect();
    median(100, || match graphs.pop() {
        Some(graph) => pool.run(&graph).map(drop),
        None => Ok(()),
    })
}

/// One dependency across workers, compared with a message of ipc-channel.
fn hop(pool: &Pool) -> Result<(), Error> {
    const HOPS: u32 = 100;
    let n = HOPS as usize;
    let chain = graph! { a[0] = 1_u64; a[i in 1..=n] = a[i - 1] + 1; pub last = a[n]; };
    let apart = apart(&chain)?;
    let near = median(100, || pool.run(&chain).map(drop))?;
    let far = median(100, || pool.run_schedule(&chain, &apart).map(drop))?;
    let hop = far.saturating_sub(near) / HOPS;
    let raw = raw_hop(pool)?;
    println!("one small result from worker to worker {hop:.1?}");
    println!("a hop of ipc-channel between processes {raw:.1?}");
    println!("ratio {:.2} (bar: 1.5)", ratio(hop, raw));
    Ok(())
}

/// The time of ipc-channel alone to send a number to another process, which is a task, and back, divided by two.
fn raw_hop(pool: &Pool) -> Result<Duration, Error> {
    let (server, name) = IpcOneShotServer::<IpcSender<Ping>>::new().expect("a socket");
    let other = pool.start(&graph! { echo = echo(name); })?;
    let (_, to) = server.accept().expect("a task that connects");
    let (back, here) = ipc::channel().expect("a channel");
    to.send(Ping::To(back)).expect("a listener");
    let hops = median(200, || {
        for number in 0..50 {
            to.send(Ping::Number(number)).expect("a listener");
            here.recv().expect("an answer");
        }
        Ok(())
    })?;
    drop(to);
    let _ = other.wait()?;
    Ok(hops / 100)
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
