//! Connects to a storage: resolves its name, connects to its port, and checks its TLS.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use reqwest::Client;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::bucket_address::BucketAddress;
use super::faults;
use super::signed_client::{client, knock};
use super::{until_stopped, until_test_stopped};
use crate::domain::fault::Fault;
use crate::domain::storage_check::StorageCheck;
use crate::probe::ProbeContext;

/// Connects with a check for each stage and returns the client; `None` where a check failed or the Test was stopped.
pub(super) async fn reach(place: &BucketAddress, limit: Duration, bench: &mut ProbeContext<'_>) -> Option<Client> {
    let addresses = check_resolve(place, limit, bench).await?;
    let address = check_connect(place, &addresses, limit, bench).await?;
    // It reads the certificate authorities of this host, which does not count for the storage's time.
    let client = client(place, address, limit);
    let made = bench.begin(StorageCheck::Tls);
    let Some(client) = client else {
        bench.fail(&made, faults::client_not_built());
        return None;
    };
    if !place.https {
        bench.pass(&made, "none: the host is written without https://, and the server sends everything in clear");
        return Some(client);
    }
    match until_test_stopped(bench, knock(&client, place)).await? {
        Ok(()) => {
            bench.pass(&made, "encrypted, the certificate is in order");
            Some(client)
        }
        Err(trouble) => {
            bench.fail(&made, faults::trouble(place, &trouble, limit));
            None
        }
    }
}

/// Connects without a Test; the TLS handshake comes with the first request.
pub(super) async fn way(place: &BucketAddress, limit: Duration) -> Result<Client, Fault> {
    let looked_up = timeout(limit, tokio::net::lookup_host((place.host.as_str(), place.port))).await;
    let found = looked_up.map_err(|_| faults::name_server_timeout(place, limit))?;
    let addresses: Vec<SocketAddr> = found.map(Iterator::collect).unwrap_or_default();
    let mut last = None;
    let count = u32::try_from(addresses.len()).unwrap_or(1).max(1);
    for address in addresses {
        match timeout(limit / count, TcpStream::connect(address)).await {
            Ok(Ok(_)) => return client(place, address, limit).ok_or_else(faults::client_not_built),
            Ok(Err(error)) => last = Some(error),
            Err(_) => last = Some(ErrorKind::TimedOut.into()),
        }
    }
    Err(last.map_or_else(|| faults::unresolved_name(place), |error| faults::not_reachable(place, &error, limit)))
}

async fn check_resolve(
    place: &BucketAddress,
    limit: Duration,
    bench: &mut ProbeContext<'_>,
) -> Option<Vec<SocketAddr>> {
    let made = bench.begin(StorageCheck::Resolve);
    let looked_up = timeout(limit, tokio::net::lookup_host((place.host.as_str(), place.port)));
    let found = match until_test_stopped(bench, looked_up).await? {
        Ok(Ok(found)) => found.collect(),
        Ok(Err(_)) => Vec::new(),
        Err(_) => {
            bench.fail(&made, faults::name_server_timeout(place, limit));
            return None;
        }
    };
    let Some(first) = found.first() else {
        bench.fail(&made, faults::unresolved_name(place));
        return None;
    };
    if place.host.parse::<IpAddr>().is_ok() {
        bench.pass(&made, "an address already");
    } else {
        bench.pass(&made, format!("{} is {}", place.host, first.ip()));
    }
    Some(found)
}

async fn check_connect(
    place: &BucketAddress,
    addresses: &[SocketAddr],
    limit: Duration,
    bench: &mut ProbeContext<'_>,
) -> Option<SocketAddr> {
    let made = bench.begin(StorageCheck::Connect);
    let mut last = ErrorKind::AddrNotAvailable.into();
    let count = u32::try_from(addresses.len()).unwrap_or(1).max(1);
    for address in addresses {
        // All addresses of a name share one time limit.
        match until_stopped(bench.stopped, timeout(limit / count, TcpStream::connect(address))).await? {
            Ok(Ok(_)) => {
                bench.pass(&made, format!("{address} answers"));
                return Some(*address);
            }
            Ok(Err(error)) => last = error,
            Err(_) => last = ErrorKind::TimedOut.into(),
        }
    }
    bench.fail(&made, faults::not_reachable(place, &last, limit));
    None
}
