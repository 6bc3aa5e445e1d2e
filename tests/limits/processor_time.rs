//! Processor time: the system kills a worker that has used up its seconds.

use super::{Place, limit, says};
use crate::isolated::isolated;
use ampeg::graph;
use rustix::process::Resource;

fn spin() -> u64 {
    let mut n = 0_u64;
    loop {
        n = std::hint::black_box(n + 1);
    }
}

#[test]
fn error_names_the_limit() {
    isolated(|| {
        limit(Resource::Cpu, 1);
        let outcome = Place::Processes
            .run(&graph! { long = spin(); short = 1; })
            .unwrap();
        says(
            &outcome.long.unwrap_err(),
            &["SIGKILL", "`ulimit -t` allows this process 1 s"],
        );
        assert_eq!(outcome.short, Ok(1));
    });
}
