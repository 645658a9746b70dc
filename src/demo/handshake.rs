//! The login of the MySQL protocol: handshake version 10 with `mysql_native_password`, capabilities as OceanBase announces them.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;

use sha1::{Digest, Sha1};

use super::wire::{CHARSET, PacketChannel};

const LENENC_AUTH: u32 = 1 << 21;
const SECURE_CONNECTION: u32 = 1 << 15;
const CONNECT_WITH_DB: u32 = 1 << 3;
const PLUGIN_AUTH: u32 = 1 << 19;
const PROTOCOL_41: u32 = 1 << 9;
const MULTI_STATEMENTS: u32 = 1 << 16;
/// Long password and flag, database at connect, 4.1 protocol, transactions, secure connection, plugins, attributes,
/// length-encoded proof. Neither TLS, compression, session tracking nor `DEPRECATE_EOF`; nor several statements, which are taken all
/// the same (source of V3.1.0 to V4.3.1, `OMPKHandshake`).
const CAPABILITIES: u32 =
    1 | 1 << 2 | CONNECT_WITH_DB | PROTOCOL_41 | 1 << 13 | SECURE_CONNECTION | PLUGIN_AUTH | 1 << 20 | LENENC_AUTH;
const AUTH_PLUGIN: &[u8] = b"mysql_native_password";

/// Random bytes of one connection, so that a proof is valid on that connection only.
pub type Salt = [u8; 20];

/// The client's response to the handshake.
#[derive(Debug, PartialEq, Eq)]
pub struct Login {
    /// The user's name as sent: `root@sys#cluster`.
    pub user: String,
    /// The proof that the client knows the password; empty without one.
    pub proof: Vec<u8>,
    /// The database to start in.
    pub database: Option<String>,
    /// Whether the client asked for several statements in one query (`CLIENT_MULTI_STATEMENTS`).
    pub multi_statements: bool,
    plugin: Option<Vec<u8>>,
}

/// Sends the handshake and reads the login. `None`: the client disconnected, or does not speak this protocol.
///
/// # Errors
/// Where the connection breaks or a packet is malformed.
pub async fn greet(channel: &mut PacketChannel, version: &str, connection: u64) -> io::Result<Option<(Login, Salt)>> {
    let salt = new_salt();
    channel.put(&greeting(version, connection, &salt));
    channel.send().await?;
    let Some(packet) = channel.read().await? else { return Ok(None) };
    let Some(mut login) = read_login(&packet) else { return Ok(None) };
    if login.plugin.as_deref().is_some_and(|plugin| plugin != AUTH_PLUGIN) {
        // The client began with another plugin: ask for the one there is.
        let mut ask = vec![0xFE];
        ask.extend_from_slice(AUTH_PLUGIN);
        ask.push(0);
        ask.extend_from_slice(&salt);
        ask.push(0);
        channel.put(&ask);
        channel.send().await?;
        let Some(proof) = channel.read().await? else { return Ok(None) };
        login.proof = proof;
    }
    Ok(Some((login, salt)))
}

/// Returns whether a proof matches a password: `SHA1(p) xor SHA1(salt, SHA1(SHA1(p)))`.
#[must_use]
pub fn proof_matches(password: &str, salt: &Salt, proof: &[u8]) -> bool {
    if password.is_empty() {
        return proof.is_empty();
    }
    let once = Sha1::digest(password.as_bytes());
    let twice = Sha1::digest(once);
    let mask = Sha1::new().chain_update(salt).chain_update(twice).finalize();
    proof.len() == once.len() && proof.iter().zip(once.iter().zip(mask.iter())).all(|(sent, (a, b))| *sent == a ^ b)
}

/// Returns a salt from the standard library's randomly keyed hasher; no byte is zero, which would end the salt early.
fn new_salt() -> Salt {
    let random = RandomState::new();
    let mut salt = [0; 20];
    for (count, part) in salt.chunks_mut(8).enumerate() {
        let mut hasher = random.build_hasher();
        hasher.write_usize(count);
        for (byte, random) in part.iter_mut().zip(hasher.finish().to_le_bytes()) {
            *byte = random % 94 + 33;
        }
    }
    salt
}

fn greeting(version: &str, connection: u64, salt: &Salt) -> Vec<u8> {
    let capabilities = CAPABILITIES.to_le_bytes();
    let mut payload = vec![10];
    payload.extend_from_slice(version.as_bytes());
    payload.push(0);
    // The protocol has four bytes for the id.
    payload.extend_from_slice(&connection.to_le_bytes()[..4]);
    payload.extend_from_slice(&salt[..8]);
    payload.push(0);
    payload.extend_from_slice(&capabilities[..2]);
    payload.extend_from_slice(&[CHARSET, 2, 0]);
    payload.extend_from_slice(&capabilities[2..]);
    payload.push(21);
    payload.extend_from_slice(&[0; 10]);
    payload.extend_from_slice(&salt[8..]);
    payload.push(0);
    payload.extend_from_slice(AUTH_PLUGIN);
    payload.push(0);
    payload
}

/// Parses the client's response; `None` if it is malformed or of a protocol before 4.1.
fn read_login(packet: &[u8]) -> Option<Login> {
    let capabilities = u32::from_le_bytes(packet.first_chunk().copied()?);
    if capabilities & PROTOCOL_41 == 0 {
        return None;
    }
    // Behind the capabilities: longest packet, charset and 23 bytes of nothing.
    let mut rest = packet.get(32..)?;
    let user = text(take_until_zero(&mut rest)?)?;
    let proof = if capabilities & (LENENC_AUTH | SECURE_CONNECTION) == 0 {
        take_until_zero(&mut rest)?
    } else {
        // A proof has 20 bytes, so that its length is one byte in either form.
        let (length, behind) = rest.split_first()?;
        let (proof, behind) = behind.split_at_checked(usize::from(*length))?;
        rest = behind;
        proof
    };
    let database = if capabilities & CONNECT_WITH_DB == 0 { None } else { Some(text(take_until_zero(&mut rest)?)?) };
    let plugin = if capabilities & PLUGIN_AUTH == 0 { None } else { take_until_zero(&mut rest).map(<[u8]>::to_vec) };
    let multi_statements = capabilities & MULTI_STATEMENTS != 0;
    Some(Login {
        user,
        proof: proof.to_vec(),
        database: database.filter(|name| !name.is_empty()),
        multi_statements,
        plugin,
    })
}

fn take_until_zero<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = rest.iter().position(|byte| *byte == 0)?;
    let (found, behind) = rest.split_at(end);
    *rest = &behind[1..];
    Some(found)
}

fn text(bytes: &[u8]) -> Option<String> {
    String::from_utf8(bytes.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(capabilities: u32, behind: &[u8]) -> Vec<u8> {
        let mut packet = capabilities.to_le_bytes().to_vec();
        packet.resize(32, 0);
        packet.extend_from_slice(behind);
        packet
    }

    #[test]
    fn only_the_right_password_and_salt_prove() {
        // The formula a second time, from the client's side; a real client's login is in tests/demo_wire.rs.
        let salt: Salt = std::array::from_fn(|index| u8::try_from(index + 1).unwrap_or_default());
        let once = Sha1::digest(b"pass");
        let mut joined = salt.to_vec();
        joined.extend_from_slice(&Sha1::digest(once));
        let mask = Sha1::digest(&joined);
        let proof: Vec<u8> = once.iter().zip(mask.iter()).map(|(a, b)| a ^ b).collect();
        assert!(proof_matches("pass", &salt, &proof));
        assert!(!proof_matches("Pass", &salt, &proof));
        assert!(!proof_matches("pass", &[9; 20], &proof));
        assert!(!proof_matches("pass", &salt, &proof[..19]));
        assert!(!proof_matches("pass", &salt, &[]));
        assert!(!proof_matches("", &salt, &proof));
        assert!(proof_matches("", &salt, &[]));
    }

    #[test]
    fn a_login_is_read_with_what_it_carries() {
        let login = read_login(&answer(
            PROTOCOL_41 | SECURE_CONNECTION | CONNECT_WITH_DB | MULTI_STATEMENTS | PLUGIN_AUTH,
            b"root@sys#c\0\x02xyoceanbase\0other\0",
        ));
        let expected = Login {
            user: "root@sys#c".to_owned(),
            proof: b"xy".to_vec(),
            database: Some("oceanbase".to_owned()),
            multi_statements: true,
            plugin: Some(b"other".to_vec()),
        };
        assert_eq!(login, Some(expected));
    }

    #[test]
    fn a_malformed_login_is_none() {
        let ours = PROTOCOL_41 | SECURE_CONNECTION;
        for packet in [
            vec![],
            vec![0; 10],
            answer(SECURE_CONNECTION, b"root\0\0"),
            answer(ours, b"root"),
            answer(ours, b"root\0\x14short"),
            answer(ours, b"\xFF\xFE\0\0"),
            answer(ours | CONNECT_WITH_DB, b"root\0\0name"),
        ] {
            assert_eq!(read_login(&packet), None, "{packet:?}");
        }
    }

    #[test]
    fn a_salt_is_new_each_time_and_has_no_zero() {
        assert_ne!(new_salt(), new_salt());
        assert!(new_salt().iter().all(|byte| (33..127).contains(byte)));
    }
}
