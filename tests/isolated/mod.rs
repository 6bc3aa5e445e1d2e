//! Runs the body of a test in its own process, with a deadline and a check for remains.

use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

const VARIABLE: &str = "AMPEG_ISOLATED_TEST";
/// The variable that sets the deadline in seconds, to find hangs.
const DEADLINE_VARIABLE: &str = "AMPEG_TEST_DEADLINE";

/// The longest time that a test may take.
fn deadline() -> Duration {
    let seconds = std::env::var(DEADLINE_VARIABLE).map_or(120, |text| text.parse().unwrap());
    Duration::from_secs(seconds)
}

/// Runs `body`, the whole of the calling test, in a process of its own.
///
/// Panics if the body fails, takes too long, or leaves a process or a temporary file behind.
#[allow(dead_code, reason = "not every test file needs it")]
pub(crate) fn isolated<F: FnOnce()>(body: F) {
    let name = name::<F>();
    if is_inside(&name) {
        return body();
    }
    let test = Isolated::start(&name, |_| ());
    let written = test.end(Duration::ZERO);
    assert!(written.status.success(), "{written}");
}

/// Like [`isolated`], with a variable in the environment.
#[allow(dead_code, reason = "not every test file needs it")]
pub(crate) fn isolated_with<F: FnOnce()>((variable, value): (&str, &str), body: F) {
    let prepare = |command: &mut Command| {
        command.env(variable, value);
    };
    as_program(body, prepare, |written| {
        assert!(written.status.success(), "{written}");
    });
}

/// Like [`isolated`], but `prepare` may change the command that starts the process, and `check` gets its end and
/// output.
#[allow(dead_code, reason = "not every test file needs it")]
pub(crate) fn as_program<F: FnOnce()>(
    body: F,
    prepare: impl FnOnce(&mut Command),
    check: impl FnOnce(Written),
) {
    let name = name::<F>();
    if is_inside(&name) {
        return body();
    }
    // A worker may need a moment to see that the program has exited.
    check(Isolated::start(&name, prepare).end(Duration::from_secs(10)));
}

/// The exit status and the output of a process.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl std::fmt::Display for Written {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}\n{}{}", self.status, self.stdout, self.stderr)
    }
}

/// Like [`isolated`], but the process is killed as soon as it prints a line with `ready`.
#[allow(dead_code, reason = "not every test file needs it")]
pub(crate) fn killed_when_ready<F: FnOnce()>(body: F) {
    let name = name::<F>();
    if is_inside(&name) {
        return body();
    }
    let mut test = Isolated::start(&name, |_| ());
    test.wait_for_file("ready");
    test.child.kill().unwrap();
    // A worker may need a moment to see that its caller is gone.
    let written = test.end(Duration::from_secs(10));
    assert!(
        !written.status.success(),
        "it ended before it was killed\n{written}"
    );
}

/// The path of the test in its test program: a closure is named after the function that it is in.
fn name<F>() -> String {
    let path = std::any::type_name::<F>().trim_end_matches("::{{closure}}");
    let (_, name) = path.split_once("::").expect("a test is in a crate");
    name.to_owned()
}

fn is_inside(name: &str) -> bool {
    std::env::var(VARIABLE).is_ok_and(|inside| inside == name)
}

struct Isolated {
    child: Child,
    output: [JoinHandle<String>; 2],
    folder: PathBuf,
}

impl Isolated {
    fn start(name: &str, prepare: impl FnOnce(&mut Command)) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        // The name is short, since the length of a socket's path is limited.
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("ampeg{}-{number}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", name, "--test-threads=1"])
            .env(VARIABLE, name)
            .env("RUST_TEST_NOCAPTURE", "1")
            .env("TMPDIR", &folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        prepare(&mut command);
        let mut child = command.spawn().unwrap();
        let output = [collect(child.stdout.take()), collect(child.stderr.take())];
        Self {
            child,
            output,
            folder,
        }
    }

    fn wait_for_file(&self, name: &str) {
        let start = Instant::now();
        while !self.folder.join(name).exists() {
            assert!(
                start.elapsed() < deadline(),
                "no `{name}` within {:?}",
                deadline()
            );
            sleep(Duration::from_millis(5));
        }
        std::fs::remove_file(self.folder.join(name)).unwrap();
    }

    /// Waits for the end of the process, and then at most `grace` for the end of the processes that it started.
    fn end(mut self, grace: Duration) -> Written {
        let start = Instant::now();
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break Some(status),
                None if start.elapsed() > deadline() => break None,
                None => sleep(Duration::from_millis(5)),
            }
        };
        let ended = Instant::now();
        let group = self.child.id();
        while !left_in_group(group).is_empty() && ended.elapsed() < grace {
            sleep(Duration::from_millis(5));
        }
        let left = left_in_group(group);
        if status.is_none() || !left.is_empty() {
            kill_group(group);
        }
        let [stdout, stderr] = self.output.map(|it| it.join().unwrap());
        let files: Vec<_> = std::fs::read_dir(&self.folder).unwrap().flatten().collect();
        std::fs::remove_dir_all(&self.folder).unwrap();
        let Some(status) = status else {
            panic!("no end within {:?}\n{stdout}{stderr}", deadline());
        };
        let written = Written {
            status,
            stdout,
            stderr,
        };
        assert!(
            left.is_empty(),
            "it left processes behind: {left:?}\n{written}"
        );
        // A process that was killed cannot remove its files.
        assert!(
            files.is_empty() || !status.success(),
            "it left files behind: {files:?}\n{written}"
        );
        written
    }
}

/// Reads everything from a pipe, if there is one, in a new thread.
fn collect(from: Option<impl Read + Send + 'static>) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut from) = from {
            // If reading fails, the bytes that were read so far are used.
            let _ = from.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// The processes of a group that are still alive, as lines of `/proc`; none if the system has no `/proc`.
fn left_in_group(group: u32) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let stats = processes.filter_map(|it| std::fs::read_to_string(it.path().join("stat")).ok());
    let is_left = |stat: &String| {
        // The name, in brackets, may contain any character. The state, the parent and the group follow.
        let mut fields = stat.rsplit(')').next().unwrap_or("").split_whitespace();
        fields.next() != Some("Z") && fields.nth(1) == Some(group.to_string().as_str())
    };
    stats.filter(is_left).collect()
}

fn kill_group(group: u32) {
    // The group may be gone by now.
    let _ = Command::new("kill")
        .args(["-KILL", "--", &format!("-{group}")])
        .status();
}
