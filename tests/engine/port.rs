//! Ports for servers that cannot be asked which one the system gave them.

use std::fs::File;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

/// A port of 127.0.0.1 on which nothing listens, claimed against the other tests of this host by a locked file.
pub struct Port {
    pub number: u16,
    _claim: File,
}

impl Port {
    /// Claims a port below the ephemeral range, so that no other process gets it before the server listens.
    pub fn claim() -> Self {
        let is_free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
        // Tests that begin together look in different places.
        let begin = u16::try_from(std::process::id() % 10_000).unwrap();
        let claimed = |number: u16| {
            let path = claim_path(number);
            let claim = File::create(&path).unwrap();
            // One that was removed between the two, by whoever gave it back, claims nothing.
            let is_there = || path.metadata().is_ok_and(|there| there.ino() == claim.metadata().unwrap().ino());
            let is_ours = claim.try_lock().is_ok() && is_there() && is_free(number);
            // One that is not ours is not given back either.
            if is_ours { Some(Self { number, _claim: claim }) } else { None }
        };
        (0..10_000).map(|at| 20_000 + (begin + at) % 10_000).find_map(claimed).unwrap()
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(claim_path(self.number));
    }
}

fn claim_path(port: u16) -> PathBuf {
    std::env::temp_dir().join(format!("obnow-test-port-{port}"))
}
