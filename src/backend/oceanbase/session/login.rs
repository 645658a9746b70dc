//! Logs in: with TLS where it is configured, and by `mysql_native_password`. No other plugin is answered, so that nothing
//! derived from the password is sent except a proof that is useless on another connection.

use sha1::{Digest, Sha1};
use zeroize::Zeroizing;

use super::client_error::{ClientError, ErrorPacket, MAX_LOGIN_PACKET, ReadLimit};
use super::packet_reader::PacketReader;
use super::packet_stream::{ByteStream, PacketStream};
use super::tls;
use crate::domain::connection::TlsMode;
use crate::domain::secret::Secret;

/// The one supported authentication plugin.
const NATIVE_PASSWORD: &str = "mysql_native_password";
/// The plugin of a server without plugins, or of a switch that names none.
const OLD_PASSWORD: &str = "mysql_old_password";
/// The challenge of a server, in bytes.
const CHALLENGE_BYTES: usize = 20;
/// `utf8mb4_general_ci`.
const CHARSET: u8 = 45;
/// The packet limit that the client announces to the server.
const MAX_PACKET: u32 = 1 << 24;

const PROTOCOL_41: u32 = 1 << 9;
const TLS: u32 = 1 << 11;
const TRANSACTIONS: u32 = 1 << 13;
const SECURE_CONNECTION: u32 = 1 << 15;
const MULTI_STATEMENTS: u32 = 1 << 16;
const PLUGIN_AUTH: u32 = 1 << 19;

/// User, password and TLS settings of a login.
pub(super) struct LoginRequest<'a> {
    /// The host's name, for its certificate.
    pub(super) host: &'a str,
    /// `root@sys`, `root@sys#cluster`.
    pub(super) user: &'a str,
    /// `None` where there is no password.
    pub(super) password: Option<&'a Secret>,
    /// The configured encryption.
    pub(super) tls: TlsMode,
    /// The CA's certificates in PEM, for the verifying modes.
    pub(super) ca: Option<&'a [u8]>,
    /// Whether the server is asked to accept several statements in one text. No OceanBase offers that in its greeting.
    pub(super) several: bool,
}

/// The contents of a server greeting.
struct Greeting {
    capabilities: u32,
    challenge: [u8; CHALLENGE_BYTES],
    plugin: String,
}

/// Logs in on a new connection.
///
/// # Errors
/// The server refused, or the connection failed.
pub(super) async fn log_in(
    stream: impl ByteStream + 'static,
    login: &LoginRequest<'_>,
) -> Result<PacketStream, ClientError> {
    let mut packets = PacketStream::new(stream);
    let greeting = Greeting::read(&packets.next(fits).await?)?;
    check_plugin(&greeting.plugin)?;
    let mut capabilities = PROTOCOL_41 | SECURE_CONNECTION | greeting.capabilities & (TRANSACTIONS | PLUGIN_AUTH);
    if login.several {
        capabilities |= MULTI_STATEMENTS;
    }
    let offered = greeting.capabilities & TLS != 0;
    if login.tls != TlsMode::Off && (offered || login.tls != TlsMode::Prefer) {
        if !offered {
            return Err(ClientError::Tls("the server does not support TLS".to_owned()));
        }
        capabilities |= TLS;
        packets.send(&response_head(capabilities)).await?;
        let (stream, sequence) = packets.into_stream()?;
        packets = PacketStream::going_on(tls::over(stream, login).await?, sequence);
    }
    let proof = proof(login.password, &greeting.challenge);
    let mut response = response_head(capabilities);
    response.extend_from_slice(login.user.as_bytes());
    response.push(0);
    // The proof has 0 or 20 bytes, after one byte with its length.
    response.push(if proof.is_empty() { 0 } else { 20 });
    response.extend_from_slice(&proof);
    if capabilities & PLUGIN_AUTH != 0 {
        response.extend_from_slice(NATIVE_PASSWORD.as_bytes());
        response.push(0);
    }
    packets.send(&response).await?;
    let mut packet = packets.next(fits).await?;
    if packet.first() == Some(&0xFE) {
        let challenge = parse_auth_switch(&packet)?;
        packets.send(&self::proof(login.password, &challenge)).await?;
        packet = packets.next(fits).await?;
    }
    match packet.first() {
        Some(0) => Ok(packets),
        Some(0xFF) => Err(ClientError::Refused(ErrorPacket::read(&packet))),
        _ => Err(ClientError::Malformed("the login is answered neither by yes nor by no")),
    }
}

fn fits(came: &[u8], to_come: usize) -> Result<(), ClientError> {
    if came.len() + to_come > MAX_LOGIN_PACKET { Err(ClientError::LimitExceeded(ReadLimit::Login)) } else { Ok(()) }
}

/// Refuses every plugin except the supported one.
fn check_plugin(plugin: &str) -> Result<(), ClientError> {
    if plugin == NATIVE_PASSWORD { Ok(()) } else { Err(ClientError::UnsupportedPlugin(plugin.to_owned())) }
}

impl Greeting {
    fn read(packet: &[u8]) -> Result<Self, ClientError> {
        let mut fields = PacketReader(packet);
        match fields.number(1)? {
            10 => {}
            0xFF => return Err(ClientError::Refused(ErrorPacket::read(packet))),
            _ => return Err(ClientError::Malformed("the greeting is of another protocol")),
        }
        fields.until_zero();
        // The connection's id; a proxy has another one.
        fields.take(4)?;
        let mut challenge = fields.take(8)?.to_vec();
        fields.take(1)?;
        let low = fields.number(2)?;
        // The character set and the status.
        fields.take(3)?;
        let capabilities = u32::try_from(fields.number(2)? << 16 | low).unwrap_or_default();
        let length = usize::try_from(fields.number(1)?).unwrap_or_default();
        fields.take(10)?;
        let rest = fields.take(length.saturating_sub(8).max(13).min(fields.0.len()))?;
        challenge.extend_from_slice(rest);
        let plugin = if capabilities & PLUGIN_AUTH != 0 {
            String::from_utf8_lossy(fields.until_zero()).into_owned()
        } else if capabilities & SECURE_CONNECTION != 0 {
            NATIVE_PASSWORD.to_owned()
        } else {
            OLD_PASSWORD.to_owned()
        };
        Ok(Self { capabilities, challenge: challenge_of(&challenge)?, plugin })
    }
}

/// Parses the challenge of an authentication switch.
fn parse_auth_switch(packet: &[u8]) -> Result<[u8; CHALLENGE_BYTES], ClientError> {
    let mut fields = PacketReader(packet);
    fields.take(1)?;
    if fields.0.is_empty() {
        return check_plugin(OLD_PASSWORD).map(|()| [0; CHALLENGE_BYTES]);
    }
    check_plugin(&String::from_utf8_lossy(fields.until_zero()))?;
    challenge_of(fields.0)
}

fn challenge_of(bytes: &[u8]) -> Result<[u8; CHALLENGE_BYTES], ClientError> {
    bytes.first_chunk().copied().ok_or(ClientError::Malformed("the challenge is too short"))
}

/// Returns the head of a handshake response, which alone is the request for TLS.
fn response_head(capabilities: u32) -> Vec<u8> {
    let mut payload = capabilities.to_le_bytes().to_vec();
    payload.extend_from_slice(&MAX_PACKET.to_le_bytes());
    payload.push(CHARSET);
    payload.extend_from_slice(&[0; 23]);
    payload
}

/// Returns `SHA1(p) xor SHA1(challenge, SHA1(SHA1(p)))`; empty without a password.
fn proof(password: Option<&Secret>, challenge: &[u8; CHALLENGE_BYTES]) -> Vec<u8> {
    let Some(password) = password.filter(|password| !password.is_empty()) else { return Vec::new() };
    let once = Zeroizing::new(<[u8; 20]>::from(Sha1::digest(password.expose().as_bytes())));
    let twice = Zeroizing::new(<[u8; 20]>::from(Sha1::digest(*once)));
    let mask = Sha1::new().chain_update(challenge).chain_update(*twice).finalize();
    once.iter().zip(mask.iter()).map(|(once, mask)| once ^ mask).collect()
}
