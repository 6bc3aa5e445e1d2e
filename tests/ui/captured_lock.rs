// Each task gets a copy, so changes behind a `&` are not shared.
#![deny(deprecated)]

use ampeg::graph;
use std::cell::Cell;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

fn main() {
    let sum = Mutex::new(0);
    let calls = AtomicU32::new(0);
    let last = Cell::new(0);
    let plain = 3;
    let _graph = graph! {
        a[i in 0..3] = *sum.lock().unwrap() += i;
        b = calls.fetch_add(plain, Ordering::Relaxed);
        c = last.replace(4);
    };
}
