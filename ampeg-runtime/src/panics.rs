//! Panics of user code as values, with message and place.

use crate::failure::TaskErrorKind;
use std::any::Any;
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;

thread_local! {
    static CATCHING: RefCell<Catching> = const { RefCell::new(Catching { depth: 0, location: None }) };
}

struct Catching {
    depth: u32,
    location: Option<String>,
}

/// Runs user code; a panic becomes the error of its task instead of a message on stderr.
pub(crate) fn catch<T>(body: impl FnOnce() -> T) -> Result<T, TaskErrorKind> {
    install_hook();
    CATCHING.with_borrow_mut(|catching| catching.depth += 1);
    let result = panic::catch_unwind(AssertUnwindSafe(body)).map_err(|payload| {
        let location = CATCHING.with_borrow_mut(|catching| catching.location.take());
        let message = message(&*payload);
        // The payload is of the user's own type, whose destructor may panic in turn, and so may that panic's.
        if let Err(again) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            std::mem::forget(again);
        }
        TaskErrorKind::Panicked { message, location }
    });
    CATCHING.with_borrow_mut(|catching| {
        catching.depth -= 1;
        catching.location = None;
    });
    result
}

fn message(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "a panic whose payload is no text".to_owned()
    }
}

/// Adds to the process's panic hook: inside [`catch`] it notes the place, elsewhere all is as before.
fn install_hook() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !note(info) {
                previous(info);
            }
        }));
    });
}

/// Notes the place of a panic that [`catch`] will turn into a value.
fn note(info: &PanicHookInfo<'_>) -> bool {
    CATCHING.with(|catching| {
        let Ok(mut catching) = catching.try_borrow_mut() else {
            return false;
        };
        if catching.depth > 0 {
            catching.location = info.location().map(ToString::to_string);
        }
        catching.depth > 0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panicked(body: impl FnOnce()) -> (String, Option<String>) {
        match catch(body) {
            Err(TaskErrorKind::Panicked { message, location }) => (message, location),
            other => unreachable!("{other:?}"),
        }
    }

    #[test]
    fn panic_gives_message_and_place() {
        let (message, location) = panicked(|| panic!("no {}", "way"));
        assert_eq!(message, "no way");
        assert!(location.unwrap().contains("panics.rs:"));
    }

    #[test]
    fn payload_that_is_no_text_is_a_panic_like_any_other() {
        let (message, _) = panicked(|| panic::panic_any(7_u8));
        assert_eq!(message, "a panic whose payload is no text");
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
}
