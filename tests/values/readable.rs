//! Types with different formats for people and programs, where serde buffers values.
//!
//! Serde's buffer always claims to be human-readable, whatever the writer of the value claimed.

use crate::{arrive, arrive_as_json, is_refused};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// A number in compact formats, and words in human-readable ones.
#[derive(Debug, Clone, PartialEq)]
struct Color(u32);

impl Serialize for Color {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(&format_args!("#{:06x}", self.0))
        } else {
            serializer.serialize_u32(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Color {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return u32::deserialize(deserializer).map(Self);
        }
        let text = String::deserialize(deserializer)?;
        let digits = text
            .strip_prefix('#')
            .ok_or_else(|| serde::de::Error::custom("no #"))?;
        u32::from_str_radix(digits, 16)
            .map(Self)
            .map_err(serde::de::Error::custom)
    }
}

/// Can only be written in compact formats.
#[derive(Debug, Clone, PartialEq)]
struct Opaque(u8);

impl Serialize for Opaque {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return Err(serde::ser::Error::custom("it is for programs"));
        }
        serializer.serialize_u8(self.0)
    }
}

impl<'de> Deserialize<'de> for Opaque {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u8::deserialize(deserializer).map(Self)
    }
}

macro_rules! types {
    ($($(#[$attribute:meta])* $kind:ident $name:ident { $($body:tt)* })*) => {
        $(#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        $(#[$attribute])*
        $kind $name { $($body)* })*
    };
}

types! {
    struct Plain { ip: IpAddr, color: Color, list: Vec<SocketAddr>, opaque: Opaque }
    #[serde(untagged)]
    enum Either { Bytes([u8; 4]), Number(u32), Address(Ipv4Addr), Color(Color) }
    #[serde(tag = "type")]
    enum Tagged { Host { ip: IpAddr, color: Color }, Hosts(Hosts) }
    struct Hosts { by_ip: BTreeMap<Ipv4Addr, SocketAddr> }
    struct Flat { id: u8, #[serde(flatten)] host: Tagged }
    struct Conditional { #[serde(skip_serializing_if = "Option::is_none")] ip: Option<IpAddr>, opaque: Opaque }
    #[serde(tag = "t", content = "c")]
    enum Adjacent { Ip(IpAddr), Wide(u128) }
    #[serde(untagged)]
    enum Wide { Signed(i128), Unsigned(u128), Text(String) }
    struct FlatWide { #[serde(flatten)] numbers: BTreeMap<String, i128>, }
    struct Exact { wide: i128, #[serde(skip_serializing_if = "Option::is_none")] other: Option<u128> }
}

fn host(last: u8) -> Tagged {
    Tagged::Host {
        ip: [1, 2, 3, last].into(),
        color: Color(0x12_34_56),
    }
}

#[test]
fn buffered_types_arrive_as_in_json() {
    let (ip, socket) = (Ipv4Addr::LOCALHOST, SocketAddr::from(([1, 2, 3, 4], 5)));
    arrive_as_json(&[
        Either::Bytes([1, 2, 3, 4]),
        Either::Number(4),
        Either::Address([1, 2, 3, 4].into()),
    ]);
    arrive_as_json(&[Either::Color(Color(3))]);
    let hosts = Tagged::Hosts(Hosts {
        by_ip: [(ip, socket)].into(),
    });
    arrive(&[host(4), hosts.clone()]);
    arrive(&[vec![host(4), hosts.clone()], vec![]]);
    arrive(&[
        Flat {
            id: 1,
            host: host(5),
        },
        Flat { id: 2, host: hosts },
    ]);
    arrive(&[Adjacent::Ip(ip.into()), Adjacent::Wide(u128::MAX)]);
    arrive(&[Plain {
        ip: ip.into(),
        color: Color(7),
        list: vec![socket; 3],
        opaque: Opaque(3),
    }]);
}

#[test]
fn types_for_programs_alone_arrive_beside_fields_that_are_left_out() {
    let ip = Some(Ipv4Addr::LOCALHOST.into());
    arrive(&[
        Conditional {
            ip,
            opaque: Opaque(1),
        },
        Conditional {
            ip: None,
            opaque: Opaque(2),
        },
    ]);
}

#[test]
fn numbers_of_128_bits_that_are_buffered_are_refused_by_name() {
    for value in [Wide::Signed(-1), Wide::Unsigned(u128::MAX)] {
        is_refused(&value, &["Wide", "128 bits", "`untagged`"]);
    }
    arrive(&[Wide::Text("1".into())]);
    let numbers = [("a".to_owned(), 3)].into();
    is_refused(
        &FlatWide { numbers },
        &["FlatWide", "128 bits", "`flatten`"],
    );
    for other in [None, Some(u128::MAX)] {
        arrive(&[Exact {
            wide: i128::MIN,
            other,
        }]);
    }
}

#[test]
fn json_text_arrives() {
    let text = r#"{"a": [1, 2.50]}"#.to_owned();
    let raw = serde_json::value::RawValue::from_string(text.clone()).unwrap();
    let back = crate::round_trip(&(1_u8, raw)).unwrap();
    assert_eq!(back.1.get(), text);
}
