//! A certificate authority for tests, and certificates signed by it.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A certificate authority, and a certificate of it for this name. None with a loud word where openssl is missing.
pub fn authority(folder: &Path, name: &str) -> Option<Arc<ServerConfig>> {
    let script = format!(
        "set -e; cd {}; new='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'\n\
         openssl req -x509 $new -keyout ca.key -out ca.pem -days 30 -subj /CN=obnow-test-ca\n\
         openssl req $new -keyout own.key -out own.csr -subj /CN=obnow-test\n\
         echo 'subjectAltName={name}' >ext\n\
         openssl x509 -req -in own.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile ext -out own.pem",
        folder.display()
    );
    let made = Command::new("sh").args(["-c", &script]).output().unwrap();
    if !made.status.success() {
        return super::not_installed(&format!("openssl: {}", String::from_utf8_lossy(&made.stderr)));
    }
    let chain = vec![CertificateDer::from_pem_file(folder.join("own.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(folder.join("own.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Some(Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap()))
}
