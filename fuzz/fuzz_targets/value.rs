//! Any bytes are decoded or refused as the result of a task, in bounded memory.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ampeg_runtime::fuzzing::value(bytes));
