//! Prints the output of workers.

use super::{Piece, Target};
use crate::base::{panics, screen};
use std::io::{self, Write};
use std::str::from_utf8;

/// Prints pieces in order. If the line of another stream is unfinished, each begins a new one.
///
/// Above bars that show progress, each piece ends its line.
pub(super) fn all(pieces: Vec<Piece>, unfinished: &mut [Option<u64>; 2]) {
    // One call for all consecutive pieces of one stream.
    let mut target = Target::Stdout;
    let mut text = Vec::new();
    for mut piece in pieces {
        if piece.target != target {
            one(target, &text);
            text.clear();
            target = piece.target;
        }
        if !piece.bytes.ends_with(b"\n") && is_above_bars(target) {
            piece.bytes.push(b'\n');
        }
        let before = &mut unfinished[target as usize];
        if before.is_some_and(|stream| stream != piece.stream) {
            text.push(b'\n');
        }
        *before = (!piece.bytes.ends_with(b"\n")).then_some(piece.stream);
        if text.is_empty() {
            text = piece.bytes;
        } else {
            text.append(&mut piece.bytes);
        }
    }
    one(target, &text);
}

/// Whether bars are shown on the terminal of the stream.
fn is_above_bars(target: Target) -> bool {
    match target {
        Target::Stdout => screen::is_shown_on(&io::stdout()),
        Target::Stderr => screen::is_shown_on(&io::stderr()),
    }
}

/// Prints to one stream.
fn one(target: Target, bytes: &[u8]) {
    if bytes.is_empty() {
        return;
    }
    if !is_above_bars(target) {
        return write(target, bytes);
    }
    // The program may hold the lock for long. The bars must still be drawn meanwhile.
    match target {
        Target::Stdout => {
            let _lock = io::stdout().lock();
            screen::above(|| write(target, bytes));
        }
        Target::Stderr => {
            let _lock = io::stderr().lock();
            screen::above(|| write(target, bytes));
        }
    }
}

/// The macros print to where the test harness captures output. They panic if no process reads the stream, which is not an
/// error of a task.
fn write(target: Target, bytes: &[u8]) {
    match from_utf8(bytes) {
        Ok(text) if cfg!(panic = "unwind") => {
            let _ = panics::catch_ours(|| match target {
                Target::Stdout => print!("{text}"),
                Target::Stderr => eprint!("{text}"),
            });
        }
        _ => {
            let _ = match target {
                Target::Stdout => io::stdout().write_all(bytes),
                Target::Stderr => io::stderr().write_all(bytes),
            };
        }
    }
    if target == Target::Stdout && !bytes.ends_with(b"\n") {
        let _ = io::stdout().flush();
    }
}
