//! Azurite: Microsoft's own emulator of Azure Blob. It checks Shared Key signatures.

use std::path::Path;
use std::process::Command;

use super::{Server, installed};

/// What `tests/run` installs.
pub const RELEASE: &str = "azurite-3.35.0";

pub const ACCOUNT: &str = "obnowtest";
/// Base64, as every key of Azure.
pub const KEY: &str = "Q0FOQVJZLW9mLXRoZS1henVyZS1hY2NvdW50LWtleQ==";

/// A server whose data is in this folder.
pub fn start(folder: &Path) -> Option<Server> {
    let place = installed(RELEASE)?;
    let mut command = Command::new(place.join("node_modules/.bin/azurite-blob"));
    command.args([
        "--blobHost",
        "127.0.0.1",
        "--blobPort",
        "0",
        "--skipApiVersionCheck",
        "--silent",
        "--disableTelemetry",
        "--location",
    ]);
    command.arg(folder).env("AZURITE_ACCOUNTS", format!("{ACCOUNT}:{KEY}"));
    Some(Server::start(command))
}

/// Makes a container, signed by the emulator's own kind of key in the address: a service token would need the same signature,
/// so this signs by hand what obnow signs by its own code.
pub async fn container(port: u16, name: &str) {
    use base64::Engine;
    use hmac::{Hmac, KeyInit, Mac};
    let date = super::s3s_fs::httpdate();
    let text = format!(
        "PUT\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:{date}\nx-ms-version:2021-08-06\n/{ACCOUNT}/{ACCOUNT}/{name}\nrestype:container"
    );
    let key = base64::engine::general_purpose::STANDARD.decode(KEY).unwrap();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap();
    mac.update(text.as_bytes());
    let signature = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
    let request = super::moto::client().put(format!("http://127.0.0.1:{port}/{ACCOUNT}/{name}?restype=container"));
    let request = request.header("x-ms-date", date).header("x-ms-version", "2021-08-06").header("content-length", "0");
    let done = request.header("authorization", format!("SharedKey {ACCOUNT}:{signature}")).send().await.unwrap();
    assert!(done.status().is_success(), "{}", done.text().await.unwrap());
}
