//! Any bytes are decoded or refused as messages between workers and coordinator.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ampeg_runtime::fuzzing::message(bytes));
