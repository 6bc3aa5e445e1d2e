//! Shared memory is sent as a descriptor between processes, and as plain data in other formats.

use super::*;
use crate::value::codec::{decode, encode};
use crate::value::payload::Payload;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Rows {
    data: Shared<[f64]>,
    name: Shared<str>,
    width: usize,
}

fn rows(length: usize) -> Rows {
    Rows {
        data: Shared::from_fn(length, |index| f64::from(u32::try_from(index).unwrap())),
        name: "rows".into(),
        width: 3,
    }
}

#[test]
fn only_a_descriptor_is_sent_and_the_memory_is_shared() {
    let value = rows(1_000_000);
    let payload = encode(&value).unwrap();
    assert!(payload.len() < 100);
    assert_eq!(payload.n_descriptors(), 1);
    let back: Rows = decode(&payload).unwrap();
    assert_eq!(back, value);
    assert_eq!(back.data.as_ptr(), value.data.as_ptr());
}

#[test]
fn small_and_empty_contents_are_copied() {
    for length in [0, 1, 100] {
        let value = rows(length);
        let payload = encode(&value).unwrap();
        assert_eq!(payload.n_descriptors(), 0);
        assert_eq!(decode::<Rows>(&payload).unwrap(), value);
    }
}

#[test]
fn no_message_has_more_descriptors_than_it_may() {
    let many: Vec<Shared<[u8]>> = (0..100_u8)
        .map(|byte| Shared::build(SHARED_FROM, |bytes| bytes.fill(byte)))
        .collect();
    let payload = encode(&many).unwrap();
    assert!(payload.n_descriptors() <= 60);
    assert_eq!(decode::<Vec<Shared<[u8]>>>(&payload).unwrap(), many);
}

#[test]
fn other_formats_see_plain_data() {
    let bytes = postcard::to_stdvec(&rows(5)).unwrap();
    let back: Rows = postcard::from_bytes(&bytes).unwrap();
    assert_eq!(back, rows(5));
    let plain: (Vec<f64>, String, usize) = postcard::from_bytes(&bytes).unwrap();
    assert_eq!(plain.0.len(), 5);
}

#[test]
fn memory_of_another_kind_is_refused() {
    let odd = Shared::build(SHARED_FROM + 1, |bytes: &mut [u8]| bytes.fill(0xff));
    let payload = encode(&odd).unwrap();
    decode::<Shared<[u64]>>(&payload).unwrap_err();
    decode::<Shared<str>>(&payload).unwrap_err();
    let Payload::Attached { bytes, .. } = payload else {
        panic!("it has an attachment");
    };
    decode::<Shared<[u8]>>(&bytes).unwrap_err();
}
