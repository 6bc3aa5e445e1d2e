//! Catches panics of user code, with message and location.
//!
//! Only the panic hook of the process knows the location of a panic. [`hook`] ensures that the hook of ampeg is called
//! first. The hook of ampeg prints nothing for a panic that [`catch`] turns into a value, and passes all others to the
//! previous hook.
//!
//! Some panics end the process instead: every panic with `panic = "abort"`, and otherwise a panic that cannot unwind,
//! as in a function that C calls. In a worker process, the hook writes each panic into the [`record`], which the
//! coordinator reads if the worker dies. In other processes, the previous hook prints a panic that ends the process.

use crate::base::bounded;
use crate::base::failure::TaskErrorKind;
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::mem::ManuallyDrop;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::{Mutex, OnceLock, PoisonError};

mod hook;
pub(crate) mod record;

thread_local! {
    /// This variable has no destructor, so it exists for as long as the thread runs any code.
    static CATCHING: ManuallyDrop<Catching> = const {
        ManuallyDrop::new(Catching {
            depth: Cell::new(0),
            ours: Cell::new(0),
            notes: RefCell::new(VecDeque::new()),
        })
    };
}

/// Panics outside any [`catch`]. A thread of the user may pass its panic on to a thread that is inside a [`catch`].
static ELSEWHERE: Mutex<VecDeque<Note>> = Mutex::new(VecDeque::new());

/// Stores the text of a panic where the coordinator can read it, if this process is a worker.
type Keep = Box<dyn Fn(&str) + Send + Sync>;

static RECORD: OnceLock<Keep> = OnceLock::new();

/// The number of panics that are kept for each thread, and in [`ELSEWHERE`].
const MOST_NOTES: usize = 16;

struct Catching {
    depth: Cell<u32>,
    /// How many of the nested calls of [`catch`] are calls of [`catch_ours`].
    ours: Cell<u32>,
    /// The panics since the outermost `catch` began; empty outside it. No user code runs while this is borrowed.
    notes: RefCell<VecDeque<Note>>,
}

/// A panic, as the hook saw it.
#[derive(Debug, Clone)]
struct Note {
    message: String,
    location: Option<String>,
    is_printed: bool,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.location {
            Some(location) => write!(f, "panicked at {location}: {}", self.message),
            None => write!(f, "panicked: {}", self.message),
        }
    }
}

/// Makes the hook pass the text of each panic to `keep`. Only worker processes call this.
pub(crate) fn record_with(keep: impl Fn(&str) + Send + Sync + 'static) {
    // A process becomes a worker once.
    let _ = RECORD.set(Box::new(keep));
    hook::install();
}

/// Runs user code; a panic becomes the error of its task instead of a message on stderr.
pub(crate) fn catch<T>(body: impl FnOnce() -> T) -> Result<T, TaskErrorKind> {
    hook::install();
    CATCHING.with(|catching| catching.depth.update(|depth| depth + 1));
    let result = panic::catch_unwind(AssertUnwindSafe(body)).map_err(|payload| {
        let message = message(&*payload);
        let location = location(&message);
        // The destructor of the payload is user code and may panic. The payload of that panic is leaked, since its
        // destructor may panic, too.
        if let Err(again) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            std::mem::forget(again);
        }
        TaskErrorKind::Panicked { message, location }
    });
    CATCHING.with(|catching| {
        catching.depth.update(|depth| depth - 1);
        if catching.depth.get() == 0 && !catching.notes.borrow().is_empty() {
            catching.notes.take();
        }
    });
    result
}

/// Runs code of a library that panics instead of returning an error, without printing the panic.
pub(crate) fn catch_ours<T>(body: impl FnOnce() -> T) -> Result<T, TaskErrorKind> {
    CATCHING.with(|catching| catching.ours.update(|ours| ours + 1));
    let result = catch(body);
    CATCHING.with(|catching| catching.ours.update(|ours| ours - 1));
    result
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = if let Some(text) = payload.downcast_ref::<&str>() {
        text
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text
    } else {
        "a panic whose payload is not text"
    };
    bounded::display(&text)
}

/// The location of the panic with this message: the last such panic of this thread, or else the last one in
/// [`ELSEWHERE`].
fn location(message: &str) -> Option<String> {
    fn last(notes: &VecDeque<Note>, message: &str) -> Option<String> {
        let note = notes.iter().rfind(|note| note.message == message)?;
        note.location.clone()
    }
    CATCHING
        .with(|catching| last(&catching.notes.borrow(), message))
        .or_else(|| last(&elsewhere(), message))
}

fn elsewhere() -> std::sync::MutexGuard<'static, VecDeque<Note>> {
    ELSEWHERE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn push(notes: &mut VecDeque<Note>, note: Note) {
    if notes.len() == MOST_NOTES {
        notes.pop_front();
    }
    notes.push_back(note);
}

/// Records a panic. Returns false if the previous hook must print it.
fn note(info: &PanicHookInfo<'_>) -> bool {
    let mut note = Note {
        message: message(info.payload()),
        location: info.location().map(ToString::to_string),
        is_printed: true,
    };
    let (is_inside, is_ours) = CATCHING.with(|catching| {
        // The notes are borrowed here only if this crate itself panics.
        let is_inside = catching.depth.get() > 0 && catching.notes.try_borrow_mut().is_ok();
        (is_inside, is_inside && catching.ours.get() > 0)
    });
    let record = RECORD.get();
    if let Some(keep) = record.filter(|_| !is_ours) {
        keep(&note.to_string());
    }
    if !is_inside {
        push(&mut elsewhere(), note);
        return false;
    }
    let is_end = cfg!(panic = "abort") || !can_unwind(info);
    if is_end && record.is_none() {
        // The earlier panics may be the cause of this one.
        let notes = CATCHING.with(|catching| catching.notes.take());
        for note in notes.iter().filter(|note| !note.is_printed) {
            eprintln!("{note}");
        }
        return false;
    }
    note.is_printed = !is_ours && wants_backtrace();
    let is_silent = !note.is_printed;
    CATCHING.with(|catching| push(&mut catching.notes.borrow_mut(), note));
    is_silent
}

/// Whether a panic can unwind, and so become a value. Stable Rust shows this only in the `Debug` output.
fn can_unwind(info: &PanicHookInfo<'_>) -> bool {
    !format!("{info:?}").contains("can_unwind: false")
}

/// Whether the standard library's hook prints a backtrace. The hook then also prints panics that become values.
fn wants_backtrace() -> bool {
    std::env::var_os("RUST_BACKTRACE").is_some_and(|value| value != "0")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::alone;

    fn panicked(body: impl FnOnce()) -> (String, Option<String>) {
        match catch(body) {
            Err(TaskErrorKind::Panicked { message, location }) => (message, location),
            other => unreachable!("{other:?}"),
        }
    }

    fn line(location: Option<String>) -> u32 {
        let location = location.expect("a place");
        assert!(location.starts_with(file!()), "{location}");
        location.split(':').nth_back(1).unwrap().parse().unwrap()
    }

    #[test]
    fn caught_panic_has_message_and_location() {
        let (message, location) = panicked(|| panic!("no {}", "way"));
        assert_eq!(message, "no way");
        assert!(location.unwrap().starts_with(file!()));
    }

    #[test]
    fn payload_that_is_not_text_is_caught() {
        let (message, location) = panicked(|| panic::panic_any(7_u8));
        assert_eq!(message, "a panic whose payload is not text");
        line(location);
    }

    #[test]
    fn payload_that_panics_when_dropped_does_no_harm() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("again");
            }
        }
        assert!(catch(|| panic::panic_any(Bomb)).is_err());
        assert_eq!(catch(|| 3), Ok(3));
    }

    #[test]
    fn location_is_that_of_the_caught_panic() {
        struct Careful;
        impl Drop for Careful {
            fn drop(&mut self) {
                let _ = panic::catch_unwind(|| panic!("caught meanwhile"));
            }
        }
        let here = line!();
        let (message, location) = panicked(|| {
            let _ = panic::catch_unwind(|| panic!("caught before"));
            let _careful = Careful;
            panic!("this one");
        });
        assert_eq!((message.as_str(), line(location)), ("this one", here + 4));
    }

    #[test]
    fn panic_that_another_thread_passes_on_keeps_its_location() {
        let here = line!();
        let (message, location) = panicked(|| {
            let thread = std::thread::spawn(|| panic!("in another thread"));
            panic::resume_unwind(thread.join().unwrap_err());
        });
        assert_eq!(message, "in another thread");
        assert_eq!(line(location), here + 2);
    }

    #[test]
    fn long_message_is_cut() {
        let (message, _) = panicked(|| panic!("{}", "x".repeat(1 << 20)));
        assert!(message.len() < 100_000 && message.ends_with("(cut here, after 65536 bytes)"));
    }

    #[test]
    fn later_hook_keeps_locations_and_does_not_print_values() {
        use std::sync::atomic::{AtomicU32, Ordering};
        static CALLS: AtomicU32 = AtomicU32::new(0);
        let own = || {
            panic::set_hook(Box::new(|_| {
                CALLS.fetch_add(1, Ordering::SeqCst);
            }));
        };
        let name = "later_hook_keeps_locations_and_does_not_print_values";
        let without_backtrace = [("RUST_BACKTRACE", "0".as_ref())];
        alone(module_path!(), name, &without_backtrace, || {
            line(panicked(|| panic!("before")).1);
            own();
            line(panicked(|| panic!("after")).1);
            let in_a_body = || {
                own();
                panic!("at once");
            };
            line(panicked(in_a_body).1);
            drop(panic::take_hook());
            line(panicked(|| panic!("the usual hook")).1);
            own();
            let _ = panic::catch_unwind(|| panic!("of the program's own"));
            assert_eq!(CALLS.load(Ordering::SeqCst), 1);
            // A hook that calls the one before it.
            let before = panic::take_hook();
            panic::set_hook(Box::new(move |info| before(info)));
            line(panicked(|| panic!("by way of another")).1);
        });
    }

    #[test]
    fn hook_is_installed_while_a_panic_unwinds() {
        struct Late;
        impl Drop for Late {
            fn drop(&mut self) {
                line(panicked(|| panic!("late")).1);
            }
        }
        let name = "hook_is_installed_while_a_panic_unwinds";
        alone(module_path!(), name, &[], || {
            let caught = panic::catch_unwind(|| {
                let _late = Late;
                panic!("first");
            });
            assert_eq!(caught.unwrap_err().downcast_ref(), Some(&"first"));
        });
    }
}
