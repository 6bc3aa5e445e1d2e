//! Runs as futures, under the executors of tokio and smol.

#[path = "isolated/mod.rs"]
mod isolated;

use ampeg::{Error, Pool, graph};
use isolated::isolated;
use std::io::Read as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

/// Connects to `bell` to show that the task runs, and waits until the test closes the connection.
fn ring_and_wait(bell: SocketAddr) -> u64 {
    let mut bell = TcpStream::connect(bell).unwrap();
    let _ = bell.read(&mut [0]);
    1
}

fn pools() -> [Pool; 2] {
    let threads = Pool::builder().threads(2).build();
    [Pool::new(2), threads].map(Result::unwrap)
}

async fn sum(pool: &Pool, x: u64) -> Result<u64, Error> {
    let graph = graph! { a = x + 1; b = x + 2; c = a + b; };
    Ok(pool.start(&graph)?.await?.c?)
}

async fn sums(pool: &Pool) -> Result<(), Error> {
    for x in 0..20 {
        assert_eq!(sum(pool, x).await?, 2 * x + 3);
    }
    Ok(())
}

fn tokio() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_time().build().unwrap()
}

#[test]
fn runs_are_awaited_under_tokio() {
    isolated(|| {
        let pools = pools();
        for pool in &pools {
            tokio().block_on(sums(pool)).unwrap();
        }
    });
}

#[test]
fn runs_are_awaited_under_smol() {
    isolated(|| {
        let pools = pools();
        for pool in &pools {
            smol::block_on(sums(pool)).unwrap();
            let (one, two) = smol::block_on(smol::future::zip(sum(pool, 1), sum(pool, 2)));
            assert_eq!((one.unwrap(), two.unwrap()), (5, 7));
        }
    });
}

#[test]
fn executor_runs_other_work_during_a_run() {
    isolated(|| {
        let pool = Pool::new(1).unwrap();
        let bell = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = bell.local_addr().unwrap();
        let graph = graph! { long = ring_and_wait(address); };
        let run = pool.start(&graph).unwrap();
        let (outcome, ()) = smol::block_on(smol::future::zip(run, async {
            drop(smol::unblock(move || bell.accept().unwrap()).await);
        }));
        assert_eq!(outcome.unwrap().long, Ok(1));
    });
}

#[test]
fn future_that_is_dropped_cancels_its_run() {
    isolated(|| {
        let pool = Pool::new(1).unwrap();
        let graph = graph! { long = std::thread::sleep(Duration::from_secs(3600)); };
        tokio().block_on(async {
            let run = pool.start(&graph).unwrap();
            let waited = tokio::time::timeout(Duration::from_millis(10), run).await;
            assert!(waited.is_err());
        });
        assert_eq!(pool.run(&graph! { a = 1; }).unwrap().a, Ok(1));
    });
}

#[test]
fn cancelled_run_wakes_its_waiter() {
    isolated(|| {
        let limit = Duration::from_millis(50);
        let pool = Pool::builder().processes(1).timeout(limit);
        let pool = pool.build().unwrap();
        let graph = graph! { long = std::thread::sleep(Duration::from_secs(3600)); };
        let outcome = smol::block_on(pool.start(&graph).unwrap()).unwrap();
        let error = outcome.long.unwrap_err();
        assert_eq!(error.run_timeout(), Some(limit));
    });
}
