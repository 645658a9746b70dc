//! A proxy in front of one endpoint that knows where a statement begins and ends: it cuts and freezes exactly there, reroutes,
//! and counts, so that a test can prove that its fault has happened.
#![allow(dead_code, reason = "not every test breaks everything")]

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

/// The point at which a connection breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Does {
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
    leads_to: Vec<SocketAddr>,
    rule: Option<(String, Does)>,
    /// What happens to every statement with this word, on any connection.
    always: Option<(String, Does)>,
    /// Every text that came, in the order in which they came.
    texts: Vec<String>,
    /// In every statement the first text is replaced by the second, which is as long.
    replaced: Option<(String, String)>,
    hits: usize,
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
    pub fn before(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared: Shared = Arc::default();
        shared.0.lock().unwrap().leads_to = vec![at(port)];
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
    pub fn breaks(&self, prefix: &str, does: Does) {
        self.change(|state| state.rule = Some((prefix.to_owned(), does)));
    }

    /// Freezes every statement with this word before it arrives; all others pass.
    pub fn is_silent_about(&self, word: &str) {
        self.always(word, Does::FreezeBeforeSend);
    }

    /// Breaks the connection at every statement with this word.
    pub fn always(&self, word: &str, does: Does) {
        self.change(|state| state.always = Some((word.to_owned(), does)));
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
    pub fn hits(&self) -> usize {
        self.change(|state| state.hits)
    }

    /// Returns how many connections were accepted.
    pub fn accepted(&self) -> usize {
        self.change(|state| state.accepted)
    }

    /// Routes new connections to another port.
    pub fn leads_to(&self, port: u16) {
        self.change(|state| state.leads_to = vec![at(port)]);
    }

    /// Routes the connections after `more` further ones to another port.
    pub fn leads_to_after(&self, more: usize, port: u16) {
        self.change(|state| {
            let now = state.leads_to[0];
            state.leads_to = std::iter::repeat_n(now, more).chain([at(port)]).collect();
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
    pub fn forget_servers(&self) {
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

fn at(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

fn accept(shared: &Shared, client: TcpStream) {
    let mut state = shared.0.lock().unwrap();
    state.accepted += 1;
    let to = if state.leads_to.len() > 1 { state.leads_to.remove(0) } else { state.leads_to[0] };
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
            Some(Does::CutBeforeSend) => break,
            Some(Does::CutAfterSend) => {
                // An answer that is faster than the cut does not pass either.
                *answers.lock().unwrap() = Answers::Cut;
                let _ = server.write_all(&packet);
                break;
            }
            Some(Does::CutBeforeReply) => *answers.lock().unwrap() = Answers::Cut,
            Some(Does::FreezeAfterSend) => *answers.lock().unwrap() = Answers::Swallow,
            Some(Does::FreezeBeforeSend) => {
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
    if let Some(at) = payload.windows(text.len()).position(|window| window == text.as_bytes()) {
        payload[at..at + by.len()].copy_from_slice(by.as_bytes());
        state.hits += 1;
    }
}

/// Returns where to break this statement: the first rule applies once, the other one always.
fn broken(shared: &Shared, payload: &[u8]) -> Option<Does> {
    let mut state = shared.0.lock().unwrap();
    if payload.first() == Some(&3) {
        let text = String::from_utf8_lossy(&payload[1..]).into_owned();
        let does = state.always.as_ref().filter(|(word, _)| text.contains(word)).map(|(_, does)| *does);
        state.texts.push(text);
        if does.is_some() {
            state.hits += 1;
            return does;
        }
    }
    let (prefix, does) = state.rule.clone()?;
    let begins = payload.first() == Some(&3) && payload[1..].starts_with(prefix.as_bytes());
    begins.then(|| {
        state.rule = None;
        state.hits += 1;
        does
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
