//! A proxy in front of one endpoint that knows where a statement begins and ends: it cuts and freezes exactly there, reroutes,
//! and counts, so that a test can prove that its fault has happened.
#![allow(dead_code, reason = "not every test breaks everything")]

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

/// The point at which a connection breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakPoint {
    /// The statement does not arrive, and the connection breaks on both sides.
    CutBeforeSend,
    /// The statement arrives, and the connection breaks at once.
    CutAfterSend,
    /// The statement arrives, and the connection breaks when the reply comes.
    CutBeforeReply,
    /// The statement does not arrive, and both connections stay open.
    FreezeBeforeSend,
    /// The statement arrives, its reply does not, and both connections stay open.
    FreezeAfterSend,
}

#[derive(Default)]
struct State {
    /// Where connections lead, in the order in which they come; the last one is for all that follow.
    route_to: Vec<SocketAddr>,
    rule: Option<(String, BreakPoint)>,
    /// What happens to every statement with this word, on any connection.
    break_every: Option<(String, BreakPoint)>,
    /// Every text that came, in the order in which they came.
    texts: Vec<String>,
    /// In every statement the first text is replaced by the second, which is as long.
    replaced: Option<(String, String)>,
    broken_statements: usize,
    accepted: usize,
    frozen: bool,
    closed: bool,
    open: Vec<(TcpStream, TcpStream)>,
}

type Shared = Arc<(Mutex<State>, Condvar)>;

/// A proxy; it ends with the process.
pub struct Proxy {
    address: SocketAddr,
    shared: Shared,
}

/// How the answers of one connection fare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answers {
    Pass,
    Cut,
    Swallow,
}

impl Proxy {
    /// Starts a proxy in front of this port.
    pub fn in_front_of(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared: Shared = Arc::default();
        shared.0.lock().unwrap().route_to = vec![address_of(port)];
        let serving = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                accept(&serving, client.unwrap());
            }
        });
        Self { address, shared }
    }

    /// Its `host:port`.
    pub fn endpoint(&self) -> String {
        self.address.to_string()
    }

    /// Breaks the connection at the first statement with this prefix.
    pub fn break_first(&self, prefix: &str, break_point: BreakPoint) {
        self.change(|state| state.rule = Some((prefix.to_owned(), break_point)));
    }

    /// Freezes every statement with this word before it arrives; all others pass.
    pub fn freeze_statements_with(&self, word: &str) {
        self.break_every(word, BreakPoint::FreezeBeforeSend);
    }

    /// Breaks the connection at every statement with this word.
    pub fn break_every(&self, word: &str, break_point: BreakPoint) {
        self.change(|state| state.break_every = Some((word.to_owned(), break_point)));
    }

    /// Takes the query texts that have come since the last call.
    pub fn texts(&self) -> Vec<String> {
        self.change(|state| std::mem::take(&mut state.texts))
    }

    /// Replaces a text in every statement by another of the same length.
    pub fn replaces(&self, text: &str, by: &str) {
        assert_eq!(text.len(), by.len(), "the length stands in front of the statement");
        self.change(|state| state.replaced = Some((text.to_owned(), by.to_owned())));
    }

    /// Returns how many statements were broken.
    pub fn broken_statements(&self) -> usize {
        self.change(|state| state.broken_statements)
    }

    /// Returns how many connections were accepted.
    pub fn accepted(&self) -> usize {
        self.change(|state| state.accepted)
    }

    /// Routes new connections to another port.
    pub fn route_to(&self, port: u16) {
        self.change(|state| state.route_to = vec![address_of(port)]);
    }

    /// Routes the connections after `more` further ones to another port.
    pub fn route_to_after(&self, more: usize, port: u16) {
        self.change(|state| {
            let now = state.route_to[0];
            state.route_to = std::iter::repeat_n(now, more).chain([address_of(port)]).collect();
        });
    }

    /// Cuts every connection.
    pub fn cut(&self) {
        self.change(|state| {
            for (client, server) in state.open.drain(..) {
                let _ = client.shutdown(Shutdown::Both);
                let _ = server.shutdown(Shutdown::Both);
            }
        });
    }

    /// Cuts the server's side only: a frozen statement will never arrive.
    pub fn cut_servers(&self) {
        self.change(|state| {
            for (_, server) in &state.open {
                let _ = server.shutdown(Shutdown::Both);
            }
        });
    }

    /// Freezes all traffic in both directions; connections are accepted as before.
    pub fn freeze(&self) {
        self.change(|state| state.frozen = true);
    }

    /// Connections are closed as soon as they come.
    pub fn close(&self) {
        self.change(|state| state.closed = true);
        self.cut();
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let outcome = change(&mut self.shared.0.lock().unwrap());
        self.shared.1.notify_all();
        outcome
    }
}

fn address_of(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

fn accept(shared: &Shared, client: TcpStream) {
    let mut state = shared.0.lock().unwrap();
    state.accepted += 1;
    let to = if state.route_to.len() > 1 { state.route_to.remove(0) } else { state.route_to[0] };
    if state.closed {
        return;
    }
    let Ok(server) = TcpStream::connect(to) else { return };
    state.open.push((client.try_clone().unwrap(), server.try_clone().unwrap()));
    drop(state);
    let answers = Arc::new(Mutex::new(Answers::Pass));
    let (from_client, to_client) = (client.try_clone().unwrap(), client);
    let (from_server, to_server) = (server.try_clone().unwrap(), server);
    let (one, other) = (Arc::clone(shared), Arc::clone(shared));
    let told = Arc::clone(&answers);
    std::thread::spawn(move || asks(&one, from_client, to_server, &told));
    std::thread::spawn(move || answer(&other, from_server, to_client, &answers));
}

/// Waits while everything is frozen.
fn thawed(shared: &Shared) {
    let state = shared.0.lock().unwrap();
    drop(shared.1.wait_while(state, |state| state.frozen).unwrap());
}

/// Packets of the client, whole: three bytes of length, one of sequence, then the payload; 0x03 is a statement.
fn asks(shared: &Shared, mut client: TcpStream, mut server: TcpStream, answers: &Mutex<Answers>) {
    loop {
        let mut packet = vec![0; 4];
        if client.read_exact(&mut packet).is_err() {
            break;
        }
        let length = usize::from(packet[0]) | usize::from(packet[1]) << 8 | usize::from(packet[2]) << 16;
        // The login follows the server's greeting and is the client's first packet, numbered 1; statements begin anew at 0.
        let statement = packet[3] == 0;
        packet.resize(4 + length, 0);
        if client.read_exact(&mut packet[4..]).is_err() {
            break;
        }
        thawed(shared);
        if statement {
            replace(shared, &mut packet[4..]);
        }
        match statement.then(|| broken(shared, &packet[4..])).flatten() {
            None => {}
            Some(BreakPoint::CutBeforeSend) => break,
            Some(BreakPoint::CutAfterSend) => {
                // An answer that is faster than the cut does not pass either.
                *answers.lock().unwrap() = Answers::Cut;
                let _ = server.write_all(&packet);
                break;
            }
            Some(BreakPoint::CutBeforeReply) => *answers.lock().unwrap() = Answers::Cut,
            Some(BreakPoint::FreezeAfterSend) => *answers.lock().unwrap() = Answers::Swallow,
            Some(BreakPoint::FreezeBeforeSend) => {
                // Neither side learns that the other one leaves.
                let _ = std::io::copy(&mut client, &mut std::io::sink());
                return;
            }
        }
        if server.write_all(&packet).is_err() {
            break;
        }
    }
    if *answers.lock().unwrap() == Answers::Swallow {
        return;
    }
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
}

fn replace(shared: &Shared, payload: &mut [u8]) {
    let mut state = shared.0.lock().unwrap();
    let Some((text, by)) = state.replaced.clone() else { return };
    if let Some(address_of) = payload.windows(text.len()).position(|window| window == text.as_bytes()) {
        payload[address_of..address_of + by.len()].copy_from_slice(by.as_bytes());
        state.broken_statements += 1;
    }
}

/// Returns where to break this statement: the first rule applies once, the other one always.
fn broken(shared: &Shared, payload: &[u8]) -> Option<BreakPoint> {
    let mut state = shared.0.lock().unwrap();
    if payload.first() == Some(&3) {
        let text = String::from_utf8_lossy(&payload[1..]).into_owned();
        let break_point =
            state.break_every.as_ref().filter(|(word, _)| text.contains(word)).map(|(_, break_point)| *break_point);
        state.texts.push(text);
        if break_point.is_some() {
            state.broken_statements += 1;
            return break_point;
        }
    }
    let (prefix, break_point) = state.rule.clone()?;
    let begins = payload.first() == Some(&3) && payload[1..].starts_with(prefix.as_bytes());
    begins.then(|| {
        state.rule = None;
        state.broken_statements += 1;
        break_point
    })
}

fn answer(shared: &Shared, mut server: TcpStream, mut client: TcpStream, answers: &Mutex<Answers>) {
    let mut bytes = [0; 16 * 1024];
    while let Ok(length @ 1..) = server.read(&mut bytes) {
        thawed(shared);
        let fares = *answers.lock().unwrap();
        match fares {
            Answers::Swallow => {}
            Answers::Cut => break,
            Answers::Pass => {
                if client.write_all(&bytes[..length]).is_err() {
                    break;
                }
            }
        }
    }
    if *answers.lock().unwrap() == Answers::Swallow {
        return;
    }
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
}
