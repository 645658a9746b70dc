//! The address of a bucket: builds the URLs of requests from host, path and addressing model of a destination, as the server
//! does.

use std::net::IpAddr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::domain::destination::{Destination, StorageKind};

/// The bytes that are escaped in a path or a query: all but the unreserved ones of RFC 3986.
const ESCAPED_BYTES: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The address of a destination's bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BucketAddress {
    pub(super) kind: StorageKind,
    pub(super) https: bool,
    /// The host to connect to: a name, or an address without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) bucket: String,
    /// The prefix of the directory in the bucket, with a slash at its end; empty for the bucket itself.
    pub(super) prefix: String,
    /// The path before the bucket, which only an emulated Azure account has.
    base: String,
    /// Whether the bucket is part of the host name.
    pub(super) virtual_host: bool,
}

impl BucketAddress {
    /// Returns the address of a destination on object storage; `None` where its host is invalid.
    pub(super) fn of(destination: &Destination) -> Option<Self> {
        let kind = destination.kind();
        let written = destination.attribute("host")?;
        let (https, rest) = match (written.strip_prefix("https://"), written.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (_, Some(rest)) => (false, rest),
            // The server speaks HTTP where no scheme is written (V4 source: `ob_storage_s3_base.cpp`, the OSS and COS
            // libraries); Azure's accounts refuse that by default.
            _ => (kind == StorageKind::Azblob, written),
        };
        let (authority, base) = rest.split_once('/').unwrap_or((rest, ""));
        let (host, port) = host_and_port(authority, if https { 443 } else { 80 })?;
        let (bucket, directory) = destination.path().split_once('/').unwrap_or((destination.path(), ""));
        let is_address = host.parse::<IpAddr>().is_ok();
        let virtual_host = match kind {
            StorageKind::S3 => destination.attribute("addressing_model") != Some("path_style"),
            // Their client libraries use path-style addressing for an IP address.
            StorageKind::Oss | StorageKind::Cos => !is_address,
            StorageKind::Azblob | StorageKind::File => false,
        };
        let host = if virtual_host { format!("{bucket}.{host}") } else { host };
        let prefix = if directory.is_empty() { String::new() } else { format!("{directory}/") };
        let base = base.trim_matches('/').to_owned();
        Some(Self { kind, https, host, port, bucket: bucket.to_owned(), prefix, base, virtual_host })
    }

    /// Returns `s3.example.com`, or `10.0.0.9:9000` where the port is not the default one.
    pub(super) fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let usual = if self.https { 443 } else { 80 };
        if self.port == usual { host } else { format!("{host}:{}", self.port) }
    }

    /// Returns the URL of the service itself.
    pub(super) fn root(&self) -> String {
        format!("{}://{}/", if self.https { "https" } else { "http" }, self.authority())
    }

    /// Returns the URL path of an object, or of the bucket for an empty key.
    fn path(&self, key: &str) -> String {
        let bucket = if self.virtual_host { "" } else { &self.bucket };
        let mut path = String::new();
        for part in [self.base.as_str(), bucket].into_iter().filter(|part| !part.is_empty()) {
            path.push('/');
            path.push_str(part);
        }
        path.push_str(&self.path_in_bucket(key));
        path
    }

    /// Returns the path of an object in its bucket.
    fn path_in_bucket(&self, key: &str) -> String {
        if key.is_empty() {
            // The URL of an Azure container has no slash at its end.
            return if self.kind == StorageKind::Azblob { String::new() } else { "/".to_owned() };
        }
        let parts: Vec<String> = key.split('/').map(escaped).collect();
        format!("/{}", parts.join("/"))
    }

    /// Returns the URL of an object, or of the bucket for an empty key.
    pub(super) fn url(&self, key: &str, query: &[(&str, &str)]) -> String {
        format!("{}{}{}", self.root().trim_end_matches('/'), self.path(key), query_string(query))
    }
}

/// Returns `?a=b&c=d`, or an empty text.
fn query_string(query: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = query.iter().map(|(key, value)| format!("{}={}", escaped(key), escaped(value))).collect();
    if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
}

fn escaped(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED_BYTES).to_string()
}

fn host_and_port(authority: &str, usual: u16) -> Option<(String, u16)> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            (host, port.strip_prefix(':'))
        }
        None => match authority.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | ':');
    if host.is_empty() || !host.chars().all(is_host) {
        return None;
    }
    Some((host.to_owned(), port.map_or(Some(usual), |port| port.parse().ok())?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]
mod tests {
    use super::*;

    fn bucket_and_object_urls(uri: &str) -> [String; 2] {
        let place = BucketAddress::of(&Destination::parse_user(uri).unwrap()).unwrap();
        [place.url("", &[("prefix", "a/b")]), place.url(&format!("{}x y", place.prefix), &[])]
    }

    #[test]
    fn a_bucket_is_addressed_as_the_server_addresses_it() {
        for (uri, wanted) in [
            (
                "s3://b/back/up?host=s3.example.com&access_id=A",
                ["http://b.s3.example.com/?prefix=a%2Fb", "http://b.s3.example.com/back/up/x%20y"],
            ),
            (
                "s3://b/p?host=https://10.0.0.1:9000&access_id=A&addressing_model=path_style",
                ["https://10.0.0.1:9000/b/?prefix=a%2Fb", "https://10.0.0.1:9000/b/p/x%20y"],
            ),
            (
                "s3://b?host=http://[fe80::1]:81&access_id=A&addressing_model=path_style",
                ["http://[fe80::1]:81/b/?prefix=a%2Fb", "http://[fe80::1]:81/b/x%20y"],
            ),
            (
                "oss://b/p?host=oss-cn-x.aliyuncs.com&access_id=A",
                ["http://b.oss-cn-x.aliyuncs.com/?prefix=a%2Fb", "http://b.oss-cn-x.aliyuncs.com/p/x%20y"],
            ),
            ("oss://b/p?host=10.0.0.1&access_id=A", ["http://10.0.0.1/b/?prefix=a%2Fb", "http://10.0.0.1/b/p/x%20y"]),
            (
                "cos://b-1/p?host=https://cos.ap-x.myqcloud.com:443/&access_id=A&appid=1",
                ["https://b-1.cos.ap-x.myqcloud.com/?prefix=a%2Fb", "https://b-1.cos.ap-x.myqcloud.com/p/x%20y"],
            ),
            (
                "azblob://c/p?host=acct.blob.core.windows.net&access_id=A",
                ["https://acct.blob.core.windows.net/c?prefix=a%2Fb", "https://acct.blob.core.windows.net/c/p/x%20y"],
            ),
            (
                "azblob://c/p?host=http://127.0.0.1:10000/acct&access_id=A",
                ["http://127.0.0.1:10000/acct/c?prefix=a%2Fb", "http://127.0.0.1:10000/acct/c/p/x%20y"],
            ),
        ] {
            assert_eq!(bucket_and_object_urls(uri), wanted, "{uri}");
        }
        for host in ["http://", "a:b", "[::1", "a:99999"] {
            let uri = format!("s3://b/p?host={host}&access_id=A");
            assert_eq!(BucketAddress::of(&Destination::parse_user(&uri).unwrap()), None, "{host}");
        }
    }
}
