//! What workers and coordinator read from each other: any bytes are decoded or refused.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ampeg_runtime::fuzzing::message(bytes));
