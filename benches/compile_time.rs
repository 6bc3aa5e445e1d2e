//! How long does a `graph!` take to compile, and how does that grow with its tasks?
//!
//! Makes a crate with one graph of 10, 100, 300 and 1,000 tasks in turn, in which each task depends on up to three
//! earlier ones and captures one variable, and times `cargo check` and `cargo build` (debug, with linking) of that
//! crate alone: everything below it is built before.
//!
//! Run with `cargo bench --bench compile_time`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, fs, io};

const SIZES: [usize; 4] = [10, 100, 300, 1_000];

/// What 1,000 tasks may take in debug.
const BAR: Duration = Duration::from_secs(5);

fn main() -> io::Result<()> {
    // `cargo test --benches` passes `--test`: compiling crates is no test.
    if env::args().any(|argument| argument == "--test") {
        return Ok(());
    }
    let project = Project::create()?;
    project.time("check", 0)?;
    let empty = project.time("build", 0)?;
    println!(
        "{:>6} {:>9} {:>9} {:>15}",
        "tasks", "check", "build", "build per task"
    );
    for n_tasks in SIZES {
        let check = project.time("check", n_tasks)?;
        let build = project.time("build", n_tasks)?;
        let per_task = build.saturating_sub(empty) / u32::try_from(n_tasks).unwrap_or(u32::MAX);
        println!("{n_tasks:>6} {check:>9.2?} {build:>9.2?} {per_task:>15.2?}");
        if n_tasks == 1_000 && build > BAR {
            println!("       above the bar of {BAR:?}");
        }
    }
    fs::remove_dir_all(&project.root)
}

/// A crate outside the workspace.
struct Project {
    root: PathBuf,
}

impl Project {
    fn create() -> io::Result<Self> {
        let ampeg = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = env::temp_dir().join(format!("ampeg-compile-time-{}", std::process::id()));
        fs::create_dir_all(root.join("src"))?;
        let manifest = format!(
            "[package]\nname = \"compile-time\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\
             [dependencies]\nampeg = {{ path = '{}' }}\n[workspace]\n",
            ampeg.display()
        );
        fs::write(root.join("Cargo.toml"), manifest)?;
        fs::copy(ampeg.join("Cargo.lock"), root.join("Cargo.lock"))?;
        Ok(Self { root })
    }

    /// Runs a cargo command on a graph of so many tasks; the empty one builds all dependencies too.
    fn time(&self, command: &str, n_tasks: usize) -> io::Result<Duration> {
        fs::write(self.root.join("src/main.rs"), program(n_tasks))?;
        self.cargo(command)?;
        // Once more with another text, now that all else is known to be fresh.
        fs::write(self.root.join("src/main.rs"), program(n_tasks) + "\n")?;
        let start = Instant::now();
        self.cargo(command)?;
        Ok(start.elapsed())
    }

    fn cargo(&self, command: &str) -> io::Result<()> {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let status = Command::new(cargo)
            .args([command, "--quiet", "--offline"])
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", self.root.join("target"))
            .env("CARGO_INCREMENTAL", "0")
            .status()?;
        if status.success() {
            Ok(())
        } else {
            Err(io::Error::other(format!("cargo {command} failed")))
        }
    }
}

/// A program with one graph: each task takes up to three earlier ones, by value and by reference, and a capture.
fn program(n_tasks: usize) -> String {
    let mut statements = String::new();
    for task in 0..n_tasks {
        let earlier = |steps: usize| task.checked_sub(steps);
        let arguments = match (earlier(1), earlier(7), earlier(50)) {
            (Some(a), Some(b), Some(c)) => format!("t{a}, &t{b}, t{c}.len()"),
            (Some(a), Some(b), None) => format!("t{a}, &t{b}, 1"),
            (Some(a), None, _) => format!("t{a}, &data, 2"),
            _ => "vec![1.0], &data, 3".to_owned(),
        };
        let cost = 1 + task % 7;
        let _ = match task {
            0 => writeln!(statements, "        t0 = step({arguments}) @ {cost};"),
            _ => writeln!(
                statements,
                "        t{task} = step({arguments}) @ {cost} * k via 0.5;"
            ),
        };
    }
    format!(
        "fn step(mut left: Vec<f64>, right: &[f64], n: usize) -> Vec<f64> {{\n    \
             left.extend(right.iter().take(n));\n    left\n}}\n\n\
         fn main() {{\n    let (data, k) = (vec![1.0, 2.0], 3);\n    \
             let graph = ampeg::graph! {{\n{statements}    }};\n    \
             println!(\"{{:?}} {{}} {{k}}\", graph.run(2).is_ok(), data.len());\n}}\n"
    )
}
