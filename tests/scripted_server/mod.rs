//! Scripted MySQL servers that violate the protocol. Payloads are framed and numbered as the protocol requires; raw bytes are
//! sent unchanged.
#![allow(dead_code, reason = "not every test plays everything")]

use obnow::domain::connection::{Connection, Limits, TlsMode};
use std::sync::{Arc, Mutex};

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// The only authentication plugin that OceanBase has.
pub const NATIVE_PASSWORD: &str = "mysql_native_password";
/// A frame of this length is continued by the next one.
pub const MAX_PACKET_PART: usize = 0xFF_FFFF;

const TLS: u32 = 1 << 11;
const CAPABILITIES: u32 = 1 | 1 << 9 | 1 << 13 | 1 << 15 | 1 << 16 | 1 << 17 | 1 << 19;

#[derive(Clone)]
enum Step {
    Sends(Vec<u8>),
    SendsRaw(Vec<u8>),
    SendsForever(Vec<u8>),
    Receives,
    Tls(Arc<ServerConfig>),
    Closes,
}

/// What a server does on each of its connections; at the end it reads until the client disconnects.
#[derive(Clone, Default)]
pub struct Script(Vec<Step>);

impl Script {
    /// Begins with a greeting that names this plugin.
    pub fn greets(plugin: &str) -> Self {
        Self::default().sends(greeting(plugin, CAPABILITIES))
    }

    /// Begins with a greeting that names this plugin, and then speaks TLS if the client has asked for it.
    pub fn greets_behind_tls(plugin: &str, tls: Arc<ServerConfig>) -> Self {
        Self::default().sends(greeting(plugin, CAPABILITIES | TLS)).receives().then(Step::Tls(tls))
    }

    /// Accepts every login, and answers the first query of a session.
    pub fn accepts_login() -> Self {
        Self::greets(NATIVE_PASSWORD)
            .receives()
            .sends(OK)
            .receives()
            .answers(&["VERSION", "ID"], &[&["5.7.25-OceanBase-v4.2.1.8", "7"]])
    }

    /// Sends a packet.
    pub fn sends(self, payload: impl Into<Vec<u8>>) -> Self {
        self.then(Step::Sends(payload.into()))
    }

    /// Sends a packet again and again without an end.
    pub fn sends_forever(self, payload: impl Into<Vec<u8>>) -> Self {
        self.then(Step::SendsForever(payload.into()))
    }

    /// Sends bytes without a frame.
    pub fn sends_raw(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.then(Step::SendsRaw(bytes.into()))
    }

    /// Sends these bytes in one piece with the first packet.
    pub fn with_first_packet(mut self, bytes: &[u8]) -> Self {
        let Some(Step::Sends(payload)) = self.0.first() else { panic!("it does not begin with a packet") };
        self.0[0] = Step::SendsRaw([&header(payload.len(), 0)[..], payload, bytes].concat());
        self
    }

    /// Reads a packet.
    pub fn receives(self) -> Self {
        self.then(Step::Receives)
    }

    /// Closes the connection.
    pub fn closes(self) -> Self {
        self.then(Step::Closes)
    }

    /// Sends the column definitions of a result set.
    pub fn columns(self, names: &[&str]) -> Self {
        let begun = self.sends([u8::try_from(names.len()).unwrap()]);
        names.iter().fold(begun, |script, name| script.sends(column(name))).sends(END)
    }

    /// Sends a result set.
    pub fn answers(self, names: &[&str], rows: &[&[&str]]) -> Self {
        rows.iter().fold(self.columns(names), |script, row| script.sends(cells(row))).sends(END)
    }

    /// Sends a result set that another one of the same query follows.
    pub fn answers_with_more(self, names: &[&str], rows: &[&[&str]]) -> Self {
        rows.iter().fold(self.columns(names), |script, row| script.sends(cells(row))).sends(END_WITH_MORE)
    }

    fn then(mut self, step: Step) -> Self {
        self.0.push(step);
        self
    }

    /// Opens a port and runs the script for every client.
    pub async fn listen(self) -> ScriptedServer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = listener.local_addr().unwrap().to_string();
        let received: Received = Arc::default();
        let hearing = Arc::clone(&received);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(self.clone(), Box::new(stream), Arc::clone(&hearing)));
            }
        });
        ScriptedServer { endpoint, received }
    }
}

type Received = Arc<Mutex<Vec<Vec<u8>>>>;

/// A running scripted server; it ends with the test.
pub struct ScriptedServer {
    /// Its `host:port`.
    pub endpoint: String,
    received: Received,
}

impl ScriptedServer {
    /// Returns the packets that clients have sent, and what they sent after the end of the script.
    pub fn received(&self) -> Vec<Vec<u8>> {
        self.received.lock().unwrap().clone()
    }
}

/// Done.
pub const OK: [u8; 7] = [0, 0, 0, 2, 0, 0, 0];
/// The end of columns, and of rows.
pub const END: [u8; 5] = [0xFE, 0, 0, 2, 0];

/// The end of the rows of an answer behind which another one follows.
pub const END_WITH_MORE: [u8; 5] = [0xFE, 0, 0, 10, 0];

/// A row.
pub fn cells(row: &[&str]) -> Vec<u8> {
    row.iter().flat_map(|cell| [&[u8::try_from(cell.len()).unwrap()], cell.as_bytes()].concat()).collect()
}

/// An error.
pub fn error(code: u16, text: &[u8]) -> Vec<u8> {
    [&[0xFF], &code.to_le_bytes()[..], b"#HY000", text].concat()
}

/// A switch to another plugin.
pub fn switch(plugin: &str) -> Vec<u8> {
    [b"\xfe", plugin.as_bytes(), b"\0abcdefghijklmnopqrst\0"].concat()
}

/// The definition of a column.
pub fn column(name: &str) -> Vec<u8> {
    let name = cells(&[name]);
    [b"\x03def\0\0\0", &name[..], b"\0\x0c\x2e\0\xff\0\0\0\xfd\0\0\0\0\0"].concat()
}

/// The header of a frame.
pub fn header(length: usize, sequence: u8) -> [u8; 4] {
    let [low, middle, high, ..] = length.to_le_bytes();
    [low, middle, high, sequence]
}

fn greeting(plugin: &str, capabilities: u32) -> Vec<u8> {
    let capabilities = capabilities.to_le_bytes();
    [
        &b"\x0a5.7.25\0\x07\0\0\0ABCDEFGH\0"[..],
        &capabilities[..2],
        b"\x2e\x02\0",
        &capabilities[2..],
        b"\x15\0\0\0\0\0\0\0\0\0\0IJKLMNOPQRST\0",
        plugin.as_bytes(),
        b"\0",
    ]
    .concat()
}

trait Pipe: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Pipe for T {}

/// Runs the script on a connection; `None`: the client disconnected before its end.
async fn serve(script: Script, mut stream: Box<dyn Pipe>, received: Received) -> Option<()> {
    let mut sequence = 0u8;
    for step in script.0 {
        match step {
            Step::Sends(payload) => {
                let frame = [&header(payload.len(), sequence)[..], &payload].concat();
                sequence = sequence.wrapping_add(1);
                stream.write_all(&frame).await.ok()?;
                stream.flush().await.ok()?;
            }
            Step::SendsRaw(bytes) => {
                stream.write_all(&bytes).await.ok()?;
                stream.flush().await.ok()?;
            }
            Step::SendsForever(payload) => loop {
                let mut batch = Vec::new();
                while batch.len() < 1 << 16 {
                    batch.extend_from_slice(&header(payload.len(), sequence));
                    batch.extend_from_slice(&payload);
                    sequence = sequence.wrapping_add(1);
                }
                stream.write_all(&batch).await.ok()?;
            },
            Step::Receives => {
                let mut begin = [0; 4];
                stream.read_exact(&mut begin).await.ok()?;
                let length = usize::from(begin[0]) | usize::from(begin[1]) << 8 | usize::from(begin[2]) << 16;
                let mut payload = vec![0; length];
                stream.read_exact(&mut payload).await.ok()?;
                received.lock().unwrap().push(payload);
                sequence = begin[3].wrapping_add(1);
            }
            Step::Tls(config) => stream = Box::new(TlsAcceptor::from(config).accept(stream).await.ok()?),
            Step::Closes => return Some(()),
        }
    }
    let mut more = vec![0; 1 << 16];
    while let Ok(count @ 1..) = stream.read(&mut more).await {
        received.lock().unwrap().push(more[..count].to_vec());
    }
    Some(())
}

/// Returns a connection with limits that a loaded machine does not reach.
pub fn connection(endpoint: &str, tls: TlsMode) -> Connection {
    Connection {
        endpoints: vec![endpoint.to_owned()],
        user: "root@sys".to_owned(),
        password: None,
        tls,
        ca: None,
        mydumper: None,
        limits: Limits {
            connect: 60_000,
            statement: 120_000,
            poll: 20,
            stall: 120_000,
            archive_wait: 1_000,
            heartbeat: 1_000,
            proof: 1_000,
        },
    }
}
