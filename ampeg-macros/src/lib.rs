//! The `graph!` macro of [`ampeg`](https://docs.rs/ampeg).
