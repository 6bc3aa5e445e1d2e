//! Values of user types, whose destructors may panic.

use crate::base::panics;
use std::any::Any;
use std::fmt;
use std::rc::Rc;

/// A result or a captured value. A panic in its destructor is caught, because no task is affected any more.
pub(super) struct UserValue(Option<Rc<dyn Any>>);

impl UserValue {
    pub(super) fn new(value: Rc<dyn Any>) -> Self {
        Self(Some(value))
    }

    /// Another owner of the same value.
    pub(super) fn share(&self) -> Option<Rc<dyn Any>> {
        self.0.clone()
    }

    /// The value. The caller must handle a panic of its destructor.
    pub(super) fn into_inner(mut self) -> Option<Rc<dyn Any>> {
        self.0.take()
    }
}

impl fmt::Debug for UserValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserValue")
    }
}

impl Drop for UserValue {
    fn drop(&mut self) {
        // Only the last owner runs the destructor. Catching a panic takes longer than decrementing the count of
        // owners.
        if let Some(value) = self.0.take().filter(|value| Rc::strong_count(value) == 1) {
            // The panic hook has already recorded the panic.
            let _ = panics::catch(move || drop(value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Explosive;

    impl Drop for Explosive {
        fn drop(&mut self) {
            panic!("on purpose");
        }
    }

    #[test]
    fn destructor_may_panic() {
        drop(UserValue::new(Rc::new(Explosive)));
        let value = UserValue::new(Rc::new(Explosive));
        let other = UserValue::new(value.share().unwrap());
        drop((value, other));
    }
}
