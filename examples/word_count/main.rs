//! Counts the words of all text files in a folder, file by file, and adds the counts in a tree: map and reduce.
//!
//! ```text
//!   files     0     1     2     3     4
//!             │     │     │     │     │
//!   count[0]  □     □     □     □     □       one task for each file
//!             └──┬──┘     └──┬──┘     │
//!   count[1]     □           □        □       sums of two, and the last one alone
//!                └─────┬─────┘        │
//!   count[2]           □              □
//!                      └──────┬───────┘
//!   count[3]                  □
//! ```
//!
//! Run it with `cargo run --release --example word_count -- [FOLDER]`; without a folder, it counts its own sources.
//! If a file cannot be read, only the tasks that depend on it fail, and the error names the file.

use ampeg::graph;
use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};

type Counts = BTreeMap<String, u64>;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1);
    let folder =
        folder.unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/examples").to_owned());
    let files = text_files(Path::new(&folder))?;
    let n = files.len();
    if n == 0 {
        return Err(format!("there is no text file in {folder}").into());
    }
    let size = |file: &PathBuf| file.metadata().map_or(0, |data| data.len());
    let sizes: Vec<u64> = files.iter().map(size).collect();

    let depth = n.next_power_of_two().trailing_zeros() as usize;
    let graph = graph! {
        count[0, file in 0..n] = count(&files[file])? @ sizes[file];
        count[level in 1..=depth, k in 0..width(n, level)] =
            sum(count[level - 1][2 * k..(2 * k + 2).min(width(n, level - 1))]) @ 1000 via 100;
        pub all = count[depth][0] via 100;
    };
    let all = graph.run(2)?.into_values()?.all;

    println!(
        "{n} files, {} words, {} different",
        all.values().sum::<u64>(),
        all.len()
    );
    let mut words: Vec<_> = all.into_iter().collect();
    words.sort_by_key(|(word, n)| (std::cmp::Reverse(*n), word.clone()));
    for (word, n) in words.iter().take(10) {
        println!("{n:8}  {word}");
    }
    Ok(())
}

/// The number of sums at a level above `n` files.
fn width(n: usize, level: usize) -> usize {
    n.div_ceil(1 << level)
}

/// All files below a folder with the extension of a text file.
fn text_files(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = folder
            .read_dir()
            .map_err(|error| format!("{}: {error}", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            let extension = path.extension().unwrap_or_default();
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else if ["txt", "md", "rs", "csv"]
                .iter()
                .any(|text| extension == *text)
            {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

fn count(file: &Path) -> Result<Counts, String> {
    let text = std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let text = String::from_utf8_lossy(&text).to_lowercase();
    let mut counts = Counts::new();
    for word in text
        .split(|letter: char| !letter.is_alphabetic())
        .filter(|word| !word.is_empty())
    {
        *counts.entry(word.to_owned()).or_default() += 1;
    }
    Ok(counts)
}

fn sum(counts: Vec<Counts>) -> Counts {
    let mut counts = counts.into_iter();
    let mut sum = counts.next().unwrap_or_default();
    for (word, n) in counts.flatten() {
        *sum.entry(word).or_default() += n;
    }
    sum
}
