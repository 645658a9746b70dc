//! An address of an observer or a proxy, as inventories and `--host` contain it and connections use it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::diagnosis::is_invisible;

/// The maximum number of endpoints of a cluster: each is waited for in turn.
pub const MOST_ENDPOINTS: usize = 32;

/// The port of an endpoint that names none: an observer's.
pub const OBSERVER_PORT: u16 = 2881;

/// An address to connect to: `10.0.0.1:2881`, `db1`, `[::1]:2883`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Endpoint {
    /// A host name or an address; an IPv6 address without its brackets.
    pub host: String,
    /// The port; [`OBSERVER_PORT`] where none was written.
    pub port: u16,
}

impl FromStr for Endpoint {
    type Err = String;

    /// # Errors
    /// One sentence that says what is wrong with the text.
    fn from_str(text: &str) -> Result<Self, String> {
        // The text is not repeated: it may contain a password.
        let wrong = |why: &str| format!("it is not host:port: {why}");
        if text.contains('@') {
            return Err(wrong("leave the login before the @ out; user and password are given on their own"));
        }
        if text.contains("://") {
            return Err(wrong("leave what stands before :// out"));
        }
        if text.contains(',') {
            return Err(wrong("it is one endpoint; several are written as a list of them"));
        }
        let (host, port) = if let Some(rest) = text.strip_prefix('[') {
            let (host, after) = rest.split_once(']').ok_or_else(|| wrong("the bracket is not closed"))?;
            if host.parse::<std::net::Ipv6Addr>().is_err() {
                return Err(wrong("what is in brackets must be an IPv6 address"));
            }
            match after.strip_prefix(':') {
                Some(port) => (host, Some(port)),
                None if after.is_empty() => (host, None),
                None => return Err(wrong("after the bracket only :port may follow")),
            }
        } else if text.matches(':').count() > 1 {
            return Err(wrong("an IPv6 address is written in brackets, [::1]:2881"));
        } else {
            match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            }
        };
        if host.is_empty() {
            return Err(wrong("the host is missing"));
        }
        if host.starts_with('-') {
            return Err(wrong("a host does not begin with a dash"));
        }
        if host.chars().any(|c| c.is_whitespace() || is_invisible(c) || "/@[]?#,;'\"\\".contains(c)) {
            return Err(wrong("the host has a character that no host name has"));
        }
        let digits = |port: &str| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
        let port = match port {
            None => OBSERVER_PORT,
            Some(port) => match port.parse() {
                Ok(number) if number > 0 && digits(port) => number,
                _ => return Err(wrong("the port must be a number from 1 to 65535")),
            },
        };
        Ok(Self { host: host.to_owned(), port })
    }
}

/// Parses one or several endpoints, as `--host` has them: `10.0.0.1:2881,10.0.0.2:2881`.
///
/// # Errors
/// A sentence that names the one that is none, and why.
pub fn parse_endpoints(text: &str) -> Result<Vec<Endpoint>, String> {
    if text.matches(',').count() >= MOST_ENDPOINTS {
        return Err(format!("there are more than {MOST_ENDPOINTS} endpoints, and each is waited for in turn"));
    }
    let several = text.split(',').count();
    let read = |(at, endpoint): (usize, &str)| {
        let which = |why| if several > 1 { format!("endpoint {} of {several}: {why}", at + 1) } else { why };
        endpoint.trim().parse().map_err(which)
    };
    text.split(',').enumerate().map(read).collect()
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl Serialize for Endpoint {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Endpoint {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Text;
        impl serde::de::Visitor<'_> for Text {
            type Value = Endpoint;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an endpoint such as 10.0.0.1:2881")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Endpoint, E> {
                text.parse().map_err(E::custom)
            }
        }
        from.deserialize_str(Text)
    }
}
