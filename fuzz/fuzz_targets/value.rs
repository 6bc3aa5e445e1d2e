//! What a worker takes for a result: any bytes are decoded or refused, in bounded memory.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ampeg_runtime::fuzzing::value(bytes));
