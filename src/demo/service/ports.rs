//! The SQL ports of a fleet. A port stays bound as long as the fleet is served, so that one that refuses connections can listen
//! again later, and no other program answers on it in between.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::demo::connection_registry::ConnectionRegistry;
use crate::demo::server;
use crate::demo::shared_fleet::{EndpointState, SharedFleet};

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 128;

/// How long a port whose listener failed waits before it listens again.
const RETRY_DELAY: Duration = Duration::from_millis(200);

/// Binds that many ports on loopback without listening: connections are refused.
pub(super) fn reserve_ports(count: usize, first: u16) -> io::Result<Vec<(TcpSocket, u16)>> {
    (0..count)
        .map(|index| {
            let offset = u16::try_from(index).map_err(io::Error::other)?;
            let port = if first == 0 { 0 } else { first.checked_add(offset).ok_or(io::ErrorKind::AddrNotAvailable)? };
            bind(port)
        })
        .collect()
}

fn bind(port: u16) -> io::Result<(TcpSocket, u16)> {
    let socket = TcpSocket::new_v4()?;
    // Connections that were cut stay on the port for a while.
    socket.set_reuseaddr(port != 0)?;
    let named = |error: io::Error| io::Error::new(error.kind(), format!("port {port}: {error}"));
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).map_err(named)?;
    let port = socket.local_addr()?.port();
    Ok((socket, port))
}

/// A bound port.
enum ReservedPort {
    /// Connections are refused.
    Reserved(TcpSocket),
    /// Connections are accepted.
    Listening(TcpListener),
}

/// Opens each port as its endpoint state says, and follows that state from then on. When it returns the ports listen, so that
/// the ready line is true.
pub(super) fn open_ports(tasks: &mut JoinSet<()>, model: &Arc<SharedFleet>, reserved: Vec<(TcpSocket, u16)>) {
    let clusters = model.read(|fleet| fleet.endpoints.iter().map(|port| port.cluster).collect::<Vec<_>>());
    let mut registries: Vec<ConnectionRegistry> = Vec::new();
    for (endpoint, (socket, port)) in reserved.into_iter().enumerate() {
        let cluster = clusters.get(endpoint).copied().unwrap_or_default();
        // The servers of a cluster see each other's connections.
        while registries.len() <= cluster {
            registries.push(ConnectionRegistry::new());
        }
        let reserved_port = if model.endpoint_state(endpoint).0 {
            // A port that cannot be bound is a server that is down.
            let Ok(listener) = socket.listen(BACKLOG) else { continue };
            ReservedPort::Listening(listener)
        } else {
            ReservedPort::Reserved(socket)
        };
        tasks.spawn(keep_port(Arc::clone(model), endpoint, registries[cluster].clone(), reserved_port, port));
    }
}

async fn keep_port(
    model: Arc<SharedFleet>,
    endpoint: usize,
    registry: ConnectionRegistry,
    reserved_port: ReservedPort,
    port: u16,
) {
    let mut reserved_port = Some(reserved_port);
    loop {
        let gate = model.endpoint_state(endpoint);
        let differs = wait_for_change(&model, endpoint, gate);
        let listener =
            match reserved_port.take().map_or_else(|| bind(port).map(|(socket, _)| ReservedPort::Reserved(socket)), Ok)
            {
                Ok(ReservedPort::Listening(listener)) if gate.0 => Ok(listener),
                // The endpoint was closed before this started; without a listener the port is only reserved.
                Ok(ReservedPort::Listening(_)) => continue,
                Ok(ReservedPort::Reserved(socket)) if gate.0 => socket.listen(BACKLOG),
                Ok(ReservedPort::Reserved(socket)) => {
                    reserved_port = Some(ReservedPort::Reserved(socket));
                    differs.await;
                    continue;
                }
                Err(error) => Err(error),
            };
        // A port that cannot be bound any more is a server that is down.
        let Ok(listener) = listener else { return };
        let (closing, closed) = watch::channel(false);
        tokio::select! {
            _failed = server::serve_endpoint(Arc::clone(&model), endpoint, listener, registry.clone(), closed) => {
                // It may be out of descriptors: a retry at once would only keep a core busy.
                tokio::time::sleep(RETRY_DELAY).await;
            }
            () = differs => {}
        }
        drop(closing);
    }
}

/// Returns when the state of the endpoint has changed.
async fn wait_for_change(model: &SharedFleet, endpoint: usize, gate: EndpointState) {
    let mut changes = model.subscribe();
    while model.endpoint_state(endpoint) == gate {
        // The sender lives as long as the world.
        let _notified = changes.changed().await;
    }
}
